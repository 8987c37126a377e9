"""What is kept of many hosts with the same metrics: two blocks of numbers, cut into named arrays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.detect.vitals.layout import Layout

__all__ = ["BANDS", "UNKNOWN", "Banks", "fresh_banks"]

BANDS = 3
UNKNOWN = 1e30
"""The scale of what has none yet: no distance counts."""
_FILTERS = 2
_SCALARS = ("units", "looks", "surprise", "phase")

Floats = NDArray[Any]


class Banks:
    """Arrays over H hosts, all views of two blocks: `exact` float64 [H, ...] and `rough` float32 [H, ...].

    `units` of time and `looks` so far, `surprise` and `phase` [H]; `filters` [H, 2, D]; `mean`, `scale`, `low` and `high`
    [H, band, D]; `age` [H, D] is each metric's own time; `spread` and `precision` [H, band, T] (see `Layout`).
    """

    def __init__(self, layout: Layout, exact: Floats, rough: Floats) -> None:
        self.layout, self.exact, self.rough = layout, exact, rough
        hosts, size, pairs = len(exact), layout.size, layout.pairs
        self.units, self.looks, self.surprise, self.phase = (
            exact[:, at] for at in range(len(_SCALARS))
        )
        self.filters, self.mean = _cut(
            exact, len(_SCALARS), ((hosts, _FILTERS, size), (hosts, BANDS, size))
        )
        band, pair = (hosts, BANDS, size), (hosts, BANDS, pairs)
        self.age, self.scale, self.low, self.high, self.spread, self.precision = _cut(
            rough, 0, ((hosts, size), band, band, band, pair, pair)
        )

    def part(self, which: slice) -> "Banks":
        """These hosts alone; the arrays are the same memory."""
        return Banks(self.layout, self.exact[which], self.rough[which])


def fresh_banks(layout: Layout, phases: Floats) -> Banks:
    """Hosts that have seen nothing; `phases` [H] spreads their refreshes over the looks."""
    size, pairs, hosts = layout.size, layout.pairs, len(phases)
    exact = np.zeros((hosts, len(_SCALARS) + (_FILTERS + BANDS) * size))
    rough = np.zeros((hosts, size * (1 + 3 * BANDS) + 2 * BANDS * pairs), np.float32)
    banks = Banks(layout, exact, rough)
    banks.phase[:] = phases
    banks.scale[:] = UNKNOWN
    banks.precision[:, :, layout.own] = 1.0
    return banks


def _cut(block: Floats, at: int, shapes: tuple[tuple[int, ...], ...]) -> list[Floats]:
    found = []
    for shape in shapes:
        size = int(np.prod(shape[1:]))
        found.append(block[:, at : at + size].reshape(shape))
        at += size
    return found
