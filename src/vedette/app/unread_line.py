"""Lines of a recording that are no snapshot: each is one moment of which nothing is known, as online."""

import gzip
import json
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from vedette.core import InvalidInput, Record, Snapshot, TooLarge, decode_snapshot

__all__ = ["UnreadLine", "read_all"]


class UnreadLine(Record, frozen=True, kw_only=True):
    """What can be told of such a line: its file and number, why it can't be read, and whose snapshot it would have been.

    Where the line does not say that itself, it counts as the one after the last that could be read.
    """

    path: Path
    number: int
    why: str
    hostname: str
    seq: int
    taken_at: datetime


class _Raw(Record, frozen=True, kw_only=True):
    number: int
    why: str
    line: bytes


class _Host(msgspec.Struct):
    hostname: str


class _Head(msgspec.Struct):
    """What a snapshot says of itself."""

    host: _Host
    seq: int
    taken_at: datetime


def read_all(path: Path) -> Iterator[Snapshot | UnreadLine]:
    """The snapshots of one file and the lines that are none, in its order. Empty lines are passed over.

    Raises:
        InvalidInput: the file is missing, not gzip, or no line of it is a snapshot.
    """
    last: Snapshot | UnreadLine | None = None
    early: list[_Raw] = []
    for read in _read(path):
        if isinstance(read, Snapshot):
            ahead = (
                _placed(path, one, _before(read, len(early) - at)) for at, one in enumerate(early)
            )
            yield from ahead
            early, last = [], read
            yield read
        elif last is None:
            early.append(read)
        else:
            last = _placed(path, read, _after(last))
            yield last
    if early:
        first = early[0]
        raise InvalidInput(f"{path}, line {first.number}: {first.why}", kind="bad-recording")


def _read(path: Path) -> Iterator[Snapshot | _Raw]:
    number = 0
    try:
        with gzip.open(path, "rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    read: Snapshot | _Raw = decode_snapshot(line)
                except (InvalidInput, TooLarge) as error:
                    read = _Raw(number=number, why=str(error), line=line)
                yield read
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(f"{path}, after line {number}: {error}", kind="bad-recording") from error


def _after(last: Snapshot | UnreadLine) -> _Head:
    name = last.hostname if isinstance(last, UnreadLine) else last.host.hostname
    return _Head(_Host(name), last.seq + 1, last.taken_at)


def _before(following: Snapshot, places: int) -> _Head:
    at = following.taken_at - timedelta(microseconds=places)
    return _Head(_Host(following.host.hostname), max(following.seq - places, 1), at)


def _placed(path: Path, raw: _Raw, otherwise: _Head) -> UnreadLine:
    told = _head(raw.line) or otherwise
    return UnreadLine(
        path=path,
        number=raw.number,
        why=raw.why,
        hostname=told.host.hostname,
        seq=told.seq,
        taken_at=told.taken_at,
    )


def _head(line: bytes) -> _Head | None:
    """What the line says of itself, also where what follows is no JSON for others (NaN); None where it says nothing of use."""
    try:
        told: Any = json.loads(line)
        head = msgspec.convert(told, _Head)
    except (ValueError, RecursionError, OverflowError):
        return None
    aware = head.taken_at.tzinfo is not None and 2000 <= head.taken_at.year < 2200
    return head if aware and 1 <= head.seq < 2**63 else None
