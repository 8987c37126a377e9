"""Time, passed in: the only place that reads the machine's clocks."""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock"]


class Clock(Protocol):
    """Wall time for records, monotonic time for durations, boot time to notice a suspension."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""

    def boottime(self) -> float:
        """Like `monotonic`, but goes on while the machine is suspended."""

    def sleep(self, seconds: float) -> None:
        """Blocks the calling thread."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""
        return datetime.fromtimestamp(time.time(), UTC)  # noqa: TID251 - the one reader of the machine's clock

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; never goes back."""
        return time.monotonic()

    def boottime(self) -> float:
        """Like `monotonic`, but goes on while the machine is suspended. Only Linux tells the two apart."""
        if hasattr(time, "CLOCK_BOOTTIME"):
            return time.clock_gettime(time.CLOCK_BOOTTIME)
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Blocks the calling thread."""
        time.sleep(seconds)


class ManualClock:
    """A fake clock for tests and replay: it moves only when told; sleeping moves it."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 1, 1, tzinfo=UTC)
        self._monotonic = 0.0
        self._suspended = 0.0

    def now(self) -> datetime:
        """The time last set or advanced to."""
        return self._now

    def monotonic(self) -> float:
        """Seconds advanced since the start."""
        return self._monotonic

    def boottime(self) -> float:
        """Seconds advanced and suspended since the start."""
        return self._monotonic + self._suspended

    def sleep(self, seconds: float) -> None:
        """Advances at once."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Moves all clocks forward."""
        self._now += timedelta(seconds=seconds)
        self._monotonic += seconds

    def suspend(self, seconds: float) -> None:
        """Moves the wall and the boot clock, as a suspended machine's."""
        self._now += timedelta(seconds=seconds)
        self._suspended += seconds

    def step(self, to: datetime) -> None:
        """Sets the wall clock alone, as an operator or NTP would."""
        self._now = to
