"""All metrics at once: a causal filter bank, and in each band a forgetting, robust Mahalanobis distance.

Three bands between filters of half-lives 2 and 20: what moves fast, y_H = x - f_1, what moves over minutes,
y_M = f_1 - f_2, and where things stand, y_L = f_2. In each, mean and covariance are learned with a half-life of 4,320
looks, a look weighing less the stranger it is. The score is the sum of log distances and of a 20-look memory of the fast
band's surprise.

Many hosts with the same metrics are computed at once. No operation mixes hosts, so a host's numbers are the same in
every company. Time goes by the host's own spacing of looks (see `spacing`): `step` is how much of it has passed, 1 as a rule.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detect.vitals.banks import BANDS, Banks

__all__ = ["CHUNK", "REFRESH", "Reading", "learn_rows", "read_rows", "refresh", "shares"]

Floats = NDArray[Any]

CHUNK = 64
"""Hosts that are computed at once: what they hold fits a processor's cache."""
REFRESH = 30

_FILTERS = np.array([2.0, 20.0])
_SLOW, _MEMORY, _MEMORY_WEIGHT = 4320.0, 20.0, 2.0
_CLIP, _SHRINK, _FLOOR = 15.0, 0.003, 0.001
_YOUNG, _YOUNG_REFRESH, _JOIN = 300.0, 10, 60.0
_TENFOLD = 10.0  # a look may weigh so much more while the host is young
_SETTLED, _REACH = 30.0, 1000.0
_LEAST = np.float32(1e-9)


class Reading(NamedTuple):
    """What H rows say: `score` and `surprise` [H], `distance` and `logs` [H, band]; the rest serves learning.

    `filters` are those after the row, `apart` the distance of each band from its mean in the metrics' units and `z` the
    same in scales, clipped [H, band, D]; `here` [H, D] tells which metrics were sent.
    """

    score: Floats
    surprise: Floats
    distance: Floats
    logs: Floats
    filters: Floats
    apart: Floats
    z: Floats
    here: Floats
    step: Floats


def read_rows(banks: Banks, rows: Floats, step: Floats) -> Reading:
    """Scores one row for each host. `rows` float64 [H, D], NaN where a metric was not sent; `step` [H]. Changes nothing."""
    here = ~np.isnan(rows)
    values = np.where(here, rows, banks.filters[:, 0])
    filters = _filtered(banks, values, here, step)
    bands = np.stack((values - filters[:, 0], filters[:, 0] - filters[:, 1], filters[:, 1]), axis=1)
    known = here & (banks.age > 0.0)
    apart = (bands - banks.mean) * known[:, None, :]
    voice = np.minimum(1.0, banks.age / np.minimum(banks.units, _JOIN)[:, None].clip(1.0))
    z = np.clip(apart / banks.scale, -_CLIP, _CLIP) * voice[:, None, :]
    z = z.astype(np.float32)
    pairs = z[:, :, banks.layout.first] * z[:, :, banks.layout.second]
    pairs *= banks.precision
    # Each pair stands for (i, j) and (j, i); the diagonal is taken off again.
    own = (z * z * banks.precision[:, :, banks.layout.own]).sum(axis=2, dtype=np.float64)
    whole = 2.0 * pairs.sum(axis=2, dtype=np.float64) - own
    ramp = np.minimum(1.0, banks.units / _YOUNG)
    distance = np.maximum(whole, 0.0) * ramp[:, None]
    logs = np.log1p(distance)
    excess = np.maximum(logs[:, 0] - np.log1p(float(banks.layout.size)), 0.0)
    surprise = banks.surprise + _part(_MEMORY, step) * (excess - banks.surprise)
    score = logs.sum(axis=1) + _MEMORY_WEIGHT * surprise
    return Reading(score, surprise, distance, logs, filters, apart, z, here, step)


def learn_rows(banks: Banks, reading: Reading, pace: Floats) -> None:
    """Takes in the rows that were just read; `pace` [H] below 1 learns slower (an alarm)."""
    layout, step = banks.layout, reading.step
    settled = banks.units >= _SETTLED
    banks.filters[:] = reading.filters
    banks.surprise[:] = reading.surprise
    kind = np.where(banks.units < _YOUNG, _TENFOLD, 1.0)[:, None]
    weight = np.minimum(1.0, kind * max(layout.size, 1) / np.maximum(reading.distance, 1e-9))
    base = np.maximum(_part(_SLOW, step), step / (banks.units + 1.0 + step))
    rate = base[:, None] * weight * pace[:, None]
    most = np.where(settled[:, None, None], _REACH * banks.scale.astype(np.float64), np.inf)
    apart = np.clip(reading.apart, -most, most)
    level = banks.mean + apart
    banks.mean += rate[:, :, None] * apart
    _spread(banks, apart, rate, reading.here)
    here = reading.here[:, None, :]
    banks.low[:] = np.where(here, np.minimum(banks.low, level), banks.low)
    banks.high[:] = np.where(here, np.maximum(banks.high, level), banks.high)
    _seat_new(banks, reading)
    banks.units += step
    banks.looks += 1.0
    refresh(banks, _due(banks))


