"""Whether what was learned of metrics is numbers that can be gone on with, and what is left of it when some are not.

Sums and squares of values inside the bound of magnitude stay far below the limits here. Beyond are only states that
were learned before there was a bound, or damaged ones. One metric's bad number costs that metric alone.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.detect.vitals.bank import Bank, fresh_bank, only
from vedette.detect.vitals.tail import BYTES, Tail
from vedette.detect.vitals.watch import Watch

__all__ = ["Mended", "is_sound_tail", "is_sound_watch", "mend_bank"]

_LEVEL, _SQUARE = 1e16, 1e32


@dataclass(frozen=True)
class Mended:
    """The bank without what could not be used, and the names of those metrics."""

    bank: Bank
    lost: tuple[str, ...] = ()


def is_sound_watch(watch: Watch) -> bool:
    """Whether a gauge's past holds usable numbers only."""
    kept = (watch.smooth, watch.before, watch.since, watch.minutes)
    learned = (watch.median, watch.low, watch.high, watch.spread)
    return all(abs(value) <= _LEVEL for value in (*kept, *learned)) and bool(
        _within(np.frombuffer(watch.sample, np.float32), _LEVEL).all()
    )


def is_sound_tail(tail: Tail) -> bool:
    """Whether the histogram is whole and finite."""
    if len(tail.bins) != BYTES or not (isfinite(tail.weight) and isfinite(tail.minutes)):
        return False
    return bool(np.isfinite(np.frombuffer(tail.bins, np.float32)).all())


def mend_bank(bank: Bank) -> Mended:
    """The bank itself when it is sound; else one without the metrics that are not (all of them, if need be)."""
    good = _within(bank.age, _LEVEL)
    for vectors in (bank.filters, bank.mean, bank.range.reshape(4, -1)):
        good &= _within(vectors, _LEVEL).all(axis=0)
    good &= _within(np.diagonal(bank.spread, axis1=1, axis2=2), _SQUARE).all(axis=0)
    kept = np.flatnonzero(good)
    pairs = bank.spread[:, kept[:, None], kept[None, :]]
    if not (_within(pairs, _SQUARE).all() and isfinite(bank.surprise)):
        return Mended(fresh_bank(), tuple(bank.names))
    if good.all() and np.isfinite(bank.scale).all() and np.isfinite(bank.precision).all():
        return Mended(bank)
    names = tuple(name for name, whole in zip(bank.names, good, strict=True) if not whole)
    return Mended(only(bank, kept), names or tuple(bank.names))


def _within(values: NDArray[Any], most: float) -> NDArray[Any]:
    within: NDArray[Any] = np.abs(values) <= most
    return within
