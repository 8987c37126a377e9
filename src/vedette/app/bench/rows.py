"""Plain queries on the server's store, past all of the server's own code: for recounts, and to see when verdicts appear."""

import sqlite3
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Protocol, Self

import psycopg
from sqlalchemy import make_url

from vedette.app.settings import Settings
from vedette.core import Clock, Record

__all__ = ["Counted", "VerdictWatch", "late_verdicts", "reading", "recount"]


class _Cursor(Protocol):
    def fetchall(self) -> list[Any]: ...


class Reader(Protocol):
    """A connection that runs a query."""

    def execute(self, query: Any, /) -> _Cursor:
        """Runs it."""


class Counted(Record, frozen=True, kw_only=True):
    """Rows of verdicts; those accepted that have none; and those beyond one for a snapshot."""

    verdicts: int
    lost: int
    duplicates: int


@contextmanager
def reading(settings: Settings) -> Iterator[Reader]:
    """A connection of its own that writes nothing."""
    url = make_url(settings.store_url)
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(f"file:{url.database}?mode=ro", uri=True)) as lite:
            yield lite
    else:
        text = url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(text, autocommit=True) as post:
            yield post


def recount(settings: Settings, accepted: Sequence[tuple[str, int]]) -> Counted:
    """Compares the (host, seq) that were answered with 202 to the rows of verdicts."""
    rows: dict[tuple[str, int], int] = defaultdict(int)
    with reading(settings) as store:
        for host, seq in store.execute("SELECT host, seq FROM verdicts").fetchall():
            rows[host, seq] += 1
    return Counted(
        verdicts=sum(rows.values()),
        lost=sum(1 for key in set(accepted) if key not in rows),
        duplicates=sum(count - 1 for count in rows.values()),
    )


def late_verdicts(settings: Settings) -> int:
    """How many snapshots were judged after a later one of their host: out of order."""
    with reading(settings) as store:
        return sum(bool(late) for (late,) in store.execute("SELECT late FROM verdicts").fetchall())


class VerdictWatch:
    """Notes when each verdict can be seen by others: looks at the hosts' last seqs every few milliseconds."""

    def __init__(self, settings: Settings, clock: Clock, *, period: float = 0.01) -> None:
        self._settings = settings
        self._clock = clock
        self._period = period
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="verdict-watch", daemon=True)
        self._last: dict[str, int] = {}
        self.seen: dict[tuple[str, int], float] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def last(self, host: str) -> int:
        """The last seq of the host with a verdict."""
        return self._last.get(host, 0)

    def _watch(self) -> None:
        with reading(self._settings) as store:
            while not self._stop.wait(self._period):
                rows = store.execute("SELECT id, last_seq FROM hosts").fetchall()
                now = self._clock.monotonic()
                for host, seq in rows:
                    for each in range(self._last.get(host, 0) + 1, seq + 1):
                        self.seen[host, each] = now
                    self._last[host] = seq
