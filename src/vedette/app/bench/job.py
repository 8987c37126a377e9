"""What a process of simulated senders is told to do, and what it tells of it."""

from pathlib import Path
from typing import TypeVar

import msgspec

from vedette.core import Record
from vedette.seal import write_file

__all__ = ["Job", "Post", "SenderPlan", "Sent", "read_record", "write_record"]

R = TypeVar("R", bound=Record)


class Post(Record, frozen=True, kw_only=True):
    """A sealed snapshot, and when it is due in seconds from the start; 0 means as soon as the one before is accepted."""

    seq: int
    envelope: bytes
    due: float = 0.0


class SenderPlan(Record, frozen=True, kw_only=True):
    """One host: its signing key's 32 raw bytes, and what it sends, in order and one at a time."""

    name: str
    host: str
    key: bytes
    posts: tuple[Post, ...]


class Job(Record, frozen=True, kw_only=True):
    """All of one process. It starts at `start` (monotonic seconds, the same in every process) and ends by `give_up`.

    Nothing new is sent after `stop_sending`, nor once `stop_file` is there.
    """

    port: int
    ca_file: str
    start: float
    stop_sending: float
    give_up: float
    stop_file: str
    senders: tuple[SenderPlan, ...]


class Sent(Record, frozen=True, kw_only=True):
    """What became of one post. Times are monotonic seconds; `accepted` is 0 when it never was.

    `due` is when it should have been sent: when it was first tried, for those that follow one another.
    """

    name: str
    seq: int
    due: float
    accepted: float
    size: int
    duplicate: bool
    refused: dict[str, int]


def write_record(path: Path, value: Record | list[Sent]) -> None:
    """As MessagePack, for its owner only: jobs hold private keys."""
    write_file(path, msgspec.msgpack.encode(value))


def read_record(path: Path, kind: type[R]) -> R:
    """What `write_record` wrote."""
    return msgspec.msgpack.decode(path.read_bytes(), type=kind)
