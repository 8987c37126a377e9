"""The ids of rows as facts: ten bytes of BLAKE2b over the table's name and the row's stable columns, sorted by name."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import starmap
from operator import itemgetter
from typing import Any

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

_MOST, _LONGEST = 32_768, 512  # lines whose ids are remembered, and bytes of one
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


class _Ids(dict[bytes, bytes]):
    """The ids of lines of one table, each made when it is first asked for. What it holds is of no host, and can be let go of."""

    def __init__(self, table: str) -> None:
        super().__init__()
        self._head = _head(table)

    def __missing__(self, line: bytes) -> bytes:
        made = _id(self._head + line)
        if len(line) <= _LONGEST:
            if len(self) >= _MOST:
                self.clear()
            self[line] = made
        return made


def _head(table: str) -> bytes:
    return table.encode() + b"\0"


# Thousands of rows, of which hosts of one distribution have the most in common. Rows that are a host's own would only
# drive each other out, and to look one up among so many takes longer than to make its id again.
_SHARED = {table: _Ids(table) for table in ("deb_packages", "rpm_packages")}


def row_id(table: str, row: Row) -> bytes:
    """The id of one row, of stable columns alone."""
    return _id(_head(table) + canonical_json(row))


def row_ids(table: str, rows: Sequence[Row], lines: Sequence[bytes] | None = None) -> list[bytes]:
    """The ids of rows of stable columns, in their order. `lines` are their canonical forms where these are known."""
    found = _lines(rows) if lines is None else lines
    if table in _SHARED:
        return list(map(_SHARED[table].__getitem__, found))
    return _ids(_head(table), found)


def process_ids(rows: Sequence[Row]) -> list[bytes]:
    """The ids of rows of `processes`, in their order."""
    try:
        stable: Sequence[Any] = list(starmap(_Stable, map(_cells, rows)))
    except KeyError:
        stable = [stable_process(row) for row in rows]
    return _ids(_head("processes"), _lines(stable))


def stable_process(row: Row) -> Row:
    """What of a row of `processes` its id is over."""
    return {name: row[name] for name in STABLE_PROCESS if name in row}


def _lines(rows: Iterable[Any]) -> list[bytes]:
    lines = _ENCODER.encode_lines(rows).split(b"\n")
    lines.pop()
    return lines


def _id(data: bytes) -> bytes:
    return blake2b(data, digest_size=ID_BYTES).digest()


def _ids(head: bytes, lines: Iterable[bytes]) -> list[bytes]:
    begun = blake2b(head, digest_size=ID_BYTES)
    ids = []
    for line in lines:
        # A copy of what has read the head is had sooner than a new one.
        hashed = begun.copy()
        hashed.update(line)
        ids.append(hashed.digest())
    return ids
