"""Which metrics the bank takes of a host, and what becomes of what it knows when they change.

The state and its cost grow with the square of the metrics, so the bank takes 64 of a host: those that came first, and
of those that came together the reviewed gauges, then by name. They keep their seats, so a host that sends thousands of
names, or new ones each time, makes nothing grow and pushes nothing out; only where none is free does a newcomer take one
that was empty for a week. A name of more than 256 letters gets no seat.
"""

from collections.abc import Collection
from collections.abc import Set as AbstractSet

import numpy as np

from vedette.detect.vitals.bands import refresh
from vedette.detect.vitals.banks import UNKNOWN, Banks, fresh_banks
from vedette.detect.vitals.gauges import PLACE_OF
from vedette.detect.vitals.layout import layout_of

__all__ = ["SEATS", "reseat", "strangers", "with_strangers"]

SEATS = 64
_LONGEST_NAME = 256
_EMPTY = 10_080.0  # units


def strangers(banks: Banks, metrics: AbstractSet[str]) -> list[str]:
    """Metrics that were sent and have no seat, those first that come before others."""
    new = metrics - banks.layout.familiar
    fitting = [name for name in new if len(name) <= _LONGEST_NAME]
    return sorted(fitting, key=lambda name: (name not in PLACE_OF, name))


def with_strangers(banks: Banks, new: Collection[str]) -> Banks:
    """One host's bank with as many of these as find a seat; the bank itself where none does."""
    kept = list(banks.layout.names)
    missing = len(kept) + len(new) - SEATS
    if missing > 0:
        empty = sorted(
            (-float(banks.absent[0, banks.layout.seat[name]]), name)
            for name in kept
            if banks.absent[0, banks.layout.seat[name]] > _EMPTY
        )
        gone = {name for _, name in empty[:missing]}
        kept = [name for name in kept if name not in gone]
    taken = list(new)[: SEATS - len(kept)]
    return reseat(banks, [*kept, *taken]) if taken else banks


def reseat(banks: Banks, names: Collection[str]) -> Banks:
    """One host's bank with these metrics: those it knew as they were, the others cold."""
    old, layout = banks.layout, layout_of(tuple(sorted(names)))
    moved = fresh_banks(layout, banks.phase)
    for field in ("units", "looks", "surprise", "spacing", "boot", "up"):
        getattr(moved, field)[:] = getattr(banks, field)
    shared = [name for name in layout.names if name in old.seat]
    there = np.array([layout.seat[name] for name in shared], np.intp)
    here = np.array([old.seat[name] for name in shared], np.intp)
    for field in ("filters", "mean", "scale", "low", "high", "age", "absent", "far"):
        getattr(moved, field)[..., there] = getattr(banks, field)[..., here]
    square, known = layout.square(moved.spread), old.square(banks.spread)
    square[..., there[:, None], there] = known[..., here[:, None], here]
    moved.spread[:] = square[..., layout.first, layout.second]
    refresh(moved, np.arange(1))
    moved.scale[:] = np.where((moved.age <= 0.0)[:, None, None], UNKNOWN, moved.scale)
    return moved
