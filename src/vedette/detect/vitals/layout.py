"""Which metric sits where in the arrays of a bank."""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NEVER_MEASURED", "Layout", "layout_of"]

NEVER_MEASURED = frozenset({"system.uptime", "system.memory.limit", "system.cpu.logical.count"})
"""Metrics that only grow with time, or never change."""


class Layout:
    """The seats of D metrics. Pairs (i, j) with i <= j are numbered row by row; there are T = D (D + 1) / 2 of them.

    `first` and `second` [T] are the seats of each pair, `own` [D] the number of the pair (i, i). `familiar` names the metrics
    that need no seat any more: those that have one, and those that are never measured.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.size = len(names)
        self.seat = {name: at for at, name in enumerate(names)}
        self.familiar = self.seat.keys() | NEVER_MEASURED
        self.first, self.second = np.triu_indices(self.size)
        self.pairs = len(self.first)
        self.own: NDArray[Any] = np.flatnonzero(self.first == self.second)

    def packed(self, square: NDArray[Any]) -> NDArray[Any]:
        """[..., D, D] symmetric to [..., T]."""
        packed: NDArray[Any] = square[..., self.first, self.second]
        return packed

    def square(self, packed: NDArray[Any]) -> NDArray[Any]:
        """[..., T] to [..., D, D] symmetric."""
        full = np.empty((*packed.shape[:-1], self.size, self.size), packed.dtype)
        full[..., self.first, self.second] = packed
        full[..., self.second, self.first] = packed
        return full


@lru_cache(maxsize=512)
def layout_of(names: tuple[str, ...]) -> Layout:
    """The layout of these names, in this order."""
    return Layout(names)
