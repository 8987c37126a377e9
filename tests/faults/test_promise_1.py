"""Promise 1: nothing accepted is lost. Processes are killed at random moments under load, with poison in it."""

import random
import threading
import time
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from tests.fixtures.quiet_host import quiet_snapshots
from tests.fixtures.service import Service, running_service
from tests.fixtures.wire import Sender

from vedette.core import TenantId, Verdict

pytestmark = pytest.mark.faults

HOSTS, SNAPSHOTS, LOAD_SECONDS = 6, 60, 12.0
POISON = 0.05
FAST = "[detector]\nworkers = 2\nlease_seconds = 3.0\nbatch = 16\n[ingest]\nrate = 1000.0\n"


class _Sent(NamedTuple):
    host: str
    seq: int
    poison: bool


def _push_until_accepted(sender: Sender, envelope: bytes, deadline: float) -> bool:
    """What an agent does: the same envelope, signed anew, until it is taken."""
    while time.monotonic() < deadline:
        try:
            response = sender.push(envelope)
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        if response.status_code == 202:
            return True
        assert response.status_code in {401, 429, 503}, response.text
        time.sleep(0.05)
    return False


def _load(sender: Sender, seed: int, accepted: list[_Sent], stop_at: float) -> None:
    rng = random.Random(seed)  # noqa: S311 - makes no secret
    pace = LOAD_SECONDS / SNAPSHOTS
    for snapshot in quiet_snapshots(SNAPSHOTS, seed=seed):
        poison = rng.random() < POISON
        body = rng.randbytes(200) if poison else None
        if not _push_until_accepted(sender, sender.envelope(snapshot, body=body), stop_at):
            return
        accepted.append(_Sent(sender.host, snapshot.seq, poison))
        time.sleep(pace * rng.random())


def _kill_at_random(service: Service, rng: random.Random, until: float) -> list[str]:
    killed = []
    while time.monotonic() < until:
        time.sleep(rng.uniform(0.3, 1.5))
        name = rng.choice(["api", "detector", "detector-1", "responder"])
        if service.kill(name):
            killed.append(name)
    return killed


def _all_verdicts(service: Service, count: int, seconds: float) -> list[Verdict]:
    store = service.store()
    try:
        deadline = time.monotonic() + seconds
        while True:
            found: list[Verdict] = []
            after: str | None = None
            while True:
                page = store.verdicts.find(TenantId("default"), limit=500, after=after)
                found += page.items
                after = page.next
                if after is None:
                    break
            if len(found) >= count or time.monotonic() > deadline:
                return found
            time.sleep(0.5)
    finally:
        store.close()


@pytest.mark.parametrize("round_", [1, 2, 3])
@pytest.mark.parametrize(
    "backend", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]
)
def test_every_202_has_exactly_one_verdict_in_order(
    backend: str, round_: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if backend == "postgresql" else ""
    seed = random.SystemRandom().randrange(2**32)
    rng = random.Random(seed)  # noqa: S311 - makes no secret
    with running_service(tmp_path, store_url=url, queue_url=url, more=FAST) as service:
        senders = [service.sender(f"host-{number}") for number in range(HOSTS)]
        accepted: list[_Sent] = []
        stop_at = time.monotonic() + 90
        threads = [
            threading.Thread(target=_load, args=(sender, seed + number, accepted, stop_at))
            for number, sender in enumerate(senders)
        ]
        for thread in threads:
            thread.start()
        killed = _kill_at_random(service, rng, time.monotonic() + LOAD_SECONDS)
        for thread in threads:
            thread.join()
        verdicts = _all_verdicts(service, len(accepted), 60)
    context = f"round {round_}, seed {seed}, killed {killed}"
    assert killed, context
    assert len(accepted) == HOSTS * SNAPSHOTS, context
    identities = [(verdict.host, verdict.seq) for verdict in verdicts]
    assert len(identities) == len(set(identities)), context
    assert set(identities) == {(sent.host, sent.seq) for sent in accepted}, context
    assert not [verdict for verdict in verdicts if verdict.late], context
    unreadable = {
        (verdict.host, verdict.seq)
        for verdict in verdicts
        if verdict.reasons and verdict.reasons[0].subject == "unreadable"
    }
    assert unreadable == {(sent.host, sent.seq) for sent in accepted if sent.poison}, context
