"""What one host's state holds about its processes."""

from typing import Any

import msgspec

__all__ = ["BehaviourState", "Resident", "Unlearned"]


class Unlearned(msgspec.Struct, array_like=True):
    """A shape that is there and not learned: since when (Unix seconds), for how many snapshots, with what score.

    `excused` are the nats that other hosts took off already.
    """

    since: float
    age: int
    nats: float
    excused: float = 0.0


class Resident(msgspec.Struct, array_like=True):
    """A service that runs under the first process.

    `first` is when it was first seen (Unix seconds), `seen` in how many snapshots; for `missing` snapshots it has been
    away, since `gone` (Unix seconds).
    """

    shown: str
    guard: bool
    first: float
    seen: int = 0
    missing: int = 0
    gone: float = 0.0


class BehaviourState(msgspec.Struct):
    """What is usual on a host, and what is open.

    `shapes`, `contacts` and `programs` have fingerprints of what is usual here with the snapshot that last showed
    it; `marks` the counts of quiet new shapes by strongest mark; `crowds` the most copies of a name seen at once;
    `locked` the user ids whose accounts can't log in; `package_tables` the package tables' fingerprints.
    """

    shapes: dict[int, int] = {}
    contacts: dict[int, int] = {}
    programs: dict[int, int] = {}
    marks: dict[str, int] = {}
    unlearned: dict[int, Unlearned] = {}
    residents: dict[str, Resident] = {}
    crowds: dict[str, int] = {}
    locked: list[int] = []
    package_tables: dict[str, int] = {}
    since_package: int = 1_000
    boot: float = 0.0
    since_boot: int = 1_000

    def dump(self) -> Any:
        """As one MessagePack byte string."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def load(cls, raw: Any) -> "BehaviourState":
        """Raises msgspec.DecodeError (a ValueError) or TypeError when it is not a dumped state."""
        return _DECODER.decode(raw)


_DECODER = msgspec.msgpack.Decoder(BehaviourState)
