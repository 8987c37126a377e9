"""How far what is done to one host reaches, and how many people must stand behind it."""

from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Final

from vedette.core.action import Action, Mode
from vedette.core.ids import HostId
from vedette.core.record import Record

__all__ = ["PEOPLE", "REACH_WINDOW", "Reach", "destructive", "few", "reach_of"]

PEOPLE: Final = 2
"""How many different people it takes at least for what is fleet-wide."""
REACH_WINDOW: Final = timedelta(hours=1)
"""In which hosts are counted that something was begun on; those under a lease are counted as long as it lasts."""
_LEAST, _MOST, _SHARE = 3, 10, 10


def destructive(action: Action) -> bool:
    """Whether it takes something from its host, for a while or for good."""
    return action.disruptive and not action.dry_run


def few(hosts: int) -> int:
    """On how many of so many hosts one person's word is enough: a tenth of them, at least three, at most ten."""
    return max(_LEAST, min(_MOST, hosts // _SHARE))


class Reach(Record, frozen=True, kw_only=True):
    """`storm`: the action's incident is part of a fleet's. `others` of the tenant's `hosts` hosts are acted on, or approved to be."""

    storm: bool
    others: int
    hosts: int

    @property
    def words(self) -> str:
        """Why an action that people decide on is fleet-wide; empty when it is not."""
        most = few(self.hosts)
        if self.storm or self.others < most:
            return self.unasked
        return f"{self.others} other hosts are acted on within the hour, and {most} is the most by one person's word"

    @property
    def unasked(self) -> str:
        """The same of one that nobody was asked about: on how many hosts it acts is what its policy's limits say."""
        return "its incident is part of a fleet's" if self.storm else ""

    def lacks(self, action: Action, given: int) -> str:
        """Why it may not begin with so many approvals given; empty when it may."""
        if given >= PEOPLE:
            return ""
        return self.unasked if action.mode is Mode.AUTO and not given else self.words


def reach_of(action: Action, *, storm: bool, acted: AbstractSet[HostId], hosts: int) -> Reach:
    """Of one action, where those hosts are acted on or approved to be; what is not destructive reaches nothing."""
    if not destructive(action):
        return Reach(storm=False, others=0, hosts=hosts)
    others = len(acted) - (action.host in acted)
    return Reach(storm=storm, others=others, hosts=hosts)
