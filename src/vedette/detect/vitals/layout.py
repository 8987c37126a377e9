"""Which metric sits where in the arrays of a bank."""

from functools import lru_cache
from itertools import pairwise, takewhile
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detect.magnitude import bounds

__all__ = ["NEVER_MEASURED", "Layout", "layout_of", "layout_of_key"]

NEVER_MEASURED = frozenset({"system.uptime", "system.memory.limit", "system.cpu.logical.count"})
"""Metrics that only grow with time, or never change."""


class Layout:
    """The seats of D metrics, in the order of their names.

    `key` is the names as bytes, each as what it shares with the one before and the rest. `familiar` names the metrics that need no seat any more: those that have one, and those
    that are never measured. Pairs (i, j) with i <= j are numbered row by row, T = D (D + 1) / 2 of them: `first` and
    `second` [T] are their seats, `upper` [T] their places in a flat [D, D], and `diagonal` [T] marks those with i = j. `least` and `most` [D] are what
    each can be.
    """

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.key = msgspec.msgpack.encode(_shortened(names))
        self.size = len(names)
        self.seat = {name: at for at, name in enumerate(names)}
        self.familiar = self.seat.keys() | NEVER_MEASURED
        self.first, self.second = np.triu_indices(self.size)
        self.upper: NDArray[np.intp] = self.first * self.size + self.second
        self.pairs = len(self.upper)
        self.diagonal: NDArray[np.bool_] = self.first == self.second
        self.own = np.arange(self.size)
        self.least, self.most = bounds(names)

    def square(self, packed: NDArray[Any]) -> NDArray[Any]:
        """[..., T] to float64 [..., D, D], symmetric."""
        full = np.empty((*packed.shape[:-1], self.size, self.size))
        full[..., self.first, self.second] = packed
        full[..., self.second, self.first] = packed
        return full


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
    names = _restored(msgspec.msgpack.decode(key, type=tuple[str | int, ...]))
    if not all(one < other for one, other in pairwise(names)):
        raise ValueError("the names of a layout are not in order")
    return layout_of(names)


def _shortened(names: tuple[str, ...]) -> list[str | int]:
    """By turns how many letters a name shares with the one before, and its others: sorted names have much in common."""
    short: list[str | int] = []
    for before, name in pairwise(("", *names)):
        pairs = takewhile(lambda pair: pair[0] == pair[1], zip(before, name, strict=False))
        shared = sum(1 for _ in pairs)
        short += (shared, name[shared:])
    return short


def _restored(short: tuple[str | int, ...]) -> tuple[str, ...]:
    """The names again; also of a list of whole names, as earlier versions kept them."""
    names: list[str] = []
    shared = 0
    for part in short:
        if isinstance(part, int):
            shared = part
        else:
            before = names[-1] if names else ""
            if not 0 <= shared <= len(before):
                raise ValueError("a name of a layout shares more than there is")
            names.append(before[:shared] + part)
            shared = 0
    return tuple(names)
