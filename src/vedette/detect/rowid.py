"""The ids of rows as facts: ten bytes of BLAKE2b over the table's name and the row's stable columns, sorted by name."""

import hashlib
from collections.abc import Iterable, Sequence
from functools import lru_cache
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

# Letters of a row whose id is remembered, and rows that are: a host that sends others' rows out of it slows them, no more.
_REMEMBERED, _MOST = 512, 32_768
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
    found = _lines(rows) if lines is None else lines
    if any(len(line) > _REMEMBERED for line in found):
        return [_id(head + line) for line in found]
    return [_known_id(head, line) for line in found]


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


@lru_cache(maxsize=_MOST)
def _known_id(head: bytes, line: bytes) -> bytes:
    return _id(head + line)
