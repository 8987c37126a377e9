"""Whether what was learned of metrics is numbers that can be gone on with, and what is left of it when some are not.

Sums and squares of values inside the bound of magnitude stay far below the limits here. Beyond are only states that
were learned before there was a bound, or damaged ones. One metric's bad number costs that metric alone.
"""

from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.detect.rarity import FleetTail, Rarity
from vedette.detect.vitals.anchors import Anchors
from vedette.detect.vitals.bands import refresh
from vedette.detect.vitals.banks import Banks, fresh_banks
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.past import VitalsState
from vedette.detect.vitals.seats import reseat
from vedette.detect.vitals.watches import Watches

__all__ = ["TOGETHER", "is_plainly_sound", "is_sound", "mended"]

TOGETHER, PACE = "the metrics together", "the pace of metrics"
TRAFFIC = "the least traffic"
_LEVEL, _SQUARE = 1e17, 1e32


def is_plainly_sound(exact: NDArray[Any], rough: NDArray[Any]) -> bool:
    """Whether one host's numbers are sound beyond doubt: its cost is that of two products."""
    with np.errstate(all="ignore"):
        return bool(exact.dot(exact) < _SQUARE and isfinite(np.add.reduce(rough)))


def is_sound(exact: NDArray[Any], rough: NDArray[Any]) -> bool:
    """Whether all numbers are finite, and the exact ones within bounds. A quick look; `mended` takes a closer one."""
    return bool(
        np.maximum.reduce(exact, axis=None, initial=0.0) < _LEVEL
        and np.minimum.reduce(exact, axis=None, initial=0.0) > -_LEVEL
        and np.isfinite(np.add.reduce(rough, axis=None))
    )


def mended(state: VitalsState, fleet: FleetTail) -> VitalsState:
    """The state without what can't be gone on with; `lost` names that."""
    past = state.past()
    lost = {*state.lost, *_mend_watches(past.watches)}
    if not _within(past.fast.block, _LEVEL).all():
        past.fast.block[:] = 0.0
        lost.add(PACE)
    if not _within(past.stalls.block, _LEVEL).all():
        past.stalls.block[:] = 0.0
        lost.add(TRAFFIC)
    if not past.rarity.sound()[0]:
        fresh = Rarity.fresh(1, fleet)
        past.rarity.exact[:], past.rarity.rough[:] = fresh.exact, fresh.rough
        lost.add(TOGETHER)
    lost.update(_mend_anchors(past.anchors))
    banks, gone = _mend_bank(past.banks)
    lost.update(gone)
    return past.with_banks(banks).state(0, worked=state.worked, lost=sorted(lost))


def _mend_watches(watches: Watches) -> list[str]:
    broken = np.zeros(len(GAUGES), np.bool_)
    for field in vars(watches).values():
        within = (np.abs(field[0]) <= _LEVEL).reshape(len(GAUGES), -1)
        broken |= ~within.all(axis=1)
    broken |= (watches.filled[0] < 0) | (watches.filled[0] > watches.sample.shape[2])
    for field in vars(watches).values():
        field[0][broken] = 0.0
    watches.stride[0][broken] = 1.0
    return [gauge.metric for gauge, bad in zip(GAUGES, broken, strict=True) if bad]


def _mend_anchors(anchors: Anchors) -> list[str]:
    fields = list(vars(anchors).values())
    broken = ~np.all([_within(field[0], _LEVEL) for field in fields], axis=0)
    broken |= (anchors.apart[0] < 0.0) | (anchors.minutes[0] < 0.0)
    for field in fields:
        field[0][broken] = 0.0
    return [gauge.metric for gauge, bad in zip(GAUGES, broken, strict=True) if bad]


def _mend_bank(banks: Banks) -> tuple[Banks, list[str]]:
    names = banks.layout.names
    scalars = (banks.units, banks.looks, banks.surprise, banks.phase, banks.spacing, banks.boot)
    good = np.ones(len(names), np.bool_)
    for field in (banks.age, banks.absent, banks.far):
        good &= _within(field[0], _LEVEL)
    for field in (banks.filters, banks.mean, banks.low, banks.high):
        within = _within(field[0], _LEVEL)
        good &= within.all(axis=tuple(range(within.ndim - 1)))
    variance = banks.spread[0][..., banks.layout.diagonal]
    good &= (_within(variance, _SQUARE) & (variance >= 0.0)).all(axis=(0, 1))
    kept = [name for name, whole in zip(names, good, strict=True) if whole]
    whole = banks if good.all() else reseat(banks, kept)
    scalars_hold = all(_within(one, _LEVEL).all() for one in (*scalars, banks.up))
    if not (scalars_hold and _within(whole.spread, _SQUARE).all() and (banks.units >= 0.0).all()):
        return fresh_banks(banks.layout, np.zeros(1)), [TOGETHER]
    if not _within(whole.scale, _SQUARE).all():
        refresh(whole, np.arange(1))
        return whole, [TOGETHER]
    return whole, [name for name, fine in zip(names, good, strict=True) if not fine]


def _within(values: NDArray[Any], most: float) -> NDArray[np.bool_]:
    within: NDArray[np.bool_] = np.abs(values) <= most
    return within
