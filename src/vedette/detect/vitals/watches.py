"""Every gauge beside its own past: a robust one-sided score that needs a rise to last; for many hosts at once.

The past of a gauge is kept as a sample of at most 28 values, thinned by two whenever it is full, until it spans
three days; then the oldest go. What is usual is its median and spread. A rise counts by

    z = (x - median) / s,   s = max((p90 - p10) / 2.56, 1.48 MAD, 0.05 |median|, floor) * (1 + 20 / n)
    u = max(0, min(smoothed z, max(z now, z before))),   0 where z now is below 2
    nats = 2.5 ln(1 + u^2 / 4)          (the tail of a Student t)

with n the smaller of snapshots and minutes seen: variety is learned by time, not by looking more often. The smoothing
goes by the minute (0.3 of the way in each, less for processor and disk), so that a spike of seconds is no fault at any push interval.
For the first five minutes after a boot no rise counts, and none is learned. Of a file system s is at least a twentieth of
the room that it usually has.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detect.magnitude import MOST
from vedette.detect.vitals.banks import cut
from vedette.detect.vitals.fields import name_fields
from vedette.detect.vitals.gauges import FLOORS, GAUGES, MOST_OF, PLACE_OF

__all__ = ["EXACT", "RISEN", "ROUGH", "WatchReading", "Watches", "learn_watches", "read_watches"]

Floats = NDArray[Any]

_G, _SAMPLE = len(GAUGES), 28
_SPAN_MINUTES = 3 * 1440.0
_CLIP = 20.0  # so that one snapshot, however wild, makes no alarm
RISEN = 2.0
"""The score of a look from which a gauge is high."""
_REFRESH = 8
_FROZEN_SHARE = 10
_BOOT_MINUTES = 5.0
# A restore or a release takes a part of a disk and stays: it is high by the room that it leaves, where there is much.
_FILES = PLACE_OF["system.filesystem.utilization"]
_ROOM = 0.05
_KEPT = 1.0 - np.array([gauge.pace for gauge in GAUGES])  # of the smoothed score, in a minute
_EXACT = ("minutes", "since")
_ROUGH = (
    "filled",
    "stride",
    "phase",
    "seen",
    "smooth",
    "before",
    "run",
    "frozen",
    "low",
    "median",
    "high",
    "spread",
)
EXACT, ROUGH = _G * len(_EXACT), _G * (len(_ROUGH) + _SAMPLE)
"""How many numbers a host has."""


class Watches:
    """Of H hosts and the G gauges, views of two blocks: `exact` float64 [H, ...] and `rough` float32 [H, ...].

    [H, G]: `minutes` and looks (`seen`) that were learned; `sample` [H, G, 28], of which `filled` are used, oldest first, and
    `stride` looks go to one; `run` counts looks since the gauge last was not high, `since` is when that began (Unix
    seconds, 0 when it is not high); `frozen` counts looks in alarm.
    """

    minutes: Floats
    since: Floats
    filled: Floats
    stride: Floats
    phase: Floats
    seen: Floats
    smooth: Floats
    before: Floats
    run: Floats
    frozen: Floats
    low: Floats
    median: Floats
    high: Floats
    spread: Floats

    def __init__(self, exact: Floats, rough: Floats) -> None:
        hosts = len(exact)
        small, self.sample = cut(rough, 0, ((hosts, len(_ROUGH), _G), (hosts, _G, _SAMPLE)))
        name_fields(self, exact, _EXACT)
        name_fields(self, small, _ROUGH)

    def begin(self) -> None:
        """Hosts that have seen nothing."""
        self.stride[:] = 1.0


class WatchReading(NamedTuple):
    """[H, G]: `z` of this look, `smooth` over the last minutes, and the resulting `nats`; zeros where nothing was sent."""

    z: Floats
    smooth: Floats
    nats: Floats


def read_watches(
    watches: Watches, values: Floats, minutes: Floats, booting: Floats
) -> WatchReading:
    """Scores `values` [H, G], NaN where not sent, taken `minutes` [H] after the ones before. Changes nothing.

    `booting` [H]: the machine came up less than five minutes ago.
    """
    here = ~np.isnan(values) & (watches.seen > 0.0)
    apart = _bounded(values, MOST) - watches.median
    known = np.maximum(np.minimum(watches.seen, watches.minutes), 0.05)
    usual = np.maximum(watches.spread, 0.05 * np.abs(watches.median))
    room = _ROOM * (1.0 - watches.median[:, _FILES])
    usual[:, _FILES] = np.maximum(usual[:, _FILES], room)
    scale = np.maximum(usual, FLOORS) * (1.0 + 20.0 / known)
    z = np.where(here, _bounded(apart / scale, _CLIP), 0.0)
    before = watches.smooth
    if np.count_nonzero(booting):
        z = np.where(booting[:, None], np.minimum(z, 0.0), z)
        before = np.where(booting[:, None], np.minimum(before, 0.0), before)
    weight = 1.0 - _KEPT ** np.minimum(1.0, minutes)[:, None]
    smooth = np.where(here, before + weight * (z - before), watches.smooth)
    # What is no longer high says nothing, though the minutes before still weigh.
    lasting = np.minimum(smooth, np.maximum(z, watches.before)) * (here & (z >= RISEN))
    lasting = np.maximum(0.0, lasting)
    return WatchReading(z, smooth, 2.5 * np.log1p(lasting * lasting / 4.0))


def learn_watches(
    watches: Watches,
    reading: WatchReading,
    values: Floats,
    *,
    minutes: Floats,
    at: Floats,
    alarms: Floats,
    booting: Floats,
) -> None:
    """Takes values into the past. In alarm only every tenth is taken: what stays becomes usual, ten times slower.

    A value out of bounds is not taken, whoever brings it.
    """
    here = ~np.isnan(values)
    np.copyto(watches.smooth, reading.smooth, where=here)
    np.copyto(watches.before, reading.z, where=here)
    _run(watches, here & (reading.z >= RISEN), here, at)
    with np.errstate(invalid="ignore"):
        taken = here & (values <= MOST_OF)
    if np.count_nonzero(alarms):
        watches.frozen += taken & alarms[:, None]
        taken &= ~(alarms[:, None] & (watches.frozen % _FROZEN_SHARE != 0))
    taken &= ~booting[:, None]
    watches.seen += taken
    watches.minutes += taken * minutes[:, None]
    _keep(watches, values, taken)
    often = (watches.seen <= 4 * _REFRESH) | (watches.seen % _REFRESH == 0)
    _refresh(watches, np.nonzero(taken & often))


def booting(up_minutes: Floats) -> Floats:
    """[H]: whether these machines came up too lately for a rise to count."""
    young: Floats = up_minutes < _BOOT_MINUTES
    return young


def _bounded(values: Floats, most: float) -> Floats:
    bounded: Floats = np.minimum(np.maximum(values, -most), most)
    return bounded


def _run(watches: Watches, risen: Floats, here: Floats, at: Floats) -> None:
    """Counts for how long what has risen is high; most of the time nothing has."""
    ends = ~(here & ~risen)
    watches.run *= ends
    watches.since *= ends
    if np.count_nonzero(risen):
        watches.run += risen
        np.copyto(watches.since, at[:, None], where=risen & (watches.since <= 0.0))


def _keep(watches: Watches, values: Floats, taken: Floats) -> None:
    watches.phase += taken
    due = taken & (watches.phase >= watches.stride)
    if not np.count_nonzero(due):
        return
    watches.phase *= ~due
    full = due & (watches.filled >= _SAMPLE)
    if np.count_nonzero(full):
        thin = np.nonzero(full & (watches.minutes < _SPAN_MINUTES))
        watches.sample[thin[0], thin[1], : _SAMPLE // 2] = watches.sample[thin][:, 1::2]
        watches.filled[thin] = _SAMPLE // 2
        watches.stride[thin] *= 2.0
        shift = np.nonzero(full & (watches.minutes >= _SPAN_MINUTES))
        watches.sample[shift[0], shift[1], :-1] = watches.sample[shift][:, 1:]
        watches.filled[shift] = _SAMPLE - 1
    place = np.nonzero(due)
    last = watches.filled[place].astype(np.intp)
    watches.sample[place[0], place[1], last] = values[place]
    watches.filled[place] += 1.0


def _refresh(watches: Watches, which: tuple[Any, ...]) -> None:
    if not len(which[0]):
        return
    filled = watches.filled[which].astype(np.intp)
    used = np.arange(_SAMPLE) < filled[:, None]
    values = np.where(used, watches.sample[which].astype(np.float64), np.inf)
    values.sort(axis=1)
    low, median, high = (_quantile(values, filled, share) for share in (0.1, 0.5, 0.9))
    away = np.where(used, np.abs(values - median[:, None]), np.inf)
    away.sort(axis=1)
    watches.low[which], watches.median[which], watches.high[which] = low, median, high
    deviation = _quantile(away, filled, 0.5)
    watches.spread[which] = np.maximum((high - low) / 2.56, 1.48 * deviation)


def _quantile(ordered: Floats, filled: Floats, share: float) -> Floats:
    at = share * (filled - 1)
    below = at.astype(np.intp)
    above = np.minimum(below + 1, filled - 1)
    row = np.arange(len(ordered))
    first, second = ordered[row, below], ordered[row, above]
    found: Floats = first + (at - below) * (second - first)
    return found
