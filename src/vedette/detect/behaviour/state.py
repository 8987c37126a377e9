"""What one host's state holds about its processes."""

from operator import attrgetter
from typing import Any

import msgspec

from vedette.detect.behaviour.burning import Burn
from vedette.detect.behaviour.growth import Growth
from vedette.detect.behaviour.recent import Recent
from vedette.detect.behaviour.shelf import Shelf

__all__ = ["BehaviourState", "Resident", "Unlearned"]


class Unlearned(msgspec.Struct, array_like=True, gc=False):
    """A shape that is there and not learned: since when (Unix seconds), for how many snapshots, with what score.

    `excused` are the nats that other hosts took off already; `condemned`: people said that it is no good.
    """

    since: float
    age: int
    nats: float
    excused: float = 0.0
    condemned: bool = False


class Resident(msgspec.Struct, array_like=True, gc=False):
    """A service that runs under the first process.

    `first` is when it was first seen (Unix seconds), `seen` in how many snapshots; for `missing` snapshots it has been
    away, since `gone` (Unix seconds). `pid` and `born` (Unix seconds) are of the process that led it last, `ports` where
    that waited for connections; `script` says that it is a shell's script or a builder.
    """

    shown: str
    guard: bool
    first: float
    seen: int = 0
    missing: int = 0
    gone: float = 0.0
    pid: str = ""
    born: int = 0
    ports: list[int] = []
    script: bool = False
    version: int = 0
    since: float = 0.0


class _Kept(msgspec.Struct):
    """The plain part of a state."""

    marks: dict[str, int] = {}
    unlearned: dict[int, Unlearned] = {}
    residents: dict[str, Resident] = {}
    crowds: dict[str, int] = {}
    locked: list[int] = []
    package_tables: dict[str, int] = {}
    since_package: int = 1_000
    boot: float = 0.0
    since_boot: int = 1_000
    recent: Recent = msgspec.field(default_factory=Recent)
    growth: Growth = msgspec.field(default_factory=Growth)
    heights: dict[str, tuple[int, float]] = {}
    restarts: dict[str, float] = {}
    deaf: dict[str, int] = {}
    burn: Burn = msgspec.field(default_factory=Burn)
    packaged: float = 0.0
    sent: float = 0.0
    ports: dict[int, int] = {}


class _Dumped(_Kept):
    shapes: dict[int, int] | bytes = b""
    contacts: dict[int, int] | bytes = b""
    programs: dict[int, int] | bytes = b""


class BehaviourState(_Kept):
    """What is usual on a host, and what is open.

    `shapes`, `contacts` and `programs` have fingerprints of what is usual here with the snapshot that last showed
    it; `marks` the counts of quiet new shapes by strongest mark; `crowds` the most copies of a name seen at once;
    `locked` the user ids whose accounts can't log in; `package_tables` the package tables' fingerprints; `recent` what
    of the last snapshot need not be read again; `growth` how programs grow, `heights` the highest piles by kind and since
    when one is higher (Unix seconds), `restarts` how often services were lately started anew. `deaf` has peers that do not
    answer; `burn` is what takes the processors; `packaged` when packages last
    changed (Unix seconds; before this host was watched: when that began); `sent` the most bytes a second that are usually
    sent; `ports` on which somebody waits or lately waited for connections, by the snapshots since.
    """

    shapes: Shelf = msgspec.field(default_factory=Shelf)
    contacts: Shelf = msgspec.field(default_factory=Shelf)
    programs: Shelf = msgspec.field(default_factory=Shelf)

    def dump(self) -> Any:
        """As one MessagePack byte string."""
        shelves = [shelf.dump() for shelf in _shelves(self)]
        return _ENCODER.encode(_Dumped(*_plain(self), *shelves))

    @classmethod
    def load(cls, raw: Any) -> "BehaviourState":
        """Raises ValueError (msgspec.DecodeError is one) or TypeError when it is not a dumped state."""
        kept = _DECODER.decode(raw)
        return cls(*_plain(kept), *map(Shelf.load, _shelves(kept)))


_plain = attrgetter(*_Kept.__struct_fields__)
_shelves = attrgetter("shapes", "contacts", "programs")
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Dumped)
