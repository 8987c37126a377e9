"""Dead letters that are replayed while the worker is killed again and again: one linked verdict each, and none is lost."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from tests.fixtures.quiet_host import quiet_snapshots
from tests.fixtures.sealed import TENANT, message

from vedette.core import SystemClock, Verdict, replayed_id, verdict_id
from vedette.queue import Queue, Selection, SqlQueue
from vedette.seal import KeyRing
from vedette.store import Store

pytestmark = pytest.mark.faults

LETTERS, TORN, ROUNDS = 24, 4, 5
_WORKER = """
import sys, threading
from contextlib import nullcontext
from pathlib import Path
from vedette.app.pipeline import Pipeline
from vedette.app.detecting import load_detector
from vedette.app.wiring import policies_from
from vedette.core import SystemClock
from vedette.queue import SqlQueue, consume
from vedette.seal import KeyRing
from vedette.store import Store

url, store_url, ring = sys.argv[1:4]
clock, policies = SystemClock(), policies_from(None)
pipeline = Pipeline(
    store=Store(store_url, clock), ring=KeyRing.load(Path(ring)), detector=load_detector(None),
    policies=lambda _tenant: policies, clock=clock, timer=lambda _stage: nullcontext(),
)
sys.stdout.write("up\\n")
sys.stdout.flush()
consume(SqlQueue(url, clock), pipeline.handle, stop=threading.Event(), clock=clock, limit=4,
        lease_seconds=1.0)
"""


class _Bench:
    """A queue and a store on disk, and a worker that may be killed."""

    def __init__(self, url: str, store_url: str, folder: Path) -> None:
        self._urls = (url, store_url)
        self.ring = KeyRing.generate()
        self._ring_file = folder / "ring"
        self.queue: Queue = SqlQueue(url, SystemClock())
        self.store = Store(store_url, SystemClock())
        self.store.migrate()

    def start(self, ring: KeyRing) -> "subprocess.Popen[str]":
        self._ring_file.unlink(missing_ok=True)
        ring.save(self._ring_file)
        root = Path(__file__).parents[2]
        command = [sys.executable, "-c", _WORKER, *self._urls, str(self._ring_file)]
        worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root)
        assert worker.stdout is not None
        assert worker.stdout.readline() == "up\n"
        return worker

    def verdicts(self) -> list[Verdict]:
        return list(self.store.verdicts.find(TENANT, limit=500).items)

    def wait_until_empty(self) -> None:
        deadline = time.monotonic() + 60
        while self.queue.depth():
            assert time.monotonic() < deadline
            time.sleep(0.05)


def _end(worker: "subprocess.Popen[str]") -> None:
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert worker.stdout is not None
    worker.stdout.close()


@pytest.mark.parametrize(
    "backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def test_each_letter_that_can_be_read_gets_one_linked_verdict(
    backend: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    seed = random.SystemRandom().randrange(2**32)
    rng = random.Random(seed)
    urls = [f"sqlite:///{tmp_path / name}.sqlite" for name in ("queue", "store")]
    if backend == "postgresql":
        urls = [request.getfixturevalue("postgres_url")] * 2
    bench = _Bench(urls[0], urls[1], tmp_path)
    snapshots = list(quiet_snapshots(LETTERS + TORN))
    sealed = [
        message(one, bench.ring, SystemClock().now(), body=b"torn" if one.seq <= TORN else None)
        for one in snapshots
    ]
    with closing(bench.queue), closing(bench.store):
        bench.queue.append(sealed)
        worker = bench.start(KeyRing.generate())
        bench.wait_until_empty()
        _end(worker)
        assert bench.queue.stats().dead_letters == LETTERS + TORN
        assert {verdict.of for verdict in bench.verdicts()} == {None}
        # The key is back. Every round replays all there is, and kills the worker somewhere on the way.
        for _ in range(ROUNDS):
            bench.queue.replay(Selection(), limit=500)
            worker = bench.start(bench.ring)
            time.sleep(rng.uniform(0.0, 0.3))
            _end(worker)
        worker = bench.start(bench.ring)
        bench.wait_until_empty()
        _end(worker)
        verdicts = bench.verdicts()
        first = {verdict.id for verdict in verdicts if verdict.of is None}
        again = Counter(verdict.of for verdict in verdicts if verdict.of is not None)
        assert first == {verdict_id(one.identity) for one in sealed}, seed
        assert again == Counter(verdict_id(one.identity) for one in sealed[TORN:]), seed
        assert all(v.id == replayed_id(v.of) and v.late for v in verdicts if v.of), seed
        letters = bench.queue.dead_letters(limit=500)
        assert sorted(letter.identity.seq for letter in letters) == list(range(1, TORN + 1)), seed
