"""What a host is told of others: how far they excuse a thing that is new here, and how far it spreads."""

from collections.abc import Mapping
from math import log, log1p
from typing import NamedTuple

import msgspec

from vedette.detect.knowledge.contribution import Share
from vedette.detect.knowledge.group import Group
from vedette.detect.knowledge.intervals import WINDOW

__all__ = ["ALONE", "Knowledge", "Outlook", "Spread", "limit"]

_SMALLEST = (
    8  # other hosts that a group counts as at least, so that in a small one nobody is a crowd
)
_FREE = 1 / 8  # of a group that excuses nothing
_STEEP = 12.0  # nats that the whole of a group may excuse beyond that
_TAINTED = 8  # showers that must be harmless for each that is hostile
# Of a roll-out's hosts a third show who does it, of an intruder's one in fifty: ln 17 for each that does. Those that don't
# speak against it, ln(0.66 / 0.98). The first is taken for chance.
_SEEN, _UNSEEN = 2.8, 0.4


class Knowledge(msgspec.Struct, frozen=True, kw_only=True):
    """One version, as the hosts of one cohort see it. `version` 0 knows nothing."""

    version: int = 0
    cohort: Group = Group()
    fleet: Group = Group()


class Spread(NamedTuple):
    """On how many other hosts the same loud thing appeared, and since when (Unix seconds)."""

    hosts: int
    since: float


def limit(many: float, size: int) -> float:
    """The most nats that `many` hosts of a group of `size` can take off a thing on another one.

    An eighth of a group, or one host of a small one, takes off nothing; a quarter 1.5, a half 4.5. So whoever owns few
    hosts of a cohort can teach the rest little, however many things they show.
    """
    share = min(1.0, many / max(size - 1, _SMALLEST))
    return max(0.0, _STEEP * (share - _FREE))


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """A version of knowledge as one host may use it at one moment.

    `now` is the interval of its snapshot; `own` are the things that this host itself showed of late, which are no one else's.
    """

    knowledge: Knowledge = Knowledge()
    now: int = 0
    own: Mapping[int, int] = {}
    own_loud: Mapping[int, int] = {}
    own_known: Mapping[int, int] = {}

    def excuse(self, thing: int, *, foothold: bool = False) -> float:
        """Nats to take off a thing that is new here and not hard, from hosts that hold or show it. Never below 0.

        A `foothold` is what a worm would plant: that many hosts show it excuses it only where it is seen who did it.
        """
        if not self.knowledge.version:
            return 0.0
        return max(self._prevalence(thing), self._roll_out(thing, foothold=foothold))

    def scale(self, metric: str) -> tuple[float, int]:
        """The median host's scale of a metric in the cohort, and how many hosts told one; (0, 0) where nobody did."""
        return self.knowledge.cohort.scale(metric)

    def vouches(self, thing: int) -> bool:
        """Whether people called the very thing normal for this host's cohort."""
        return self.knowledge.cohort.vouches(thing, self.now)

    def spread(self, thing: int) -> Spread | None:
        """Of the same thing, judged hostile elsewhere in this tenant within the window."""
        group = self.knowledge.fleet
        many = group.showers(thing, self.now).loud - self._mine(self.own_loud, thing)
        since = group.first_shown(thing, self.now)
        return Spread(many, since) if many > 0 and since is not None else None

    def unaccounted(self, thing: int) -> Spread | None:
        """Of the same thing in this tenant within the window, where nothing hostile was beside it, nor anybody seen who did it."""
        group = self.knowledge.fleet
        others = self._others(group.showers(thing, self.now), thing)
        since = group.first_shown(thing, self.now, loud=False)
        many = others.soft - others.known
        return Spread(many, since) if many > 0 and since is not None else None

    def _prevalence(self, thing: int) -> float:
        """By learned-normal holders alone, the cohort's share smoothed by the rest of the fleet's."""
        cohort, fleet = self.knowledge.cohort, self.knowledge.fleet
        near, far = cohort.holders(thing), fleet.holders(thing)
        if not near and not far:
            return 0.0
        others, rest = max(0, fleet.size - cohort.size), max(0.0, far - near)
        usual = (rest + 0.1) / (others + 1)
        share = (near + 2 * usual) / (cohort.size + 2)
        nats = log(share * (max(fleet.size, cohort.size) + 1) / 0.1)
        return max(0.0, min(nats, max(limit(near, cohort.size), limit(far, fleet.size))))

    def _roll_out(self, thing: int, *, foothold: bool) -> float:
        """By hosts that show it of late with nothing hostile beside it."""
        return max(
            _rolled(group, self._others(group.showers(thing, self.now), thing), foothold=foothold)
            for group in (self.knowledge.cohort, self.knowledge.fleet)
        )

    def _others(self, share: Share, thing: int) -> Share:
        return Share(
            share.soft - self._mine(self.own, thing),
            share.loud - self._mine(self.own_loud, thing),
            share.known - self._mine(self.own_known, thing),
        )

    def _mine(self, told: Mapping[int, int], thing: int) -> int:
        """How many of the showers this host is: its own telling counts from the version of that interval on."""
        at = told.get(thing)
        return int(at is not None and self.now - WINDOW < at <= self.knowledge.version)


def _rolled(group: Group, others: Share, *, foothold: bool) -> float:
    if others.soft <= 0 or others.loud * _TAINTED > others.soft:
        return 0.0
    if not foothold:
        return min(3.0 * log1p(others.soft), limit(others.soft, group.size))
    nats = _SEEN * (others.known - 1) - _UNSEEN * (others.soft - others.known)
    return max(0.0, min(nats, limit(others.soft, group.size)))


ALONE = Outlook()
"""What is known where nothing is known of others."""
