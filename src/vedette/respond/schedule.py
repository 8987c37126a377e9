"""When an attempt that did not work is made again: derived from the action's row, so that a restart loses no timer."""

from datetime import datetime, timedelta

from vedette.core import Action

__all__ = ["MAX_ATTEMPTS", "next_attempt"]

# About a day in all: a mail server that is down overnight loses nothing.
MAX_ATTEMPTS = 30
_FIRST_SECONDS = 30.0
_LONGEST_SECONDS = 3_600.0


def next_attempt(action: Action) -> datetime:
    """30 s after the last word on the first attempt, then twice as long each time, up to an hour."""
    doublings = min(max(action.attempts, 1) - 1, 10)
    delay = min(_FIRST_SECONDS * 2**doublings, _LONGEST_SECONDS)
    return action.updated_at + timedelta(seconds=delay)
