"""How long to wait before trying again: exponential, with full jitter, never before the server asked for."""

import random
from email.utils import parsedate_to_datetime
from math import isnan

from vedette.core import Clock

__all__ = ["Backoff", "retry_after"]

_MAX_RETRY_AFTER = 3_600.0
_UNREACHED_CAP = 30.0


class Backoff:
    """Full jitter (anywhere between 0 and the exponential bound): a fleet that lost its server does not return in step.

    While no connection comes about, the bound is half a minute: a try costs nobody anything, and a network that is back
    is soon used. What a server itself refuses or leaves unanswered is tried ever more rarely, up to `cap`.
    """

    def __init__(self, chance: random.Random, *, base: float = 1.0, cap: float = 300.0) -> None:
        self._chance = chance
        self._base = base
        self._cap = cap
        self._failures = self._misses = 0

    def fail(self, asked: float | None = None, *, reached: bool = True) -> float:
        """Seconds to wait after one more failure; at least what the server asked for."""
        if reached:
            self._misses = 0
            bound = min(self._cap, self._base * 2.0 ** min(self._failures, 32))
            self._failures += 1
        else:
            bound = min(self._cap, _UNREACHED_CAP, self._base * 2.0 ** min(self._misses, 32))
            self._misses += 1
        return (asked or 0.0) + self._chance.uniform(0.0, bound)

    def rest(self) -> float:
        """Seconds to wait where only people can help: at least half of `cap`."""
        return self._chance.uniform(self._cap / 2.0, self._cap)

    def succeed(self) -> None:
        """Starts anew."""
        self._failures = self._misses = 0


def retry_after(value: str | None, clock: Clock) -> float | None:
    """Retry-After (RFC 9110, 10.2.3) in seconds: a number, or a date. None when absent or unreadable; an hour at most."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(value) - clock.now()).total_seconds()
        except (TypeError, ValueError):
            return None
    return None if isnan(seconds) else min(max(seconds, 0.0), _MAX_RETRY_AFTER)
