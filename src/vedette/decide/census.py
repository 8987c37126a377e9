"""How the fleet stands as verdicts are taken one by one: how many hosts it has, and on how many the last word is abnormal.

Told by verdicts alone, never by silence or a lease's end, so that a batch of any size, a replay and a back-test count the same.
"""

from collections.abc import Mapping

from vedette.core import HostId, Label, Verdict
from vedette.decide.situation import FleetNow

__all__ = ["Census"]


class Census:
    """Counts of one tenant, moved on by `take` in the order of verdicts.

    Args:
        hosts: how many there are.
        abnormal: on how many of them the last verdict is abnormal.
        labels: the last verdict's label of those among them whose verdicts will be taken; a host that is not named is a
            new one.
    """

    def __init__(
        self,
        *,
        hosts: int = 0,
        abnormal: int = 0,
        labels: Mapping[HostId, Label | None] | None = None,
    ) -> None:
        self._hosts = hosts
        self._abnormal = abnormal
        self._ill = {host: label is Label.ABNORMAL for host, label in (labels or {}).items()}

    def take(self, verdict: Verdict) -> FleetNow:
        """The fleet with this verdict. One that came late, or again for a dead letter, says nothing of how its host is now."""
        if verdict.host not in self._ill:
            self._hosts += 1
            self._ill[verdict.host] = False
        if not verdict.late and verdict.of is None:
            ill = verdict.label is Label.ABNORMAL
            self._abnormal += ill - self._ill[verdict.host]
            self._ill[verdict.host] = ill
        return FleetNow(hosts=self._hosts, abnormal=self._abnormal)

    @property
    def ill(self) -> tuple[HostId, ...]:
        """Those of the named or taken hosts whose last verdict is abnormal, by id."""
        return tuple(sorted(host for host, ill in self._ill.items() if ill))
