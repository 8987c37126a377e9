"""The ids of rows as facts: ten bytes of BLAKE2b over the table's name and the row's stable columns, sorted by name."""

import hashlib
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, cast

import msgspec

from vedette.core import Row, canonical_json

__all__ = ["ID_BYTES", "STABLE_PROCESS", "process_ids", "row_id", "row_ids", "stable_process"]

ID_BYTES = 10
STABLE_PROCESS = (
    "cmdline",
    "cwd",
    "euid",
    "name",
    "on_disk",
    "parent",
    "path",
    "pid",
    "start_time",
    "uid",
)
"""The columns of a process that stay while it runs the same program, sorted by name."""

# Bytes of a table's rows whose ids are remembered, and of all that are: a host that sends others' rows out of it slows them,
# no more.
_TABLE, _MOST = 1 << 20, 1 << 24
_ENTRY = 150  # bytes that an entry takes beside its row
_ENCODER = msgspec.json.Encoder(order="deterministic")
_cells = itemgetter(*STABLE_PROCESS)


class _Stable(msgspec.Struct):
    """A process's stable cells: encoded as a row of these columns alone would be, only sooner."""

    cmdline: Any
    cwd: Any
    euid: Any
    name: Any
    on_disk: Any
    parent: Any
    path: Any
    pid: Any
    start_time: Any
    uid: Any


def row_id(table: str, row: Row) -> bytes:
    """The id of one row, of stable columns alone."""
    return _id(table.encode() + b"\0" + canonical_json(row))


def row_ids(table: str, rows: Sequence[Row], lines: Sequence[bytes] | None = None) -> list[bytes]:
    """The ids of rows of stable columns, in their order. `lines` are their canonical forms where these are known."""
    head = table.encode() + b"\0"
    return _KNOWN.ids(head, _lines(rows) if lines is None else lines)


def process_ids(rows: Sequence[Row]) -> list[bytes]:
    """The ids of rows of `processes`, in their order."""
    try:
        stable: Sequence[Any] = [_Stable(*_cells(row)) for row in rows]
    except KeyError:
        stable = [stable_process(row) for row in rows]
    return [_id(b"processes\0" + line) for line in _lines(stable)]


def stable_process(row: Row) -> Row:
    """What of a row of `processes` its id is over."""
    return {name: row[name] for name in STABLE_PROCESS if name in row}


def _lines(rows: Iterable[Any]) -> list[bytes]:
    lines = _ENCODER.encode_lines(rows).split(b"\n")
    lines.pop()
    return lines


def _id(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=ID_BYTES).digest()


class _Known:
    """Ids of rows seen lately, by table and canonical form, in two generations: the older one goes when the newer is full."""

    def __init__(self) -> None:
        self._tables: dict[bytes, dict[bytes, bytes]] = {}
        self._older: dict[bytes, dict[bytes, bytes]] = {}
        self._held = 0

    def ids(self, head: bytes, lines: Sequence[bytes]) -> list[bytes]:
        known = self._tables.setdefault(head, {})
        found = list(map(known.get, lines))
        if None not in found:
            return cast("list[bytes]", found)
        older = self._older.get(head, {})
        fresh = {line for line, key in zip(lines, found, strict=True) if key is None}
        made = {line: older.get(line) or _id(head + line) for line in fresh}
        self._keep(head, made)
        return [key or made[line] for line, key in zip(lines, found, strict=True)]

    def clear(self) -> None:
        self._tables, self._older, self._held = {}, {}, 0

    def _keep(self, head: bytes, made: dict[bytes, bytes]) -> None:
        size = sum(map(len, made)) + _ENTRY * len(made)
        if size > _TABLE:
            return
        if self._held + size > _MOST:
            self._tables, self._older, self._held = {}, self._tables, 0
        self._tables.setdefault(head, {}).update(made)
        self._held += size


_KNOWN = _Known()
