"""What is kept of many hosts with the same metrics: two blocks of numbers, cut into named arrays."""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.detect.vitals.layout import Layout

__all__ = ["BANDS", "FILTERS", "LONG_UP", "UNKNOWN", "Banks", "cut", "fresh_banks"]

FILTERS, BANDS, MEMORIES = 2, 2, 2
UNKNOWN = 1e30
"""The scale of what has none yet: no distance counts."""
LONG_UP = 1e6
"""Units since a boot that nobody saw."""

_SCALARS = ("units", "looks", "surprise", "phase", "spacing", "boot", "up")
_STEP = 1.5e-4  # what 1 stands for in the whole numbers that directions are kept in
_MOST = 32_767  # the highest of them

Floats = NDArray[Any]


class Banks:
    """Arrays over H hosts, all views of three blocks: `exact` float64, `rough` float32 and `whole` int16, each [H, ...].

    [H]: `units` of time and `looks` so far, `surprise` squared, `phase` of the refreshes, the usual `spacing` in minutes (0:
    not known), `boot` (Unix seconds, 0: not known) and `up`, units since a boot. `filters` [H, 2, D]; `low` and `high`
    [H, band, D]; `age` and `absent` [H, D] are each metric's own time, and for how long it was not sent; `far` [H, D] for how
    many looks in a row it was beyond reach. Of each model, [H, band, memory, ...]: `mean`, `scale` [D], `spread` [T] (see
    `Layout`), and as whole numbers its `directions` [D, D] and `common` [D], how much of each is common to many metrics.
    """

    def __init__(self, layout: Layout, exact: Floats, rough: Floats, whole: Floats) -> None:
        self.layout, self.exact, self.rough, self.whole = layout, exact, rough, whole
        hosts, size = len(exact), layout.size
        band, model = (hosts, BANDS, size), (hosts, BANDS, MEMORIES, size)
        self.units, self.looks, self.surprise, self.phase = exact[:, :4].T
        self.spacing, self.boot, self.up = exact[:, 4 : len(_SCALARS)].T
        self.filters, self.mean = cut(exact, len(_SCALARS), ((hosts, FILTERS, size), model))
        self.age, self.absent, self.far, self.low, self.high = cut(
            rough, 0, ((hosts, size), (hosts, size), (hosts, size), band, band)
        )
        self.scale, self.spread = cut(
            rough, size * (3 + 2 * BANDS), (model, (hosts, BANDS, MEMORIES, layout.pairs))
        )
        self._directions, self._common = cut(whole, 0, ((*model, size), model))

    def directions(self, which: slice) -> Floats:
        """float32 [H, band, memory, D, D] of these hosts: each row a direction, as long as what is usual along it is short."""
        directions: Floats = self._directions[which].astype(np.float32)
        directions *= np.float32(_STEP)
        return directions

    @property
    def common(self) -> Floats:
        """float64 [H, band, memory, D], 0..1."""
        common: Floats = self._common / float(_MOST)
        return common

    def point(self, which: Any, directions: Floats, common: Floats) -> None:
        """Keeps the directions of these hosts' models, rounded, so that going through bytes changes nothing."""
        self._directions[which] = np.clip(np.rint(directions / _STEP), -_MOST, _MOST)
        self._common[which] = np.rint(common * _MOST)

    def part(self, which: slice) -> "Banks":
        """These hosts alone; the arrays are the same memory."""
        return Banks(self.layout, self.exact[which], self.rough[which], self.whole[which])

    @staticmethod
    def sizes(layout: Layout) -> tuple[int, int, int]:
        """How many exact, rough and whole numbers a host has."""
        models = BANDS * MEMORIES
        return (
            len(_SCALARS) + (FILTERS + models) * layout.size,
            layout.size * (3 + 2 * BANDS + models) + models * layout.pairs,
            models * layout.size * (layout.size + 1),
        )


def fresh_banks(layout: Layout, phases: Floats) -> Banks:
    """Hosts that have seen nothing; `phases` [H] spreads their refreshes over the looks."""
    exact, rough, whole = Banks.sizes(layout)
    hosts = len(phases)
    banks = Banks(
        layout,
        np.zeros((hosts, exact)),
        np.zeros((hosts, rough), np.float32),
        np.zeros((hosts, whole), np.int16),
    )
    banks.phase[:] = phases
    banks.up[:] = LONG_UP
    banks.scale[:] = UNKNOWN
    banks.point(slice(None), np.eye(layout.size), np.ones(layout.size))
    return banks


def cut(block: Floats, at: int, shapes: tuple[tuple[int, ...], ...]) -> list[Floats]:
    """Views of a block [H, N] from column `at` on, one of each shape [H, ...]."""
    found = []
    for shape in shapes:
        size = prod(shape[1:])
        found.append(block[:, at : at + size].reshape(shape))
        at += size
    return found
