"""The ids of rows as facts: ten bytes of BLAKE2b over the table's name and the row's stable columns, sorted by name."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
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
    return _ids(head, _lines(rows) if lines is None else lines)


def process_ids(rows: Sequence[Row]) -> list[bytes]:
    """The ids of rows of `processes`, in their order."""
    try:
        stable: Sequence[Any] = [_Stable(*_cells(row)) for row in rows]
    except KeyError:
        stable = [stable_process(row) for row in rows]
    return _ids(b"processes\0", _lines(stable))


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
    # To look such a row up, among the many of other hosts, takes longer than to make its id again.
    return [blake2b(head + line, digest_size=ID_BYTES).digest() for line in lines]
