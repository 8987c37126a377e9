"""What is kept of many hosts with the same metrics: two blocks of numbers, cut into named arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.detect.vitals.layout import Layout

__all__ = ["BANDS", "FILTERS", "LONG_UP", "UNKNOWN", "Banks", "bank_sizes", "cut", "fresh_banks"]

FILTERS, BANDS = 2, 3
UNKNOWN = 1e30
"""The scale of what has none yet: no distance counts."""
LONG_UP = 1e6
"""Units since a boot that nobody saw."""

_SCALARS = ("units", "looks", "surprise", "phase", "spacing", "boot", "up")

Floats = NDArray[Any]


class Banks:
    """Arrays over H hosts, all views of two blocks: `exact` float64 [H, ...] and `rough` float32 [H, ...].

    [H]: `units` of time and `looks` so far, `surprise`, `phase` of the refreshes, the usual `spacing` in minutes (0: not
    known), `boot` (Unix seconds, 0: not known) and `up`, units since a boot. `filters` [H, 2, D]; `mean`, `scale`, `low`
    and `high` [H, band, D]; `age` and `absent` [H, D] are each metric's own time, and for how long it was not sent; `far`
    [H, D] for how many looks in a row it was beyond reach. `pairs` [H, band, D, D] holds two symmetric matrices, covariance
    in the upper triangle with the diagonal and precision in the lower; `corner` [H, band, D] is precision's diagonal.
    """

    def __init__(self, layout: Layout, exact: Floats, rough: Floats) -> None:
        self.layout, self.exact, self.rough = layout, exact, rough
        hosts, size = len(exact), layout.size
        self.units, self.looks, self.surprise, self.phase = exact[:, :4].T
        self.spacing, self.boot, self.up = exact[:, 4 : len(_SCALARS)].T
        band, pair = (hosts, BANDS, size), (hosts, BANDS, size, size)
        self.filters, self.mean = cut(exact, len(_SCALARS), ((hosts, FILTERS, size), band))
        self.age, self.absent, self.far = cut(rough, 0, ((hosts, size),) * 3)
        self.scale, self.low, self.high, self.corner, self.pairs = cut(
            rough, 3 * size, (band, band, band, band, pair)
        )

    def covariance(self, which: Any = slice(None)) -> Floats:
        """float64 [h, band, D, D] of these hosts."""
        upper = self.pairs[which].astype(np.float64)
        whole: Floats = np.triu(upper) + np.triu(upper, 1).swapaxes(-1, -2)
        return whole

    def precision(self, which: Any = slice(None)) -> Floats:
        """float64 [h, band, D, D] of these hosts."""
        lower = np.tril(self.pairs[which].astype(np.float64), -1)
        whole: Floats = lower + lower.swapaxes(-1, -2)
        whole[..., self.layout.own, self.layout.own] = self.corner[which]
        return whole

    def keep(self, which: Any, covariance: Floats, precision: Floats) -> None:
        """Puts symmetric matrices [h, band, D, D] in the place of these hosts' own."""
        own = self.layout.own
        self.pairs[which] = np.triu(covariance) + np.tril(precision, -1)
        self.corner[which] = precision[..., own, own]

    def part(self, which: slice) -> "Banks":
        """These hosts alone; the arrays are the same memory."""
        return Banks(self.layout, self.exact[which], self.rough[which])


def bank_sizes(layout: Layout) -> tuple[int, int]:
    """How many exact and rough numbers a host has."""
    exact = len(_SCALARS) + (FILTERS + BANDS) * layout.size
    return exact, layout.size * (3 + BANDS * (4 + layout.size))


def fresh_banks(layout: Layout, phases: Floats) -> Banks:
    """Hosts that have seen nothing; `phases` [H] spreads their refreshes over the looks."""
    exact, rough = bank_sizes(layout)
    banks = Banks(
        layout, np.zeros((len(phases), exact)), np.zeros((len(phases), rough), np.float32)
    )
    banks.phase[:] = phases
    banks.up[:] = LONG_UP
    banks.scale[:] = UNKNOWN
    banks.corner[:] = 1.0
    return banks


def cut(block: Floats, at: int, shapes: tuple[tuple[int, ...], ...]) -> list[Floats]:
    """Views of a block [H, N] from column `at` on, one of each shape [H, ...]."""
    found = []
    for shape in shapes:
        size = int(np.prod(shape[1:]))
        found.append(block[:, at : at + size].reshape(shape))
        at += size
    return found
