"""SQLite's write-ahead log, read by ourselves before SQLite reads it.

SQLite takes the log up to the first frame that does not fit, and says nothing of what comes behind. After a crash that
is right: the last transaction may be half there, and nobody was told that it was stored. But each transaction was synced
before the next began. So where more than one of them lies behind such a frame, some were on the disk, and are damaged.

Source: SQLite's "WAL-mode File Format": a header of 32 bytes, then frames of 24 bytes and a page, with checksums that
run from frame to frame.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

__all__ = ["damaged_log"]

_HEADER: Final = struct.Struct(">8I")
_FRAME: Final = struct.Struct(">6I")
_BIG: Final = 0x377F0683
_LITTLE: Final = 0x377F0682
_MASK: Final = 0xFFFFFFFF


def damaged_log(database: Path) -> str | None:
    """What is wrong with the log beside this file, as far as it can be known; None for none or a sound one.

    A log that was cut off between two transactions can't be told from one that ends there.
    """
    log = database.with_name(f"{database.name}-wal")
    try:
        with log.open("rb") as file:
            return _damage(file)
    except FileNotFoundError:
        return None


def _damage(file: BinaryIO) -> str | None:
    raw = file.read(_HEADER.size)
    if not raw:
        return None
    if len(raw) < _HEADER.size:
        return "its log ends within its header"
    magic, _version, size, _sequence, *salts, first, second = _HEADER.unpack(raw)
    order = {_BIG: ">", _LITTLE: "<"}.get(magic)
    if order is None or _sum(raw[:24], order, (0, 0)) != (first, second):
        return "the header of its log is damaged"
    sums: tuple[int, int] | None = (first, second)
    behind = 0
    for head, page in _frames(file, size):
        _number, commits, *of_frame = _FRAME.unpack(head)
        if of_frame[:2] != salts:
            # From before the log was begun anew.
            if sums is not None:
                return None
            continue
        if sums is not None:
            sums = _sum(page, order, _sum(head[:8], order, sums))
            if sums == tuple(of_frame[2:]):
                continue
            sums = None
        behind += commits != 0
    if behind > 1:
        return f"its log is damaged: {behind} transactions lie behind a frame that does not fit"
    return None


def _frames(file: BinaryIO, size: int) -> Iterator[tuple[bytes, bytes]]:
    page_size = 65536 if size == 1 else size
    while len(head := file.read(_FRAME.size)) == _FRAME.size:
        page = file.read(page_size)
        if len(page) < page_size:
            return
        yield head, page


def _sum(data: bytes, order: str, start: tuple[int, int]) -> tuple[int, int]:
    first, second = start
    for one, other in struct.iter_unpack(f"{order}II", data):
        first = (first + one + second) & _MASK
        second = (second + other + first) & _MASK
    return first, second
