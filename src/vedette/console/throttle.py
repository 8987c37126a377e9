"""Slows down guessing: a bounded count of failures per client address."""

from collections import OrderedDict, deque
from threading import Lock

from vedette.core import Clock, Throttled

__all__ = ["Throttle"]

# An attacker with many addresses must not be able to grow this without bound.
_MAX_KEYS = 10_000


class Throttle:
    """Counts failures in a sliding window; held in memory, so it starts empty with its process."""

    def __init__(self, clock: Clock, *, attempts: int, window_seconds: float) -> None:
        self._clock = clock
        self._attempts = attempts
        self._window = window_seconds
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = Lock()

    def check(self, key: str) -> None:
        """Passes, or says how long to wait.

        Raises:
            Throttled: this key failed too often within the window.
        """
        with self._lock:
            times = self._recent(key)
            if len(times) >= self._attempts:
                wait = max(1.0, times[0] + self._window - self._clock.monotonic())
                raise Throttled(
                    f"too many failed sign-ins from this address; try again in {wait:.0f} s",
                    kind="too-many-sign-ins",
                    retry_after=wait,
                )

    def failed(self, key: str) -> None:
        """Counts one failure."""
        with self._lock:
            self._recent(key).append(self._clock.monotonic())
            self._failures.move_to_end(key)
            while len(self._failures) > _MAX_KEYS:
                self._failures.popitem(last=False)

    def passed(self, key: str) -> None:
        """Forgets the failures of a key that has shown it knows a secret."""
        with self._lock:
            self._failures.pop(key, None)

    def _recent(self, key: str) -> deque[float]:
        times = self._failures.setdefault(key, deque(maxlen=self._attempts))
        oldest = self._clock.monotonic() - self._window
        while times and times[0] <= oldest:
            times.popleft()
        return times
