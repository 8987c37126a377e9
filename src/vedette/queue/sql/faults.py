"""What an error of the queue's database means: not now, never, or a mistake of this code.

Only what passes by itself, or by an operator's hand, may be `Unavailable`: callers wait for that without end, so an error
that lies in the data and came under this name would hold back every lane.

Sources: PostgreSQL's appendix "PostgreSQL Error Codes" (SQLSTATE, its first two characters are the class), and SQLite's
"Result and Error Codes" (the lowest byte of an extended code is the primary one).
"""

from collections.abc import Callable
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError

from vedette.core import InvalidInput, Unavailable, VedetteError

__all__ = ["translated", "untrusted"]

# Connection, rollback (deadlock), resources, object in use, operator's intervention (shutdown), system (I/O).
_PASSING_CLASSES: Final = {"08", "40", "53", "55", "57", "58"}
# The session was ended for idling or for its transaction's length.
_PASSING: Final = {"25P03", "25P04"}
# Data, and limits of the program: too large, too complex.
_BAD_CLASSES: Final = {"22", "54"}
_NO_TABLE: Final = "42P01"

_SQLITE_IO: Final = 10
# perm, busy, locked, nomem, interrupt, cantopen, protocol, schema
_SQLITE_PASSING: Final = {3, 5, 6, 7, 9, 14, 15, 17}
# toobig, mismatch
_SQLITE_BAD: Final = {18, 20}
# For this SQLite has only words.
_SQLITE_NO_TABLE: Final = "no such table"


def translated(error: DBAPIError) -> VedetteError | None:
    """The error in our own words; None when it is a mistake of this code and should be seen as it is."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    state = getattr(error.orig, "sqlstate", None)
    if isinstance(code, int):
        return _of_sqlite(code, str(error.orig))
    if isinstance(state, str):
        return _of_postgresql(state)
    if isinstance(error, DataError):
        return _bad()
    # The driver itself raised it. Without a statement it was connecting, beginning or committing.
    broken = error.connection_invalidated or error.statement is None
    return _passing() if broken and isinstance(error, OperationalError | InterfaceError) else None


def untrusted(error: DBAPIError) -> bool:
    """Whether SQLite was refused a read, a write or a sync, so that what is in memory need not be on the disk."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF == _SQLITE_IO


def _of_postgresql(state: str) -> VedetteError | None:
    if state[:2] in _BAD_CLASSES:
        return _bad()
    if state == _NO_TABLE:
        return _no_tables()
    if state in _DISK:
        return _DISK[state]()
    return _passing() if state in _PASSING or state[:2] in _PASSING_CLASSES else None


def _of_sqlite(code: int, words: str) -> VedetteError | None:
    primary = code & 0xFF
    if primary in _SQLITE_BAD:
        return _bad()
    if _SQLITE_NO_TABLE in words:
        return _no_tables()
    if primary in _SQLITE_DISK:
        return _SQLITE_DISK[primary]()
    return _passing() if primary in _SQLITE_PASSING else None


def _passing() -> Unavailable:
    return Unavailable(
        "The queue can't be read or written now; nothing was kept. Try again later.",
        retry_after=1.0,
    )


def _full() -> Unavailable:
    return Unavailable(
        "The queue's disk is full; nothing was kept. Make room, and it goes on by itself.",
        kind="disk-full",
        retry_after=1.0,
    )


def _read_only() -> Unavailable:
    return Unavailable(
        "The queue's database can only be read; nothing was kept.",
        kind="read-only",
        retry_after=1.0,
    )


def _io() -> Unavailable:
    return Unavailable(
        "The queue's disk refused to read, write or sync; nothing was kept. See the kernel's log.",
        kind="io-error",
        retry_after=1.0,
    )


def _damaged() -> Unavailable:
    return Unavailable(
        "The queue's data is damaged; nothing was kept. docs/operations.md says how to check and salvage it.",
        kind="damaged-data",
        retry_after=60.0,
    )


def _no_tables() -> Unavailable:
    return Unavailable(
        "The queue's tables are gone; nothing was kept. Restart Vedette, which makes them anew.",
        retry_after=1.0,
    )


def _bad() -> InvalidInput:
    return InvalidInput("The queue can't keep this, now or later; nothing was kept.")


_DISK: Final[dict[str, Callable[[], Unavailable]]] = {
    "25006": _read_only,
    "53100": _full,
    "58030": _io,
    # Data, and an index.
    "XX001": _damaged,
    "XX002": _damaged,
}
# readonly, ioerr, corrupt, full, notadb
_SQLITE_DISK: Final[dict[int, Callable[[], Unavailable]]] = {
    8: _read_only,
    _SQLITE_IO: _io,
    11: _damaged,
    13: _full,
    26: _damaged,
}
