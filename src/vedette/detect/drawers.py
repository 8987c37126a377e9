"""Parts of a state that are only opened when they are needed: most are carried from one snapshot to the next as they are."""

from collections.abc import Iterator, MutableMapping
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar

import msgspec

__all__ = ["Drawers"]

V = TypeVar("V")

_ENCODER = msgspec.msgpack.Encoder()


class Drawers(MutableMapping[str, V]):
    """Values by name, each decoded when it is first asked for; one that nobody asks for goes back as the bytes it came as.

    `decoder` is MessagePack's, of one value. What can't be decoded raises msgspec.MsgspecError (a ValueError) when it is opened.
    """

    __slots__ = ("_decoder", "_held")

    def __init__(
        self, decoder: "msgspec.msgpack.Decoder[V]", closed: dict[str, msgspec.Raw] | None = None
    ) -> None:
        self._decoder = decoder
        self._held: dict[str, Any] = dict(closed or {})

    def __getitem__(self, name: str) -> V:
        value = self._held[name]
        if isinstance(value, msgspec.Raw):
            value = self._held[name] = self._decoder.decode(value)
        found: V = value
        return found

    def __setitem__(self, name: str, value: V) -> None:
        self._held[name] = value

    def __delitem__(self, name: str) -> None:
        del self._held[name]

    def __contains__(self, name: object) -> bool:
        return name in self._held

    def __iter__(self) -> Iterator[str]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def names(self) -> AbstractSet[str]:
        """As `keys`, only sooner."""
        return self._held.keys()

    def dump(self) -> dict[str, Any]:
        """For MessagePack's encoder. All are closed by it, or else what is gone on with would be encoded again each time."""
        for name, value in self._held.items():
            if not isinstance(value, msgspec.Raw):
                self._held[name] = msgspec.Raw(_ENCODER.encode(value))
        return self._held