def shares(banks: Banks, reading: Reading) -> Floats:
    """Each metric's share of the score [H, D]: the drop of the distance if it took the mean that the others imply."""
    precision = banks.layout.square(banks.precision).astype(np.float64)
    pull = np.einsum("hbij,hbj->hbi", precision, reading.z.astype(np.float64))
    drop = pull**2 / np.maximum(banks.precision[:, :, banks.layout.own], _LEAST)
    drop /= np.maximum(drop.sum(axis=2, keepdims=True), 1e-12)
    weight = np.maximum(reading.logs - np.log1p(float(banks.layout.size)), 0.05)
    weight /= weight.sum(axis=1, keepdims=True)
    found: Floats = (weight[:, :, None] * drop).sum(axis=1)
    return found


def refresh(banks: Banks, which: Floats) -> None:
    """Scales and precisions of these hosts anew from what was learned; shrunk to no correlation while little is known."""
    if not len(which):
        return
    layout = banks.layout
    spread = layout.square(banks.spread[which]).astype(np.float64)
    width = banks.high[which].astype(np.float64) - banks.low[which]
    floor = _FLOOR * width + 0.1 * _FLOOR * np.abs(banks.filters[which, 1])[:, None, :] + 1e-6
    axis = np.arange(layout.size)
    scale = np.sqrt(spread[:, :, axis, axis] + floor**2)
    shrink = np.minimum(1.0, _SHRINK + 10.0 / (banks.units[which] + 20.0))[:, None, None, None]
    related = (1.0 - shrink) * spread / (scale[:, :, :, None] * scale[:, :, None, :])
    related[:, :, axis, axis] = 1.0
    banks.precision[which] = layout.packed(np.linalg.inv(related))
    banks.scale[which] = scale


def _filtered(banks: Banks, values: Floats, here: Floats, step: Floats) -> Floats:
    """The filters after these values; a metric's first value is where they begin."""
    seen = np.minimum(banks.age, banks.units[:, None])
    start = step[:, None] / np.maximum(seen + step[:, None], 1e-9)
    part = np.maximum(_part(_FILTERS[None, :], step[:, None])[:, :, None], start[:, None, :])
    part = np.where((banks.age > 0.0)[:, None, :], part, 1.0) * here[:, None, :]
    moved: Floats = banks.filters + part * (values[:, None, :] - banks.filters)
    return moved


def _spread(banks: Banks, apart: Floats, rate: Floats, here: Floats) -> None:
    layout = banks.layout
    small = apart.astype(np.float32)
    pairs = small[:, :, layout.first] * small[:, :, layout.second]
    part = rate.astype(np.float32)[:, :, None]
    pairs *= part
    pairs += banks.spread
    # What was not sent says nothing about its spread either.
    if here.all():
        pairs *= 1.0 - part
        banks.spread[:] = pairs
        return
    both = (here[:, layout.first] & here[:, layout.second])[:, None, :]
    np.copyto(banks.spread, pairs * (1.0 - part), where=both)


def _seat_new(banks: Banks, reading: Reading) -> None:
    new = reading.here & (banks.age <= 0.0)
    if new.any():
        level = reading.filters[:, 1]
        banks.mean[:, BANDS - 1][new] = level[new]
        for edge in (banks.low, banks.high):
            edge[:, BANDS - 1][new] = level[new]
    banks.age += reading.here * reading.step[:, None]


def _due(banks: Banks) -> Floats:
    looks, every = banks.looks, np.where(banks.units < _YOUNG, _YOUNG_REFRESH, REFRESH)
    due: Floats = np.flatnonzero((looks + banks.phase) % every == 0)
    return due


def _part(half_life: Any, step: Floats) -> Floats:
    """The share of the way that is gone in `step`."""
    part: Floats = 1.0 - 0.5 ** (step / half_life)
    return part
