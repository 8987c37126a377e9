"""When to look: at a steady pace, whatever the wall clock says, and at once when the machine wakes up."""

import threading

from vedette.core import Clock

__all__ = ["Pace"]

# A thread that waits does not notice a suspension: the clock that it waits by stands still with it.
_SLICE_SECONDS = 5.0
_ASLEEP_SECONDS = 1.0


class Pace:
    """By the monotonic clock. After a suspension, or when it is late, it goes on from now: nothing is made up for."""

    def __init__(self, clock: Clock, interval: float, *, first: float) -> None:
        self._clock = clock
        self._interval = interval
        self._due = clock.monotonic() + first
        self._suspended = self._away()

    def wait(self, stop: threading.Event) -> float:
        """Returns when a look is due or `stop` is set. Gives the seconds that the machine was suspended meanwhile."""
        while True:
            left = self._due - self._clock.monotonic()
            asleep = self._away() - self._suspended
            if asleep >= _ASLEEP_SECONDS:
                self._suspended += asleep
                self._due = self._clock.monotonic()
                return asleep
            if left <= 0 or stop.wait(min(left, _SLICE_SECONDS)):
                return 0.0

    def looked(self, hold: float) -> None:
        """One look is done; the next is due after the interval, and after `hold` seconds from now at least."""
        self._due = max(self._due + self._interval, self._clock.monotonic() + hold)

    def _away(self) -> float:
        """Seconds since boot in which the machine did not run."""
        return self._clock.boottime() - self._clock.monotonic()
