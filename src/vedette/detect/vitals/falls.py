"""Falls to where a host never was: connections to nearly none, a file system to much less than it ever held.

A streak is the looks in a row below the lowest usual value; high is the most of them, and

    v = (bottom - high) / max(unit of the gauge (1 + 20 / n), share bottom, (middle - bottom) / 5)
    nats = 2.5 ln(1 + v^2 / 4)

Connections count from the third look (a restart has one or two), a file system from the second. Both must fall at once,
within two looks, as what dies or is deleted does and what an evening brings does not; and the past has to be two hours long.
A file system of which more than half is left is taken as cleaned up where somebody is seen who may have done it: nothing is said while it
falls, and where it comes to rest is what is usual from then on. What is deleted within half an hour counts as one fall.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detect.vitals.fields import name_fields, take_in
from vedette.detect.vitals.gauges import PLACE_OF

__all__ = [
    "FALLEN",
    "FALL_ATTACK",
    "FALL_SIZE",
    "FallReading",
    "Falls",
    "learn_falls",
    "read_falls",
    "shallow",
]

Floats = NDArray[Any]


class _Falling(NamedTuple):
    metric: str
    unit: float
    share: float
    left: float  # at most this share of what was there before
    patience: float
    attack: str


_KINDS = (
    _Falling("system.network.connections.established", 0.6, 0.1, 0.25, 3.0, "T1489"),
    _Falling("system.filesystem.utilization", 0.015, 0.0, 0.8, 2.0, "T1485"),
)
FALLEN = np.array([PLACE_OF[kind.metric] for kind in _KINDS])
"""The places of these gauges among all; the order is that of the state's arrays."""
FALL_ATTACK = tuple(kind.attack for kind in _KINDS)
"""What an intruder would do by it: a service stopped, data destroyed."""
_UNITS, _SHARES, _LEFT, _PATIENCE = (
    np.array([float(kind[at]) for kind in _KINDS]) for at in (1, 2, 3, 4)
)
_FIELDS = ("seen", "minutes", "bottom", "middle", "high", "count", "before", "last", "told")
FALL_SIZE = len(_FIELDS) * len(_KINDS)
"""How many numbers a host has."""

_LONG = 120.0  # minutes
_TAKEN, _CREEP, _FORGET = 0.5, 0.02, 0.0002
_MIDDLE = 0.02
_SPREAD = 0.2
_ALARM_PACE = 0.1
_SETTLED = 4
_FILES = next(at for at, kind in enumerate(_KINDS) if kind.attack == "T1485")
_HALF, _JUST = 0.5, 2.0  # of what was there; looks since it fell
_OVER = 30.0  # looks after which a clean-up may be over


class Falls:
    """Of H hosts, views of a block [H, `FALL_SIZE`]; each field [H, 2].

    `bottom` is the lowest usual value and `middle` what is usual; `high` and `count` are of the present streak (`count` is below zero while
    it is taken as a clean-up), `before` is the value before it began; `last` the value before, `minutes` how long the past is, `told` and
    `seen` as of `Trends`.
    """

    seen: Floats
    minutes: Floats
    bottom: Floats
    middle: Floats
    high: Floats
    count: Floats
    before: Floats
    last: Floats
    told: Floats

    def __init__(self, block: Floats) -> None:
        name_fields(self, block, _FIELDS)


class FallReading(NamedTuple):
    """[H, 2]: `values`, the streak with this look (`high`, `looks`, the value `before` it), and the `nats`.

    `cleared` tells whether the streak is taken as a clean-up still.
    """

    values: Floats
    high: Floats
    looks: Floats
    before: Floats
    nats: Floats
    cleared: Floats


def read_falls(falls: Falls, values: Floats, counts: Floats, booting: Floats) -> FallReading:
    """Scores `values` [H, 2], NaN where not sent. Changes nothing. `counts` as `read_trends` has it."""
    below = (values < falls.bottom) & (falls.seen >= _SETTLED) & ~booting[:, None]
    count = np.where(below, np.abs(falls.count) + 1.0, 0.0)
    before = np.where(count > 1.0, falls.before, falls.last)
    begun = below & (falls.count < 0.0)
    cleared = begun & (values > _HALF * before)
    # The first look may have seen half of the fall, and of a clean-up that went too far the last one says how far.
    deep = np.where((count > 2.0) & ~begun, np.maximum(falls.high, values), values)
    unit = np.maximum(_UNITS * (1.0 + 20.0 / np.maximum(falls.seen, 1.0)), _SHARES * falls.bottom)
    unit = np.maximum(unit, _SPREAD * (falls.middle - falls.bottom))
    v = np.maximum(falls.bottom - deep, 0.0) / unit
    speaks = below & (count >= _PATIENCE) & (falls.minutes >= _LONG) & (deep <= _LEFT * before)
    nats = np.where(speaks & ~cleared, 2.5 * np.log1p(v * v / 4.0), 0.0)
    told = np.where(counts[:, None], nats, falls.told)
    return FallReading(values, deep, count, before, told, cleared)


def shallow(reading: FallReading) -> Floats:
    """[H]: whether a file system has just fallen, and by less than half: a clean-up may do that."""
    values, before = reading.values[:, _FILES], reading.before[:, _FILES]
    begun = (reading.looks[:, _FILES] > 0.0) & (reading.looks[:, _FILES] <= _JUST)
    with np.errstate(invalid="ignore"):
        fallen: Floats = begun & (values > _HALF * before) & (values < before - _UNITS[_FILES])
    return fallen


def learn_falls(
    falls: Falls,
    reading: FallReading,
    counts: Floats,
    alarms: Floats,
    booting: Floats,
    minutes: Floats,
    cleared: Floats | None = None,
) -> None:
    """Takes in what was just read, as `learn_trends` does; `minutes` [H] have passed since the look before that counted.

    `cleared` [H] are hosts whose file system is taken as cleaned up; None is no host.
    """
    x = reading.values
    here = ~np.isnan(x) & counts[:, None]
    pace = np.where(alarms, _ALARM_PACE, 1.0)[:, None]
    first = here & (falls.seen <= 0.0)
    young = here & (falls.seen < _SETTLED) & (x < falls.bottom)
    bottom = np.where(first | young, x, falls.bottom)
    middle = np.where(first, x, falls.middle)
    ended = (reading.looks <= 0.0) & (falls.count > 0.0)
    bottom = bottom - ended * _TAKEN * pace * np.maximum(bottom - falls.high, 0.0)
    bottom = bottom + np.where(x < bottom, _CREEP * pace, _FORGET) * (x - bottom)
    quiet = booting[:, None] & ~first
    meant = reading.cleared.copy()
    if cleared is not None:
        meant[:, _FILES] |= cleared
    # A clean-up is over when nothing more goes, and not before: who goes on after a look's rest has not done.
    rests = reading.cleared & (reading.looks >= _OVER) & (x > falls.last - _UNITS)
    moved = np.where(rests, x - falls.bottom, 0.0)
    count = np.minimum(reading.looks, 1e6)
    after = {
        "bottom": np.where(quiet | meant, falls.bottom + moved, bottom),
        "middle": np.where(quiet, falls.middle, middle + _MIDDLE * pace * (x - middle)) + moved,
        "high": reading.high,
        "count": np.where(rests, 0.0, np.where(meant, -count, count)),
        "before": reading.before,
        "last": x,
        "told": reading.nats,
        "minutes": np.minimum(falls.minutes + minutes[:, None], 1e6),
        "seen": np.minimum(falls.seen + 1.0, 1e6),
    }
    take_in(falls, after, here)
