"""Which tables the server has already, so that they go as digests (`same`) and not in full."""

import threading
import zlib
from collections.abc import Iterable

import msgspec

from vedette.core import VOLATILE_TABLES, Epoch, Record, Row, Snapshot, quick_digest, table_digest

__all__ = ["Sameness"]

# Who listens is told by the processes of the same moment, and this table is small.
_ALWAYS = VOLATILE_TABLES | {"listening_ports"}
_ENTRY_BYTES = 80
"""About what a digest costs in a snapshot: 71 letters and the table's name."""


class _Sent(Record, frozen=True, kw_only=True):
    """A table as it was last put in the spool, in full or as unchanged. `quick` is over the rows in their order."""

    quick: bytes
    digest: str


class Sameness:
    """Remembers what was last spooled of each table. Safe for use by several threads.

    A table goes in full when it changed, is read only in part, or differs in nearly every look anyhow; in a run's or an
    epoch's first snapshot; when the server names it as needed; after anything spooled was lost (`forget`); and once in
    `full_every` looks, each table in its own turn, so that no such look has all of them. Nothing is kept over a restart.
    The server checks each digest against what it knows, so a mistake here costs sight for a moment and hides nothing.
    """

    def __init__(self, full_every: int) -> None:
        self._every = full_every
        self._lock = threading.Lock()
        self._epoch: Epoch | None = None
        self._sent: dict[str, _Sent] = {}
        self._looks = 0

    def reduce(self, epoch: Epoch, snapshot: Snapshot) -> Snapshot:
        """The snapshot as it goes into the spool, with the tables that the server has as their digests."""
        with self._lock:
            if epoch != self._epoch:
                self._epoch, self._sent = epoch, {}
            self._looks += 1
            sent, same = {}, {}
            for name, rows in snapshot.tables.items():
                if name in _ALWAYS or name in snapshot.unread:
                    continue
                before = self._sent.get(name)
                sent[name] = now = _look(rows, before)
                if before and before.digest == now.digest and not self._due(name):
                    same[name] = now.digest
            self._sent = sent
        same = {name: given for name, given in same.items() if not _is_small(snapshot.tables[name])}
        if not same:
            return snapshot
        full = {name: rows for name, rows in snapshot.tables.items() if name not in same}
        return msgspec.structs.replace(snapshot, tables=full, same=snapshot.same | same)

    def need(self, tables: Iterable[str]) -> None:
        """The server asks for these in full: they go with the next look."""
        with self._lock:
            for name in tables:
                self._sent.pop(name, None)

    def forget(self) -> None:
        """Something spooled did not arrive, or may not: all goes in full with the next look."""
        with self._lock:
            self._sent = {}

    def _due(self, name: str) -> bool:
        turn = zlib.crc32(name.encode())
        return (self._looks + turn) % self._every == 0


def _look(rows: list[Row], before: _Sent | None) -> _Sent:
    quick = quick_digest(rows)
    if before is not None and before.quick == quick:
        return before
    return _Sent(quick=quick, digest=table_digest(rows))


def _is_small(rows: list[Row]) -> bool:
    """Whether the rows take no more room than their digest would."""
    return len(rows) <= 2 and len(msgspec.msgpack.encode(rows)) <= _ENTRY_BYTES
