"""When an attempt is made again, a lease renewed, a grace over: derived from the action's row, so that a restart loses no timer."""

from datetime import datetime, timedelta

from vedette.core import Action, ActionState

__all__ = [
    "LEASE_SLACK",
    "LONGEST_ATTEMPT",
    "MAX_ATTEMPTS",
    "again",
    "in_grace",
    "late",
    "next_attempt",
    "renewal",
]

# About a day in all: a mail server that is down overnight loses nothing.
MAX_ATTEMPTS = 30
# How long after a lease's end its host may still say that it ended: a push or two, and what its clock is off.
LEASE_SLACK = timedelta(minutes=2)
# What one attempt of what the responder does itself may take: some ten calls, each of which is tried twice until its timeouts.
LONGEST_ATTEMPT = timedelta(minutes=8)
_FIRST_SECONDS = 30.0
_LONGEST_SECONDS = 3_600.0


def again(action: Action, now: datetime, wait_seconds: float = 0.0) -> datetime:
    """30 s after the first attempt came to nothing, then twice as long each time, up to an hour; later where it was asked for."""
    doublings = min(max(action.attempts, 1) - 1, 10)
    delay = min(_FIRST_SECONDS * 2**doublings, _LONGEST_SECONDS)
    return now + timedelta(seconds=max(delay, wait_seconds))


def next_attempt(action: Action) -> datetime:
    """When it was told to wake; where what came of its last attempt was never written, as if that had come to nothing."""
    after = again(action, action.updated_at)
    return max(after, action.wake_at) if action.wake_at else after


def renewal(action: Action, until: datetime) -> datetime:
    """When half of the lease is left: another half, then, for a host that is out of reach to come back."""
    return until - timedelta(seconds=action.lease_seconds / 2)


def in_grace(action: Action, now: datetime) -> bool:
    """Whether it still waits, approved, so that somebody may call it off."""
    if action.state is not ActionState.APPROVED or action.dry_run:
        return False
    return now < action.updated_at + timedelta(seconds=action.grace_seconds)


def late(action: Action) -> str:
    """Why its time ran out before anything was done."""
    if action.state is ActionState.AWAITING_APPROVAL:
        return "nobody decided in time"
    if action.held_by:
        by = "" if ":" in action.held_by else "silence "
        return f"{by}{action.held_by} held it until there was nothing new to tell"
    return "its time ran out before it began"
