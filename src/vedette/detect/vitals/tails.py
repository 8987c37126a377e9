"""How rare a score is on its own host: a forgetting histogram of all that went before, for many hosts at once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tails"]

_BINS, _WIDTH, _HALF_LIFE, _HEAVIEST = 256, 0.2, 10_080.0, 1024.0
_SILENT, _EVERY = 500, 30

Floats = NDArray[Any]


class Tails:
    """Of H hosts: `bins` [H, 256] weights; what is counted next weighs `weight`, which grows, so that the old need no touch."""

    def __init__(self, hosts: int) -> None:
        self.bins = np.zeros((hosts, _BINS), np.float32)
        self._weight, self._looks = 1.0, 0
        self._known = np.full(hosts, np.inf)

    def thresholds(self, *, per_day: float) -> Floats:
        """[H]: the score passed in so many of a day's 1,440 looks; infinite while a host is young. Anew every 30 looks."""
        if self._looks >= _SILENT and self._looks % _EVERY == 0:
            above = np.cumsum(self.bins[:, ::-1].astype(np.float64), axis=1)
            rare = (above <= above[:, -1:] * per_day / 1440.0).sum(axis=1)
            self._known = (_BINS - np.minimum(rare, _BINS - 1)) * _WIDTH
        return self._known

    def add(self, scores: Floats, *, rare: Floats) -> None:
        """Counts a score of each host; a rare one counts a tenth, so that it can't excuse the next."""
        place = np.minimum((scores / _WIDTH).astype(np.int64), _BINS - 1)
        self.bins[np.arange(len(scores)), place] += self._weight * np.where(rare, 0.1, 1.0)
        self._weight *= float(2.0 ** (1.0 / _HALF_LIFE))
        self._looks += 1
        if self._weight > _HEAVIEST:
            self.bins /= np.float32(self._weight)
            self._weight = 1.0
