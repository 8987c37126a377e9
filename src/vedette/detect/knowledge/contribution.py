"""What hosts tell: sums, so that it is all the same in which order they are added."""

from collections.abc import Iterable
from typing import Any

import msgspec

__all__ = ["Contribution", "Share", "merge"]


class Share(msgspec.Struct, array_like=True, frozen=True):
    """How many hosts showed a thing of late: alone or with what is harmless, or as a part of something hostile.

    On `known` of the `soft` ones it was seen who did it: a package, a managing tool, people whose work fits together.
    """

    soft: int = 0
    loud: int = 0
    known: int = 0

    def plus(self, other: "Share") -> "Share":
        """The sum of both."""
        return Share(self.soft + other.soft, self.loud + other.loud, self.known + other.known)


class Contribution(msgspec.Struct, array_like=True, frozen=True):
    """Of one host's snapshot, or the sum over many.

    `hosts` told what they hold as learned normal: `held` has how many of them hold each thing, by its print, and `scales`
    the usual scale of each metric in quarters of an octave (a histogram: how many hosts lie in each). `shown` are things
    that are new on hosts, by print; `vouched` those that people called normal for the whole cohort.
    """

    hosts: int = 0
    held: dict[int, int] = {}
    shown: dict[int, Share] = {}
    scales: dict[str, dict[int, int]] = {}
    vouched: dict[int, int] = {}

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.hosts or self.shown or self.vouched)

    def encode(self) -> bytes:
        """As MessagePack; equal sums give equal bytes."""
        return _ENCODER.encode(
            Contribution(
                self.hosts,
                dict(sorted(self.held.items())),
                dict(sorted(self.shown.items())),
                {name: dict(sorted(bins.items())) for name, bins in sorted(self.scales.items())},
                dict(sorted(self.vouched.items())),
            )
        )

    @classmethod
    def decode(cls, blob: bytes) -> "Contribution":
        """Raises msgspec.DecodeError (a ValueError) when these are no such bytes."""
        return _DECODER.decode(blob)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[Contribution] = msgspec.msgpack.Decoder(Contribution)


def merge(told: Iterable[Contribution]) -> Contribution:
    """The sum. Changes none of them."""
    hosts = 0
    held: dict[int, int] = {}
    shown: dict[int, Share] = {}
    scales: dict[str, dict[int, int]] = {}
    vouched: dict[int, int] = {}
    for one in told:
        hosts += one.hosts
        _add(held, one.held)
        _add(vouched, one.vouched)
        for name, bins in one.scales.items():
            _add(scales.setdefault(name, {}), bins)
        for thing, share in one.shown.items():
            shown[thing] = shown[thing].plus(share) if thing in shown else share
    return Contribution(hosts, held, shown, scales, vouched)


def _add(sums: dict[Any, int], more: dict[Any, int]) -> None:
    for key, many in more.items():
        sums[key] = sums.get(key, 0) + many
