"""What the server's clock shows, as this host knows it. Whoever answers at its door may correct it, and can't turn it back by that."""

import threading
from datetime import UTC, datetime
from typing import Final

from vedette.core import Clock

__all__ = ["ServerClock"]

# So far off may a clock be by which a request is signed (DESIGN: freshness).
_FRESH: Final = 300.0
# Of the time that passes, what surely has passed: a quartz is off by less than a thousandth.
_SURE: Final = 0.999
_KEPT_EVERY: Final = 60.0


class ServerClock:
    """For what the server signed with an end: what it tells at its door is signed by nobody.

    A door in wrong hands could keep a command back, say that this host's clock is fast, and have it carried out long after its end. So
    the earliest that it can be is known from what was so before: a signature that was taken bore the time. It goes on by the clock that
    counts through suspensions. It is never later than this host's own clock, neither when it is taken nor when it is asked: no door
    sets it forward, and what a clock that was wrong made of it is over when that clock is mended.

    `earliest` is in Unix seconds, as it was kept. Safe for use by several threads.
    """

    def __init__(self, clock: Clock, earliest: float) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._earliest = self._kept = earliest
        self._at = clock.boottime()

    def now(self, offset: float) -> datetime:
        """By this host's clock and the server's lead over it in seconds, and no earlier than it can be."""
        own = self._clock.now().timestamp()
        with self._lock:
            return datetime.fromtimestamp(max(own + offset, min(own, self._passed())), UTC)

    def taken(self, created: float, at: float) -> float | None:
        """A signature was taken that bore `created` (Unix seconds), and was made `at` that boot time.

        Gives what is to be kept, where that is another minute.
        """
        passed = self._clock.boottime() - at
        known = min(created + _SURE * passed, self._clock.now().timestamp()) - _FRESH
        with self._lock:
            self._earliest, self._at = max(known, self._passed()), self._clock.boottime()
            if self._earliest < self._kept + _KEPT_EVERY:
                return None
            self._kept = self._earliest
            return self._kept

    def _passed(self) -> float:
        return self._earliest + _SURE * (self._clock.boottime() - self._at)
