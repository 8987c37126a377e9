"""What is known of a group of hosts (a cohort, the fleet) at one version."""

from collections.abc import Sequence
from typing import Any

import msgspec

from vedette.detect.knowledge.contribution import Contribution, Share
from vedette.detect.knowledge.intervals import INTERVAL_SECONDS, WINDOW, day_of

__all__ = ["Group", "standing"]

_MOST_HELD, _KEPT_HELD = 24_000, 18_000
_MOST_METRICS = 128
_MOST_VOUCHED, _VOUCHED_FOR = 1_000, 288  # a day of intervals
_OCTAVE = 4.0


class Group(msgspec.Struct, array_like=True, frozen=True):
    """Never changed: `after` gives the next one.

    Each living host tells once a day what it holds, so two days' tellings are kept and those of hosts that are no more
    fall out by themselves: `held` and `hosts` are of `day`, `held_before` and `hosts_before` of the day before it.
    `recent` has what appeared in each of the last intervals that had any, oldest first; `shown` is their sum. `vouched` has
    what people called normal here within a day, with the version.
    """

    version: int = 0
    day: int = 0
    hosts: int = 0
    hosts_before: int = 0
    held: dict[int, int] = {}
    held_before: dict[int, int] = {}
    recent: list[tuple[int, dict[int, Share]]] = []
    shown: dict[int, Share] = {}
    scales: dict[str, dict[int, int]] = {}
    scales_before: dict[str, dict[int, int]] = {}
    vouched: dict[int, int] = {}

    def after(self, told: Contribution, version: int) -> "Group":
        """This and what a later version adds."""
        turned = self._on(day_of(version))
        recent = [(at, shown) for at, shown in turned.recent if at > version - WINDOW]
        if told.shown:
            recent.append((version, told.shown))
        return msgspec.structs.replace(
            turned,
            version=version,
            hosts=turned.hosts + told.hosts,
            held=_most_held(_sum(turned.held, told.held)) if told.held else turned.held,
            recent=recent,
            shown=_total(recent),
            scales=_sums(turned.scales, told.scales) if told.scales else turned.scales,
            vouched=_vouched(turned.vouched, told.vouched, version),
        )

    def _on(self, day: int) -> "Group":
        if day <= self.day:
            return self
        follows = day == self.day + 1
        return msgspec.structs.replace(
            self,
            day=day,
            hosts=0,
            held={},
            scales={},
            hosts_before=self.hosts if follows else 0,
            held_before=self.held if follows else {},
            scales_before=self.scales if follows else {},
        )

    @property
    def size(self) -> int:
        """How many hosts live here, as far as they told."""
        return max(self.hosts, self.hosts_before)

    def holders(self, thing: int) -> float:
        """How many of `size` hosts hold it as learned normal: by the share of those that told, today and the day before."""
        told = self.hosts + self.hosts_before
        many = self.held.get(thing, 0) + self.held_before.get(thing, 0)
        return min(1.0, many / told) * self.size if told else 0.0

    def vouches(self, thing: int, now: int) -> bool:
        """Whether people called it normal within the day before interval `now`."""
        return self.vouched.get(thing, now - _VOUCHED_FOR) > now - _VOUCHED_FOR

    def showers(self, thing: int, now: int) -> Share:
        """On how many hosts it appeared within the window before interval `now`."""
        if not self.recent or thing not in self.shown:
            return Share()
        if self.recent[0][0] > now - WINDOW:
            return self.shown[thing]
        return _total([one for one in self.recent if one[0] > now - WINDOW]).get(thing, Share())

    def first_shown(self, thing: int, now: int, *, loud: bool = True) -> float | None:
        """When (Unix seconds) the first interval began in which it was loud within the window; None if none was.

        Without `loud`: in which it was shown at all.
        """
        for at, shown in self.recent:
            if at > now - WINDOW and thing in shown and (shown[thing].loud or not loud):
                return float(at * INTERVAL_SECONDS)
        return None

    def scale(self, metric: str) -> tuple[float, int]:
        """The median host's scale of a metric, and how many hosts told one; (0, 0) where nobody did."""
        bins = _sum(self.scales_before.get(metric, {}), self.scales.get(metric, {}))
        total = sum(bins.values())
        passed = 0
        for step, many in sorted(bins.items()):
            passed += many
            if 2 * passed >= total:
                return float(2.0 ** (step / _OCTAVE)), min(total, self.size)
        return 0.0, 0

    def encode(self) -> bytes:
        """As MessagePack."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def decode(cls, blob: bytes) -> "Group":
        """Raises msgspec.DecodeError (a ValueError) when these are no such bytes."""
        return _DECODER.decode(blob)


def standing(groups: Sequence[Group], sees: int) -> Group:
    """The newest of them (oldest first) up to a version; none of two days before it, when nobody told anything since."""
    for group in reversed(groups):
        if group.version <= sees:
            return group if day_of(group.version) >= day_of(sees) - 1 else Group()
    return Group()


_DECODER: msgspec.msgpack.Decoder[Group] = msgspec.msgpack.Decoder(Group)


def _vouched(before: dict[int, int], told: dict[int, int], version: int) -> dict[int, int]:
    if not told and not before:
        return before
    kept = {thing: at for thing, at in before.items() if at > version - _VOUCHED_FOR}
    kept |= dict.fromkeys(sorted(told), version)
    return dict(sorted(kept.items(), key=lambda item: (-item[1], item[0]))[:_MOST_VOUCHED])


def _sum(one: dict[Any, int], other: dict[Any, int]) -> dict[Any, int]:
    sums = dict(one)
    for key, many in other.items():
        sums[key] = sums.get(key, 0) + many
    return sums


def _sums(
    one: dict[str, dict[int, int]], other: dict[str, dict[int, int]]
) -> dict[str, dict[int, int]]:
    names = sorted({*one, *other})[:_MOST_METRICS]
    return {name: _sum(one.get(name, {}), other.get(name, {})) for name in names}


def _total(recent: list[tuple[int, dict[int, Share]]]) -> dict[int, Share]:
    sums: dict[int, Share] = {}
    for _at, shown in recent:
        for thing, share in shown.items():
            sums[thing] = sums[thing].plus(share) if thing in sums else share
    return sums


def _most_held(held: dict[int, int]) -> dict[int, int]:
    """The commonest, as in lossy counting (Manku and Motwani, 2002): what is dropped was held by few of many."""
    if len(held) <= _MOST_HELD:
        return held
    kept = sorted(held.items(), key=lambda item: (-item[1], item[0]))[:_KEPT_HELD]
    return dict(kept)
