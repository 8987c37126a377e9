"""What one host's state holds about its facts: known values, open cases, watched things that may vanish."""

from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from vedette.detect.drawers import Drawers
from vedette.detect.fingerprint import fingerprint

__all__ = ["InventoryState", "Open", "Watched", "print_of"]


@lru_cache(maxsize=4096)
def print_of(kind: str, key: int, value: int) -> int:
    """A fact, alike on every host."""
    return fingerprint(kind, f"{key:x}", f"{value:x}")


class Open(msgspec.Struct, array_like=True, gc=False):
    """A fact that was never learned here, while it is there. `since` is in Unix seconds, `age` in snapshots.

    `excused` are the nats that other hosts took off already; `explained` says that a cause explains it; `owed` are nats
    of that on credit, to be given back when no cause shows up; `condemned`: people said that it is no good. `accounted`
    says that it was seen who did it, be it that this explains nothing.
    """

    kind: str
    key: int
    value: int
    mark: str
    subject: str
    text: str
    attack: str | None
    observed: str
    expected: str
    since: float
    nats: float
    hard: bool
    age: int = 0
    excused: float = 0.0
    explained: bool = False
    owed: float = 0.0
    condemned: bool = False
    accounted: bool = False

    @property
    def print(self) -> int:
        """The very fact, alike on every host."""
        return print_of(self.kind, self.key, self.value)


class Watched(msgspec.Struct, array_like=True):
    """A thing whose vanishing would matter.

    `first` is when it was first seen (Unix seconds), `missing` how many
    snapshots in a row its table was read and lacked it, since `gone` (Unix seconds); `condemned`: people said that it should not be gone.
    """

    subject: str
    shown: str
    evidence: str
    first: float
    seen: int = 0
    missing: int = 0
    gone: float = 0.0
    condemned: bool = False


class _Plain(msgspec.Struct):
    """What of a state is always read."""

    open: dict[str, Open] = {}
    bursts: dict[str, int] = {}
    package_tables: dict[str, int] = {}
    since_package: int = 1_000
    boot: float = 0.0
    since_boot: int = 1_000
    closed: list[str] | None = None
    versions: dict[str, dict[str, str]] = {}
    lists: dict[str, int] = {}
    causes: dict[str, int] = {}
    config: str = ""
    read_under: dict[str, str] = {}
    listeners: int = 0
    idle: dict[str, int] = {}
    unanswered: list[int] = []


class _Dumped(_Plain):
    known: dict[str, msgspec.Raw] = {}
    watched: dict[str, msgspec.Raw] = {}


Known = dict[int, list[int]]
_KNOWN = msgspec.msgpack.Decoder(Known)
_WATCHED = msgspec.msgpack.Decoder(dict[int, Watched])


class InventoryState(_Plain):
    """What is usual on a host, and what is open.

    `known` has, by kind, the fingerprints of learned values by the key's; `bursts` the counts of quiet changes by
    evidence; `since_package` the snapshots since the last change in `package_tables`, which has their fingerprints;
    `closed` the names of service accounts that can't log in, None before `users` was seen; `versions` those of the
    followed packages by kind; `lists` a fingerprint of all facts of the kinds that explain others, and `causes` the snapshots since
    the last change in each of them and in each followed package, while it is young. `config` is what the agent last said
    of its settings, and `read_under` the settings under which the widening kinds were last read. `listeners` stands for the
    listening ports with who holds them, as last read. `idle` has the kinds of which nothing is missing, with the snapshots
    that are still to be added to what their watched things were seen. `unanswered` are prints of what was asked about,
    and is known only because it stayed: nobody said that it is normal, so other hosts are not told so.
    """

    known: Drawers[Known] = msgspec.field(default_factory=lambda: Drawers(_KNOWN))
    watched: Drawers[dict[int, Watched]] = msgspec.field(default_factory=lambda: Drawers(_WATCHED))

    def prints(self) -> set[int]:
        """Of every fact that was learned as normal, by more than that it stayed."""
        return {
            print_of(kind, key, value)
            for kind, known in self.known.items()
            for key, values in known.items()
            for value in values
        }.difference(self.unanswered)

    def dump(self) -> Any:
        """As one MessagePack byte string."""
        drawers = [self.known.dump(), self.watched.dump()]
        return _ENCODER.encode(_Dumped(*_plain(self), *drawers))

    @classmethod
    def load(cls, raw: Any) -> "InventoryState":
        """Raises msgspec.DecodeError (a ValueError) or TypeError when it is not a dumped state."""
        kept = _DECODER.decode(raw)
        drawers: list[Any] = [Drawers(_KNOWN, kept.known), Drawers(_WATCHED, kept.watched)]
        return cls(*_plain(kept), *drawers)


_plain = attrgetter(*_Plain.__struct_fields__)
_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Dumped)
