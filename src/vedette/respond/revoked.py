"""What becomes of what a host is to do once it is revoked: it can fetch nothing, and nothing that it says is heard."""

from datetime import timedelta

from vedette.core import Action, ActionState
from vedette.respond.outcome import Cancelled, Failed, Outcome
from vedette.respond.ports import Hosts

__all__ = ["revocation", "stranded"]

# How long a host may have waited before it fetched it.
_FETCHED = timedelta(minutes=15)


def revocation(hosts: Hosts, action: Action) -> str:
    """That the action's host was revoked, and when; empty while it is not."""
    if action.host is None:
        return ""
    host = hosts.get(action.tenant, action.host)
    if host.revoked_at is None:
        return ""
    return f"host {host.hostname} was revoked at {host.revoked_at.isoformat(timespec='seconds')}"


def stranded(action: Action, why: str) -> Outcome:
    """The end of what was on its way to the host, or was carried out there without a last word."""
    begun = action.dispatched_at or action.updated_at
    ends = ""
    if action.leased:
        by = begun + timedelta(seconds=action.lease_seconds) + _FETCHED
        ends = f"; if it has begun, its lease ends there by itself by {by.isoformat(timespec='seconds')}"
    if action.state is ActionState.DISPATCHED:
        return Cancelled(detail=f"{why}, and had not said a word of this{ends}")
    return Failed(detail=f"{why}: what came of this can't be heard any more{ends}")
