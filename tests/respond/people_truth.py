"""Who stands behind which action, by what people did; and which hosts are acted on, by what was seen to begin."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from vedette.core import Action, ActionId, HostId

__all__ = ["IN_FORCE", "People", "acted_hosts", "lasts", "takes"]

IN_FORCE = frozenset({"dispatched", "acknowledged", "applied", "verified"})
_HOUR = timedelta(hours=1)


class People:
    """`gone` are those whose tokens were revoked: what they approved counts no more. `asked`: what somebody was asked about."""

    def __init__(self) -> None:
        self.gone: set[str] = set()
        self.asked: set[ActionId] = set()
        self._given: dict[ActionId, set[str]] = defaultdict(set)

    def approve(self, action: Action, who: str, now: datetime) -> None:
        """Somebody presses the button; what comes too late, of one's own or of nobody is no approval."""
        self.asked.add(action.id)
        if who != action.proposed_by and who not in self.gone and now <= action.expires_at:
            self._given[action.id].add(who)

    def valid(self, action: ActionId) -> set[str]:
        """Whose approvals count now."""
        return self._given[action] - self.gone


def takes(action: Action) -> bool:
    """Whether it takes something from its host."""
    return action.disruptive and not action.dry_run


def lasts(action: Action) -> bool:
    """Whether it is a lease that may be in force."""
    return action.lease_seconds > 0 and not action.dry_run and action.state.value in IN_FORCE


def acted_hosts(
    rows: Iterable[Action], begun: Mapping[ActionId, tuple[int, datetime]], now: datetime
) -> set[HostId | None]:
    """Hosts that something was taken from: begun within the hour, or under a lease still."""
    return {
        one.host
        for one in rows
        if takes(one) and one.id in begun and (begun[one.id][1] > now - _HOUR or lasts(one))
    }
