"""What an error of the database means: not now, never, not beside what is there, or a mistake of this code.

Only what passes by itself, or by an operator's hand, may be `Unavailable`: callers wait for that without end, so an error
that lies in the data and came under this name would hold back everything behind it.

Sources: PostgreSQL's appendix "PostgreSQL Error Codes" (SQLSTATE, its first two characters are the class), and SQLite's
"Result and Error Codes" (the lowest byte of an extended code is the primary one).
"""

from collections.abc import Callable
from typing import Any, Final

from sqlalchemy import exc

from vedette.core import ConfigError, Conflict, InvalidInput, Unavailable, VedetteError

__all__ = ["translated", "untrusted"]

# Connection, rollback (deadlock), resources, object in use, operator's intervention (shutdown), system (I/O).
_PASSING_CLASSES: Final = {"08", "40", "53", "55", "57", "58"}
# The session was ended for idling or for its transaction's length.
_PASSING: Final = {"25P03", "25P04"}
# Data, integrity, and limits of the program: too large, too complex.
_BAD_CLASSES: Final = {"22", "23", "54"}
# Foreign key, unique, exclusion.
_CONFLICTING: Final = {"23503", "23505", "23P01"}
_NO_TABLES: Final = {"42P01", "42703"}
_IN_THE_WAY: Final = {"42P07", "42701", "42710"}
_NO_RIGHT: Final = "42501"

_SQLITE_IO: Final = 10
# perm, busy, locked, nomem, interrupt, cantopen, protocol, schema
_SQLITE_PASSING: Final = {3, 5, 6, 7, 9, 14, 15, 17}
# toobig, constraint, mismatch
_SQLITE_BAD: Final = {18, 19, 20}
# Foreign key, primary key, unique, rowid.
_SQLITE_CONFLICTING: Final = {787, 1555, 2067, 2579}
# For these SQLite has only words.
_SQLITE_NO_TABLES: Final = ("no such table", "no such column", "has no column named")
_SQLITE_IN_THE_WAY: Final = "already exists"


def translated(error: exc.StatementError) -> VedetteError | None:
    """The error in our own words; None when it is a mistake of this code and should be seen as it is."""
    if isinstance(error.orig, VedetteError):
        # What a column refused while it was being written.
        return error.orig
    if not isinstance(error, exc.DBAPIError):
        bad = isinstance(error.orig, ValueError | TypeError | OverflowError)
        return InvalidInput(f"a value cannot be stored: {error.orig}") if bad else None
    sqlite, state = getattr(error.orig, "sqlite_errorcode", None), _sqlstate(error)
    if isinstance(sqlite, int):
        return _of_sqlite(sqlite, _cause(error))
    if state is not None:
        return _of_postgresql(state, _cause(error))
    return _of_driver(error)


def untrusted(error: exc.StatementError) -> bool:
    """Whether SQLite was refused a read, a write or a sync, so that what is in memory need not be on the disk."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF == _SQLITE_IO


def _sqlstate(error: exc.DBAPIError) -> str | None:
    state = getattr(error.orig, "sqlstate", None)
    return state if isinstance(state, str) else None


def _of_postgresql(state: str, cause: str) -> VedetteError | None:
    family = state[:2]
    if state in _CONFLICTING:
        return _conflict(cause)
    if family in _BAD_CLASSES:
        return _bad(cause)
    if state in _DISK:
        return _DISK[state](cause)
    if state in _PASSING or family in _PASSING_CLASSES:
        return _passing(cause)
    return _of_tables(state, cause)


def _of_tables(state: str, cause: str) -> ConfigError | None:
    if state in _NO_TABLES:
        return _not_migrated(cause)
    if state in _IN_THE_WAY:
        return _in_the_way(cause)
    if state == _NO_RIGHT:
        return ConfigError(f"the store's user lacks a right that it needs ({cause}); grant it")
    return None


def _of_sqlite(code: int, cause: str) -> VedetteError | None:
    primary = code & 0xFF
    if primary in _SQLITE_BAD:
        return _conflict(cause) if code in _SQLITE_CONFLICTING else _bad(cause)
    if primary in _SQLITE_DISK:
        return _SQLITE_DISK[primary](cause)
    if primary in _SQLITE_PASSING:
        return _passing(cause)
    if any(words in cause for words in _SQLITE_NO_TABLES):
        return _not_migrated(cause)
    return _in_the_way(cause) if _SQLITE_IN_THE_WAY in cause else None


def _of_driver(error: exc.DBAPIError) -> VedetteError | None:
    """The driver itself raised it, without a word from the database."""
    if isinstance(error, exc.DataError):
        return _bad(_cause(error))
    # Without a statement it was connecting, beginning or committing.
    broken = error.connection_invalidated or error.statement is None
    if broken and isinstance(error, exc.OperationalError | exc.InterfaceError):
        return _passing(_cause(error))
    return None


def _passing(cause: str) -> Unavailable:
    return Unavailable(f"the store cannot be used now: {cause}", retry_after=1.0)


def _full(cause: str) -> Unavailable:
    return Unavailable(f"the store's disk is full: {cause}", kind="disk-full", retry_after=1.0)


def _read_only(cause: str) -> Unavailable:
    return Unavailable(f"the store can only be read: {cause}", kind="read-only", retry_after=1.0)


def _io(cause: str) -> Unavailable:
    return Unavailable(
        f"the store's disk refused to read, write or sync: {cause}",
        kind="io-error",
        retry_after=1.0,
    )


def _damaged(cause: str) -> Unavailable:
    return Unavailable(
        f"the store is damaged, or is none of ours ({cause}); docs/operations.md says how to check and salvage it",
        kind="damaged-data",
        retry_after=60.0,
    )


def _bad(cause: str) -> InvalidInput:
    return InvalidInput(f"a value cannot be stored: {cause}")


def _conflict(cause: str) -> Conflict:
    return Conflict(
        f"what is to be stored refers to something that is not there, or is there already: {cause}"
    )


def _not_migrated(cause: str) -> ConfigError:
    return ConfigError(f"the store has not the tables of this version ({cause}); migrate it first")


def _in_the_way(cause: str) -> ConfigError:
    return ConfigError(
        f"the store's database has something of this name already ({cause}); give it one of its own"
    )


def _cause(error: exc.StatementError) -> str:
    # The driver's own words: SQLAlchemy's text would add the statement.
    orig: Any = error.orig
    return (str(orig).strip() or type(orig).__name__).splitlines()[0]


_DISK: Final[dict[str, Callable[[str], Unavailable]]] = {
    "25006": _read_only,
    "53100": _full,
    "58030": _io,
    # Data, and an index.
    "XX001": _damaged,
    "XX002": _damaged,
}
# readonly, ioerr, corrupt, full, notadb
_SQLITE_DISK: Final[dict[int, Callable[[str], Unavailable]]] = {
    8: _read_only,
    _SQLITE_IO: _io,
    11: _damaged,
    13: _full,
    26: _damaged,
}
