"""Which metric sits where in the arrays of a bank."""

from functools import lru_cache
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray  # noqa: TC002

__all__ = ["NEVER_MEASURED", "Layout", "layout_of", "layout_of_key"]

NEVER_MEASURED = frozenset({"system.uptime", "system.memory.limit", "system.cpu.logical.count"})
"""Metrics that only grow with time, or never change."""


class Layout:
    """The seats of D metrics, in the order of their names.

    `key` is the names as bytes. `familiar` names the metrics that need no seat any more: those that have one, and those that are never measured.
    `upper` and `lower` [D, D] are 1 on their side of the diagonal and 0 elsewhere; the diagonal itself is `upper`'s.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.size = len(names)
        self.seat = {name: at for at, name in enumerate(names)}
        self.key = msgspec.msgpack.encode(names)
        self.familiar = self.seat.keys() | NEVER_MEASURED
        self.upper: NDArray[Any] = np.triu(np.ones((self.size, self.size), np.float32))
        self.lower: NDArray[Any] = 1.0 - self.upper
        self.own = np.arange(self.size)


@lru_cache(maxsize=512)
def layout_of(names: tuple[str, ...]) -> Layout:
    """The layout of these names, in this order."""
    return Layout(names)


@lru_cache(maxsize=512)
def layout_of_key(key: bytes) -> Layout:
    """The layout that has this key.

    Raises:
        ValueError: no layout has it.
    """
    names = msgspec.msgpack.decode(key, type=tuple[str, ...])
    if not all(one < other for one, other in pairwise(names)):
        raise ValueError("the names of a layout are not in order")
    return layout_of(names)
