"""A fair share for each sender: token buckets."""

from collections import OrderedDict

from vedette.core import Throttled

__all__ = ["TokenBuckets"]


class TokenBuckets:
    """One bucket a key: `burst` tokens when rested, `rate` more a second. Not thread-safe: for one event loop.

    At most `limit` buckets are kept; the one unused longest goes first, and would have filled up meanwhile.
    """

    def __init__(self, *, rate: float, burst: int, limit: int = 100_000) -> None:
        self._rate = rate
        self._burst = burst
        self._limit = limit
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now: float) -> None:
        """Takes one token at this monotonic time.

        Raises:
            Throttled: none is left; `retry_after` is when one will be.
        """
        if not self.granted(key, now):
            raise Throttled(
                f"over {self._rate:g} requests a second; wait a little",
                retry_after=(1 - self._buckets[key][0]) / self._rate,
            )

    def granted(self, key: str, now: float) -> bool:
        """Takes one token at this monotonic time, if there is one."""
        tokens, since = self._buckets.get(key, (float(self._burst), now))
        tokens = min(float(self._burst), tokens + (now - since) * self._rate)
        granted = tokens >= 1
        self._buckets[key] = (tokens - granted, now)
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._limit:
            self._buckets.popitem(last=False)
        return granted
