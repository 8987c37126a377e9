"""How fast snapshots leave the queue, told from how many went in and how many are left."""

from math import exp
from typing import Final

from vedette.ingest import Flow

__all__ = ["FlowMeter"]

_SMOOTH_SECONDS: Final = 1.5


class FlowMeter:
    """Fed with looks at the queue. What other API processes append it does not see, and takes for completed more slowly."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._depth = 0
        self._appended = 0
        self._completed = 0.0

    def note(self, now: float, depth: int, appended: int) -> Flow:
        """A look at this monotonic time: what waits, and how many were appended since the process started."""
        if self._at is not None and now > self._at:
            seconds = now - self._at
            left = max(0, appended - self._appended - (depth - self._depth))
            weight = 1.0 - exp(-seconds / _SMOOTH_SECONDS)
            self._completed += (left / seconds - self._completed) * weight
        self._at, self._depth, self._appended = now, depth, appended
        return Flow(depth=depth, completed=self._completed)
