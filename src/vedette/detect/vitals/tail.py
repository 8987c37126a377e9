"""How rare a score is on its own host: a forgetting histogram of all that went before."""

from typing import Any

import msgspec
import numpy as np

__all__ = ["BYTES", "Tail", "threshold", "update_tail"]

_BINS, _WIDTH, _HALF_LIFE = 256, 0.2, 10_080.0
_HEAVIEST = 1024.0
BYTES = 4 * _BINS


class Tail(msgspec.Struct, array_like=True):
    """`bins` are 256 float32 weights; `weight` is that of the next score (growing, so that the old need no touch)."""

    bins: bytes = bytes(BYTES)
    weight: float = 1.0
    minutes: float = 0.0


def threshold(tail: Tail, *, per_day: float) -> float:
    """The score that is passed in so many of a day's 1,440 snapshots; the histogram's end while nothing is known."""
    bins = np.frombuffer(tail.bins, np.float32).astype(np.float64)
    above = np.cumsum(bins[::-1])
    if above[-1] <= 0.0:
        return _BINS * _WIDTH
    rare = int(np.searchsorted(above, above[-1] * per_day / 1440.0, side="right"))
    return float((_BINS - min(rare, _BINS - 1)) * _WIDTH)


def update_tail(tail: Tail, score: float, *, minutes: float, rare: bool) -> None:
    """Counts a score; a rare one (over the threshold, or in alarm) counts a tenth, so that it can't excuse the next."""
    bins: Any = np.frombuffer(tail.bins, np.float32).copy()
    bins[min(int(score / _WIDTH), _BINS - 1)] += tail.weight * (0.1 if rare else 1.0)
    tail.weight *= float(2.0 ** (1.0 / _HALF_LIFE))
    tail.minutes += minutes
    if tail.weight > _HEAVIEST:
        bins /= np.float32(tail.weight)
        tail.weight = 1.0
    tail.bins = bins.tobytes()
