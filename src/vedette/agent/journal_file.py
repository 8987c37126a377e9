"""The journal's SQLite file: founded, checked in full before it is used, set aside where it is damaged."""

import functools
import re
import sqlite3
from contextlib import closing
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from vedette.agent.lease import Lease
from vedette.core import (
    Clock,
    CommandResult,
    Epoch,
    Record,
    Unavailable,
    made_private,
    new_epoch,
)

__all__ = ["Damaged", "JournalFields", "judged", "open_file", "put", "read_fields", "set_aside"]

_log = structlog.get_logger()
_FIRST_SCHEMA: Final = (
    "CREATE TABLE fields (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    """CREATE TABLE commands (
    id TEXT PRIMARY KEY, nonce TEXT NOT NULL UNIQUE, begun_at TEXT NOT NULL,
    result BLOB, reported INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID""",
)
# Leases in force, what is to be said of commands beside their one result, and when something disruptive was begun.
_LEASE_SCHEMA: Final = (
    "CREATE TABLE leases (kind TEXT PRIMARY KEY, lease BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE remarks (number INTEGER PRIMARY KEY, result BLOB NOT NULL)",
    "CREATE TABLE deeds (command TEXT PRIMARY KEY, at TEXT NOT NULL) WITHOUT ROWID",
)
_SCHEMA: Final = _FIRST_SCHEMA + _LEASE_SCHEMA
# What the disk, the rights or another process do to a whole file. All else that SQLite says of ours is damage.
_SURROUNDINGS: Final = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOLFS,
        sqlite3.SQLITE_AUTH,
    }
)
_MAGIC: Final = b"SQLite format 3\0"
_FORMATS: Final = frozenset({1, 2})
_EPOCH: Final = re.compile(r"[0-9a-f]{32}")
_NUMBER: Final = re.compile(r"-?[0-9][0-9.e+-]{0,30}")
_SEQ: Final = re.compile(r"[1-9][0-9]{0,18}")


class Damaged(Unavailable):
    """The file is not, or no more, what a journal is."""


class JournalFields(Record, frozen=True, kw_only=True):
    """What a journal counts, and the leases in it. `offset` is the server's lead over this host's clock, in seconds.

    `earliest` is what the server's clock is past, in Unix seconds; 0 where nothing is known of that yet.
    """

    epoch: Epoch
    next_seq: int
    offset: float
    earliest: float
    began_at: datetime
    leases: tuple[Lease, ...] = ()


def open_file(path: Path, clock: Clock, *, patience: float = 10.0) -> sqlite3.Connection:
    """The file, made if it is not there, and whole. Its changes are synced. Waits so many seconds for another process.

    Raises:
        Damaged: it is no journal.
        OSError, sqlite3.Error: it can't be used now (rights, disk, another process); it may be whole.
    """
    # The file gets its mode before SQLite writes to it; its WAL takes the same mode.
    made_private(path)
    _check_head(path)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=patience)
    try:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("BEGIN IMMEDIATE")
            if _objects(db):
                _extend(db)
                _checked(db)
            else:
                _found(db, clock)
            db.execute("COMMIT")
        except (sqlite3.Error, UnicodeError) as error:
            raise judged(error) from error
    except BaseException:
        db.close()
        raise
    return db


def read_fields(path: Path) -> JournalFields:
    """The fields, checked and read without a trace: another process may be using it, and this one may not write.

    Without a write-ahead log nobody has it open, so it may be taken as it lies there.

    Raises:
        Damaged: it is no journal.
        OSError, sqlite3.Error: it is not there, or can't be read now.
    """
    _check_head(path)
    alone = not path.with_name(path.name + "-wal").exists()
    uri = f"{path.absolute().as_uri()}?mode=ro" + ("&immutable=1" if alone else "")
    with closing(sqlite3.connect(uri, uri=True, timeout=2.0)) as db:
        try:
            return _checked(db)
        except (sqlite3.Error, UnicodeError) as error:
            raise judged(error) from error


def set_aside(path: Path, why: str) -> None:
    """Keeps a damaged file as `<name>.damaged`, in the place of an earlier one."""
    kept = path.with_name(path.name + ".damaged")
    path.replace(kept)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    _log.error("journal.damaged", kept=str(kept), why=why)


def put(db: sqlite3.Connection, name: str, value: str) -> None:
    """Sets a field, in the transaction that is open."""
    db.execute(
        "INSERT INTO fields (name, value) VALUES (?, ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


def judged(error: Exception) -> Exception:
    """Damaged, or the error itself where it speaks of the surroundings or of a wrong use.

    What the sqlite3 module finds by itself (a text that is not UTF-8, in a row or in SQLite's own message) bears no code;
    it is of the content too.
    """
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError):
        return error
    if code is not None and code & 0xFF in _SURROUNDINGS:
        return error
    return Damaged(str(error))


def _check_head(path: Path) -> None:
    """SQLite calls a file of a format that it does not know read-only, which must not be taken for a lack of rights."""
    with path.open("rb") as file:
        head = file.read(20)
    if head and (head[:16] != _MAGIC or not _FORMATS.issuperset(head[18:]) or len(head) < 20):
        raise Damaged("it is no SQLite file")


def _found(db: sqlite3.Connection, clock: Clock) -> None:
    epoch = new_epoch()
    for statement in _SCHEMA:
        db.execute(statement)
    put(db, "epoch", epoch)
    put(db, "next_seq", "1")
    put(db, "offset", "0.0")
    put(db, "began_at", clock.now().isoformat())
    _log.info("journal.begun", epoch=epoch)


def _extend(db: sqlite3.Connection) -> None:
    """A journal of before there were leases gets their tables; all that is in it stays."""
    if _objects(db) == _sound(_FIRST_SCHEMA):
        for statement in _LEASE_SCHEMA:
            db.execute(statement)


@functools.cache
def _sound(schema: tuple[str, ...]) -> list[Any]:
    with closing(sqlite3.connect(":memory:")) as sound:
        for statement in schema:
            sound.execute(statement)
        return _objects(sound)


def _objects(db: sqlite3.Connection) -> list[Any]:
    return db.execute(
        "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name"
    ).fetchall()


def _checked(db: sqlite3.Connection) -> JournalFields:
    """Every page, table and row is looked at: at most some hundred KiB, once in the life of a process."""
    found = _objects(db)
    old = found == _sound(_FIRST_SCHEMA)
    if not old and found != _sound(_SCHEMA):
        raise Damaged("its tables are not a journal's")
    if (whole := db.execute("PRAGMA integrity_check(1)").fetchone()) != ("ok",):
        raise Damaged(str(whole and whole[0]))
    for row in db.execute("SELECT id, nonce, begun_at, result, reported FROM commands"):
        _check_command(*row)
    fields = _fields(dict(db.execute("SELECT name, value FROM fields").fetchall()))
    return fields if old else msgspec.structs.replace(fields, leases=_checked_leases(db))


def _checked_leases(db: sqlite3.Connection) -> tuple[Lease, ...]:
    kinds, leases, commands = [], [], []
    try:
        for kind, body in db.execute("SELECT kind, lease FROM leases"):
            kinds.append(kind)
            leases.append(msgspec.json.decode(body, type=Lease))
        for (body,) in db.execute("SELECT result FROM remarks"):
            msgspec.json.decode(body, type=CommandResult)
        for command, at in db.execute("SELECT command, at FROM deeds"):
            commands.append(command)
            _moment(at)
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise Damaged(f"its leases are damaged: {error}") from error
    if [one.kind for one in leases] != kinds or not all(isinstance(one, str) for one in commands):
        raise Damaged("its leases are damaged")
    return tuple(leases)


def _fields(found: dict[Any, Any]) -> JournalFields:
    try:
        fields = JournalFields(
            epoch=_matched(_EPOCH, found["epoch"]),
            next_seq=int(_matched(_SEQ, found["next_seq"])),
            offset=float(_matched(_NUMBER, found["offset"])),
            earliest=float(_matched(_NUMBER, found.get("earliest", "0.0"))),
            began_at=_moment(found["began_at"]),
        )
    except (KeyError, ValueError, TypeError) as error:
        raise Damaged(f"its fields are damaged: {error}") from error
    if not isfinite(fields.offset) or not isfinite(fields.earliest) or fields.next_seq >= 2**63:
        raise Damaged("its numbers are out of bounds")
    return fields


def _check_command(name: Any, nonce: Any, begun_at: Any, result: Any, reported: Any) -> None:
    try:
        _moment(begun_at)
        ended = msgspec.json.decode(result, type=CommandResult).command if result else name
    except (msgspec.MsgspecError, ValueError, TypeError) as error:
        raise Damaged(f"a command in it is damaged: {error}") from error
    sound = isinstance(name, str) and isinstance(nonce, str) and reported in {0, 1}
    if not sound or ended != name:
        raise Damaged("a command in it is damaged")


def _moment(text: Any) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} bears no time zone")
    return moment


def _matched(pattern: re.Pattern[str], text: Any) -> Epoch:
    if pattern.fullmatch(text) is None:
        raise ValueError(f"{text!r} can't be")
    return Epoch(text)
