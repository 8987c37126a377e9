"""What an error of the queue's database means: not now, never, or a mistake of this code.

Only what passes by itself, or by an operator's hand, may be `Unavailable`: callers wait for that without end, so an error
that lies in the data and came under this name would hold back every lane.

Sources: PostgreSQL's appendix "PostgreSQL Error Codes" (SQLSTATE, its first two characters are the class), and SQLite's
"Result and Error Codes" (the lowest byte of an extended code is the primary one).
"""

from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError

from vedette.core import InvalidInput, Unavailable, VedetteError

__all__ = ["translated"]

# Connection, rollback (deadlock), resources, object in use, operator's intervention (shutdown), system (I/O).
_PASSING_CLASSES: Final = {"08", "40", "53", "55", "57", "58"}
# Read-only; the session was ended for idling or for its transaction's length; data or index corrupted on disk.
_PASSING: Final = {"25006", "25P03", "25P04", "XX001", "XX002"}
# Data, and limits of the program: too large, too complex.
_BAD_CLASSES: Final = {"22", "54"}
_NO_TABLE: Final = "42P01"

# perm, busy, locked, nomem, readonly, interrupt, ioerr, corrupt, full, cantopen, protocol, schema, notadb
_SQLITE_PASSING: Final = {3, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 17, 26}
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


def _of_postgresql(state: str) -> VedetteError | None:
    if state[:2] in _BAD_CLASSES:
        return _bad()
    if state == _NO_TABLE:
        return _no_tables()
    return _passing() if state in _PASSING or state[:2] in _PASSING_CLASSES else None


def _of_sqlite(code: int, words: str) -> VedetteError | None:
    primary = code & 0xFF
    if primary in _SQLITE_BAD:
        return _bad()
    if _SQLITE_NO_TABLE in words:
        return _no_tables()
    return _passing() if primary in _SQLITE_PASSING else None


def _passing() -> Unavailable:
    return Unavailable(
        "The queue can't be read or written now; nothing was kept. Try again later.",
        retry_after=1.0,
    )


def _no_tables() -> Unavailable:
    return Unavailable(
        "The queue's tables are gone; nothing was kept. Restart Vedette, which makes them anew.",
        retry_after=1.0,
    )


def _bad() -> InvalidInput:
    return InvalidInput("The queue can't keep this, now or later; nothing was kept.")
