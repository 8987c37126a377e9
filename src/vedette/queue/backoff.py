"""Waiting longer after each failure."""

from vedette.core import Record

__all__ = ["Backoff"]


class Backoff(Record, frozen=True, kw_only=True):
    """Delays in seconds that double from the first to the most, each shortened by up to half at random."""

    first_seconds: float = 1.0
    most_seconds: float = 60.0

    def delay(self, failures: int, jitter: float) -> float:
        """After so many failures, 1 or more; `jitter` is in 0..1."""
        full = min(self.most_seconds, self.first_seconds * 2.0 ** min(failures - 1, 30))
        return full * (1 - jitter / 2)
