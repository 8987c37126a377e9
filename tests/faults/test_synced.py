"""202 means: on disk. Seen from the kernel's side, and with a checker that is shown to fail where it must."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.fixtures.postgres import running_postgres
from tests.fixtures.quiet_host import live_snapshots
from tests.fixtures.service import Service, running_service
from tests.fixtures.syscalls import NotProven, Pushed, Trace, prove_synced, refusing, tracing
from tests.fixtures.wire import Sender

from vedette.core import SystemClock, digest
from vedette.queue import SqlQueue

pytestmark = pytest.mark.faults

SENDERS, SNAPSHOTS = 16, 12
SQLITE_LOG, POSTGRESQL_LOG = "/queue.sqlite-wal", "/pg_wal/"
# What an operator must never do, and no setting offers: a queue that does not sync.
_UNSYNCED = """
import sqlite3, sqlite3.dbapi2

class Unsynced(sqlite3.Connection):
    def execute(self, statement, *more):
        return super().execute(statement.replace("synchronous = FULL", "synchronous = OFF"), *more)

def connect(*given, real=sqlite3.dbapi2.connect, **named):
    return real(*given, **({"factory": Unsynced} | named))

sqlite3.connect = sqlite3.dbapi2.connect = connect
"""


class _Load:
    """Senders that each have one connection and one request at a time on it."""

    def __init__(self, service: Service) -> None:
        self._senders = [service.sender(f"host-{number}") for number in range(SENDERS)]
        # One before the recording starts, so that connections and handshakes are behind.
        self._envelopes = [self._sealed(sender) for sender in self._senders]
        self._each(lambda sender, envelopes: [self._push(sender, envelopes.pop(0))])

    def run(self) -> list[Pushed]:
        """Sends all the rest at once."""
        return self._each(
            lambda sender, envelopes: [self._push(sender, envelope) for envelope in envelopes]
        )

    @staticmethod
    def _sealed(sender: Sender) -> list[bytes]:
        return [sender.envelope(snapshot) for snapshot in live_snapshots(SNAPSHOTS + 1)]

    def _each(self, what: Callable[[Sender, list[bytes]], list[Pushed]]) -> list[Pushed]:
        with ThreadPoolExecutor(SENDERS) as pool:
            done = pool.map(what, self._senders, self._envelopes)
            return [one for ones in done for one in ones]

    @staticmethod
    def _push(sender: Sender, envelope: bytes) -> Pushed:
        answer = sender.push(envelope)
        assert answer.status_code == 202, answer.text
        assert answer.json()["duplicate"] is False
        _, port = answer.extensions["network_stream"].get_extra_info("client_addr")
        return Pushed(port, digest(envelope))


@contextmanager
def _recorded(
    folder: Path, also: list[int], *, url: str = "", path: str = ""
) -> Iterator[tuple[Path, list[Pushed]]]:
    """A server under load while strace looks at its API, and at the processes `also`."""
    environment = {"PYTHONPATH": path} if path else {}
    with running_service(folder, store_url=url, queue_url=url, environment=environment) as service:
        load = _Load(service)
        api = service.pid("api")
        assert api is not None
        with tracing([api, *also], folder / "trace"):
            pushed = load.run()
            time.sleep(0.2)
    yield folder / "trace", pushed


def test_every_202_comes_after_a_sync_that_covers_it_on_sqlite(
    tmp_path: Path, figures: Callable[[str], None]
) -> None:
    with _recorded(tmp_path, []) as (path, pushed):
        syncs = prove_synced(Trace.read(path), pushed, SQLITE_LOG)
        figures(f"sqlite: {len(pushed)} answers 202, each after its sync; {syncs} syncs")
        assert len(pushed) == SENDERS * SNAPSHOTS
        assert 0 < syncs < len(pushed)
        _fails_on_doctored(path.read_text("ascii").splitlines(), pushed)


def _fails_on_doctored(lines: list[str], pushed: list[Pushed]) -> None:
    """One sync that failed, one that is missing, and one answer moved before its sync: each is found."""
    ended = [n for n, line in enumerate(lines) if "fdatasync" in line and line.endswith("= 0")]
    log = [n for n in ended if SQLITE_LOG in lines[n]]
    one = (log or ended)[len(log or ended) // 2]
    failed = [*lines]
    failed[one] = lines[one].replace("= 0", "= -1 EIO (Input/output error)")
    without = [*lines]
    del without[one]
    for doctored in (failed, without):
        with pytest.raises(NotProven, match="not synced"):
            prove_synced(Trace(doctored), pushed, SQLITE_LOG)
    trace = Trace(lines)
    first = pushed[0]
    heard, answered = trace.answers(first.port)[0]
    early = [*lines[: heard + 1], lines[answered], *lines[heard + 1 : answered]]
    with pytest.raises(NotProven):
        prove_synced(Trace([*early, *lines[answered + 1 :]]), pushed, SQLITE_LOG)


def test_a_queue_that_does_not_sync_is_found(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(_UNSYNCED)
    with (
        _recorded(tmp_path, [], path=str(tmp_path / "site")) as (path, pushed),
        pytest.raises(NotProven, match="not synced"),
    ):
        prove_synced(Trace.read(path), pushed, SQLITE_LOG)


@pytest.mark.postgres
def test_every_202_comes_after_a_sync_that_covers_it_on_postgresql(
    tmp_path: Path, figures: Callable[[str], None]
) -> None:
    with running_postgres(fsync=True) as server:
        url = server.url(server.create())
        with _recorded(tmp_path, [server.process.pid], url=url) as (path, pushed):
            syncs = prove_synced(Trace.read(path), pushed, POSTGRESQL_LOG)
            figures(
                f"postgresql: {len(pushed)} answers 202, each after its sync; {syncs} syncs "
                "of the write-ahead log, the detector's and responder's among them"
            )
            assert len(pushed) == SENDERS * SNAPSHOTS


_APPENDER = """
import sys
from vedette.core import SystemClock, Unavailable
from vedette.queue import SqlQueue
from tests.contracts.queue_case import message

queue = SqlQueue(sys.argv[1], SystemClock())
for line in sys.stdin:
    try:
        said = queue.append([message("h", int(line), body=line.encode() * 2000)])[0]
    except Unavailable as error:
        said = error.kind
    print("said", said, flush=True)
"""


def test_after_a_refused_sync_the_log_is_written_anew_before_anything_goes_behind_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "queue.sqlite"
    with subprocess.Popen(
        [sys.executable, "-c", _APPENDER, f"sqlite:///{path}"],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as appender:
        to, back = appender.stdin, appender.stdout
        assert to is not None
        assert back is not None

        def append(seq: int) -> str:
            to.write(f"{seq}\n")
            to.flush()
            # Its log goes the same way.
            return next(line for line in back if line.startswith("said ")).split()[1]

        assert [append(1), append(2)] == ["new", "new"]
        with refusing([appender.pid], "fsync,fdatasync", "EIO"):
            assert append(3) == "io-error"
            assert append(3) == "io-error"
        with tracing([appender.pid], tmp_path / "trace"):
            assert append(4) == "new"
        to.close()
    trace = Trace.read(tmp_path / "trace")
    logged = [one.begun for one in trace.writes("/queue.sqlite-wal")]
    folded = [one.ended for one in trace.syncs("/queue.sqlite") if "-wal" not in one.path]
    assert folded[0] < logged[0]
    with closing(SqlQueue(f"sqlite:///{path}", SystemClock())) as queue:
        stored = [one.message.identity.seq for one in queue.poll(limit=10, lease_seconds=60)]
    assert stored == [1, 2, 4]
