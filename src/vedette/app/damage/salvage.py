"""What is left of a damaged SQLite file goes row by row into a new one; the damaged one is kept."""

import itertools
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from vedette.app.damage.row import is_sound
from vedette.core import ConfigError, DataFile, InvalidInput, Record
from vedette.seal import read_header

__all__ = ["Salvaged", "salvage"]

_SIDES: Final = ("-wal", "-shm")
_MOST_LOOKUPS: Final = 1_000_000
_VERSIONS: Final = {"queue_schema": "version", "alembic_version": "version_num"}

_Row = tuple[Any, ...]


class Salvaged(Record, frozen=True, kw_only=True):
    """Rows saved of each table; tables of which some could not be read; lanes made anew from their messages' headers.

    How many rows are lost can't be known: what is damaged may have held any number.
    """

    file: str
    kept: str
    rows: dict[str, int]
    damaged: tuple[str, ...]
    lanes_made_anew: int = 0


def salvage(path: Path, create: Callable[[Path], None]) -> Salvaged:
    """Copies what can be read into a new file, whose tables `create` makes; then puts it in the place of the damaged one.

    Nobody else may have the file open. Interrupted at any moment, it leaves the damaged file or the new one, whole.

    Raises:
        ConfigError: the file is a store of another version's tables, or a queue of a newer one.
    """
    kept = _free_name(path)
    # SQLite changes what it opens; what is damaged stays as it is.
    working, fresh = (path.with_name(f"{path.name}.{word}") for word in ("working", "fresh"))
    try:
        _copy(path, working)
        create(fresh)
        with closing(_open(working)) as old, closing(_open(fresh)) as new:
            salvaged = _copied(old, new, path, kept)
            new.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        _exchange(path, fresh, kept)
    finally:
        for one in (working, fresh):
            for side in ("", *_SIDES):
                one.with_name(one.name + side).unlink(missing_ok=True)
    DataFile(path).mark.unlink(missing_ok=True)
    return salvaged


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.damaged-{number}") for number in itertools.count(1))
    return next(name for name in names if not name.exists())


def _copy(source: Path, target: Path) -> None:
    for side in ("", "-wal"):
        one = source.with_name(source.name + side)
        if one.exists():
            shutil.copyfile(one, target.with_name(target.name + side))


def _exchange(path: Path, fresh: Path, kept: Path) -> None:
    """The log goes first: SQLite would apply it to whatever file bears its name."""
    os.link(path, kept)
    log = path.with_name(f"{path.name}-wal")
    if log.exists():
        log.replace(kept.with_name(f"{kept.name}-wal"))
    path.with_name(f"{path.name}-shm").unlink(missing_ok=True)
    fresh.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    # A text that is damaged is still a row; who reads it will find it wanting.
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    return connection


def _copied(old: sqlite3.Connection, new: sqlite3.Connection, path: Path, kept: Path) -> Salvaged:
    new.execute("PRAGMA foreign_keys = OFF")
    new.execute("PRAGMA synchronous = FULL")
    new.execute("BEGIN IMMEDIATE")
    rows: dict[str, int] = {}
    damaged: list[str] = []
    for table in _tables(new):
        if table in _VERSIONS:
            _refuse_other_version(old, new, table)
            continue
        declared = _columns(new, table)
        reader = _Reader(old, table, list(declared))
        rows[table], unsound = _insert(new, table, reader, declared)
        if reader.damaged or unsound:
            damaged.append(table)
    lanes = _make_lanes_anew(new) if "queue_lanes" in rows else 0
    _keep_sequences(old, new)
    new.execute("COMMIT")
    return Salvaged(
        file=str(path), kept=str(kept), rows=rows, damaged=tuple(damaged), lanes_made_anew=lanes
    )


def _tables(connection: sqlite3.Connection) -> list[str]:
    found = connection.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    return [name for (name,) in found.fetchall()]


def _columns(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    """Names and declared types."""
    rows = connection.execute(f'PRAGMA table_info("{table}")').fetchall()
    return {str(row[1]): str(row[2]) for row in rows}


def _refuse_other_version(old: sqlite3.Connection, new: sqlite3.Connection, table: str) -> None:
    query = f'SELECT "{_VERSIONS[table]}" FROM "{table}"'  # noqa: S608 - names of our own tables
    try:
        found = old.execute(query).fetchall()
    except sqlite3.DatabaseError:
        return
    known = new.execute(query).fetchall()
    if not found or found == known:
        return
    version = found[0][0]
    if table == "queue_schema":
        # What later versions added may start empty or has a value by itself. What was forgotten before stays unknown.
        if isinstance(version, int) and version < known[0][0]:
            return
        raise ConfigError(
            f"the damaged queue has tables of version {version}; run `vedette data salvage` of the Vedette that made it"
        )
    raise ConfigError(
        f"the damaged store has tables of version {version}, and only version {known[0][0]} can be salvaged: "
        "put back a copy of it"
    )


def _insert(
    new: sqlite3.Connection, table: str, reader: "_Reader", declared: dict[str, str]
) -> tuple[int, int]:
    """How many rows went in, and how many did not: no row any more, or against a rule of the table."""
    names = ", ".join(f'"{name}"' for name in reader.columns)
    marks = ", ".join("?" * len(reader.columns))
    statement = f'INSERT OR IGNORE INTO "{table}" ({names}) VALUES ({marks})'  # noqa: S608 - as above
    before, seen = new.total_changes, 0
    for row in reader:
        seen += 1
        if is_sound(dict(zip(reader.columns, row, strict=True)), declared):
            with suppress(sqlite3.IntegrityError):
                new.execute(statement, row)
    inserted = new.total_changes - before
    return inserted, seen - inserted


class _Reader:
    """The rows of a table that can be read: from the front, from the rear, and one by one in between."""

    def __init__(self, connection: sqlite3.Connection, table: str, columns: list[str]) -> None:
        self._connection = connection
        self._table = table
        self.damaged = False
        try:
            there = set(_columns(connection, table))
        except sqlite3.DatabaseError:
            there = set()
        self.columns = [name for name in columns if name in there]
        self._known = bool(self.columns)
        if not self._known:
            self.columns, self.damaged = columns, True

    def __iter__(self) -> Iterator[_Row]:
        """Each row once, as far as that can be told."""
        if not self._known:
            return
        keyed = self._has_rowid()
        first: Any = None
        for key, row in self._scan(keyed=keyed, order="ASC"):
            first = key
            yield row
        if not self.damaged:
            return
        last: Any = None
        for key, row in self._scan(keyed=keyed, order="DESC"):
            if first is not None and key <= first:
                return
            last = key
            yield row
        if keyed:
            yield from self._one_by_one(first or 0, last)

    def _scan(self, *, keyed: bool, order: str) -> Iterator[tuple[Any, _Row]]:
        key = ["rowid"] if keyed else self._primary_key()
        names = ", ".join(f'"{name}"' for name in self.columns)
        keys = ", ".join(f'"{name}"' for name in key)
        by = ", ".join(f'"{name}" {order}' for name in key)
        way = "NOT INDEXED" if keyed else ""
        query = f'SELECT {keys}, {names} FROM "{self._table}" {way} ORDER BY {by}'  # noqa: S608 - names of our own tables
        try:
            for row in self._connection.execute(query):
                yield (row[0] if keyed else row[: len(key)]), row[len(key) :]
        except sqlite3.DatabaseError:
            self.damaged = True

    def _one_by_one(self, above: int, below: int | None) -> Iterator[_Row]:
        names = ", ".join(f'"{name}"' for name in self.columns)
        query = f'SELECT {names} FROM "{self._table}" NOT INDEXED WHERE rowid = ?'  # noqa: S608 - as above
        end = min(above + _MOST_LOOKUPS, below if below is not None else above + _MOST_LOOKUPS)
        for number in range(above + 1, end):
            with suppress(sqlite3.DatabaseError):
                row = self._connection.execute(query, (number,)).fetchone()
                if row is not None:
                    yield row

    def _has_rowid(self) -> bool:
        try:
            self._connection.execute(f'SELECT rowid FROM "{self._table}" LIMIT 0')  # noqa: S608 - as above
        except sqlite3.OperationalError:
            return False
        return True

    def _primary_key(self) -> list[str]:
        rows = self._connection.execute(f'PRAGMA table_info("{self._table}")').fetchall()
        return [str(row[1]) for row in sorted(rows, key=lambda row: int(row[5])) if row[5]]


def _keep_sequences(old: sqlite3.Connection, new: sqlite3.Connection) -> None:
    """No number that was given is given again: not of a row that is gone, nor of a dead letter that was put back."""
    query = "SELECT name, seq FROM sqlite_sequence"
    last = dict(new.execute(query).fetchall())
    with suppress(sqlite3.DatabaseError):
        for name, number in old.execute(query):
            if isinstance(number, int) and name in _tables(new):
                last[name] = max(number, last.get(name, 0))
    if "queue_dead_letters" in _tables(new):
        (replayed,) = new.execute("SELECT max(dead_letter) FROM queue_messages").fetchone()
        last["queue_dead_letters"] = max(replayed or 0, last.get("queue_dead_letters", 0))
    new.execute("DELETE FROM sqlite_sequence")
    new.executemany("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", last.items())


def _make_lanes_anew(new: sqlite3.Connection) -> int:
    """Leases end, and a message whose lane was lost gets it back: its envelope's clear header names tenant and host."""
    new.execute(
        "UPDATE queue_lanes SET token = NULL, leased_until = 0, held_until = 0, outstanding = 0"
    )
    orphans = new.execute(
        "SELECT lane_id, max(position) FROM queue_messages"
        " WHERE lane_id NOT IN (SELECT id FROM queue_lanes) GROUP BY lane_id"
    ).fetchall()
    made = 0
    for lane, position in orphans:
        (body,) = new.execute(
            "SELECT body FROM queue_messages WHERE position = ?", (position,)
        ).fetchone()
        with suppress(InvalidInput):
            header = read_header(bytes(body))
            made += new.execute(
                "INSERT OR IGNORE INTO queue_lanes (id, tenant, host) VALUES (?, ?, ?)",
                (lane, header.tenant, header.host),
            ).rowcount
    return made
