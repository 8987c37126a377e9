"""All metrics at once: a causal filter bank, and in each band a forgetting, robust Mahalanobis distance.

Three bands between filters of half-lives 2 and 20: what moves fast, y_H = x - f_1, what moves over minutes,
y_M = f_1 - f_2, and where things stand, y_L = f_2. In each, mean and covariance are learned with a half-life of 4,320
looks, a look weighing less the stranger it is. The score is the sum of log distances and of a 20-look memory of the fast
band's surprise.

Many hosts with the same metrics are computed at once. No operation mixes hosts, so a host's numbers are the same in
every company. Time goes by the host's own looks (see `tempo`).

A metric that was not sent leaves its filters, mean and spread alone. One that is new joins cold and gains its voice over
60 looks, and so does one that comes again after a day. After a boot levels begin anew (caches are cold, counters at
zero) while what is known of spreads stays; for ten looks the bank says nothing. One value, however large, or two, move a
filter by no more than 100 scales would, mean and spread by no more than 1,000; from the third on it is where the metric stands.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detect.vitals.banks import BANDS, Banks
from vedette.detect.vitals.tempo import Tempo

__all__ = ["CHUNK", "REFRESH", "Reading", "learn_rows", "level", "read_rows", "refresh", "shares"]

Floats = NDArray[Any]

CHUNK = 64
"""Hosts that are computed at once: what they hold fits a processor's cache."""
REFRESH = 30
_NEAR = 16  # hosts whose squares of numbers stay near the processor between two operations

_FILTERS = np.array([2.0, 20.0])
_SLOW, _MEMORY, _MEMORY_WEIGHT = 4320.0, 20.0, 2.0
_CLIP, _SHRINK, _FLOOR = 15.0, 0.003, 0.001
_YOUNG, _YOUNG_REFRESH, _JOIN = 300.0, 10, 60.0
_TENFOLD = 10.0  # a look may weigh so much more while the host is young
_SETTLED = 30.0
_REACH, _FAR = 1000.0, 100.0  # scales: that one value moves a mean or a spread by, and a filter
_FAR_LOOKS = 2  # after so many in a row what lies beyond is where the metric now stands
_QUIET_UP, _YOUNG_UP = (
    10.0,
    30.0,
)  # units since a boot: without a voice; learning levels whatever they are
_AWAY = 1440.0  # units; what was not sent for so long begins anew
_LEAST = np.float32(1e-9)


class Reading(NamedTuple):
    """What H rows say: `score` and `surprise` [H], `distance` and `logs` [H, band]; the rest serves learning.

    `filters` are those after the row, `apart` the distance of each band from its mean in the metrics' units and `z` the
    same in scales, clipped [H, band, D]; `here` [H, D] tells which metrics were sent, `far` [H, D] for how many looks in a
    row they were beyond reach; `up` [H] is the units since a boot.
    """

    score: Floats
    surprise: Floats
    distance: Floats
    logs: Floats
    filters: Floats
    apart: Floats
    z: Floats
    here: Floats
    far: Floats
    up: Floats


def read_rows(banks: Banks, rows: Floats, time: Tempo) -> Reading:
    """Scores one row for each host: `rows` float64 [H, D], NaN where a metric was not sent. Changes nothing."""
    here = ~np.isnan(rows)
    values = np.where(here, rows, banks.filters[:, 0])
    reach = np.where((banks.units >= _SETTLED)[:, None], _FAR * banks.scale[:, 0], np.inf)
    off = values - banks.filters[:, 0]
    far = np.where(np.abs(off) > reach, banks.far + here, np.where(here, 0.0, banks.far))
    reach = np.where((far > _FAR_LOOKS) | time.booted[:, None], np.inf, reach)
    up = np.where(time.booted, 0.0, banks.up + time.look)
    near = banks.filters[:, 0] + np.clip(off, -reach, reach)
    filters = _filtered(banks, near, here, time, np.minimum(banks.age, up[:, None]))
    bands = np.stack((values - filters[:, 0], filters[:, 0] - filters[:, 1], filters[:, 1]), axis=1)
    known = here & (banks.age > 0.0)
    apart = (bands - banks.mean) * known[:, None, :]
    voice = np.minimum(1.0, banks.age / np.minimum(banks.units, _JOIN)[:, None].clip(1.0))
    z = np.clip(apart / banks.scale, -_CLIP, _CLIP) * voice[:, None, :]
    z = z.astype(np.float32)
    ramp = np.minimum(1.0, banks.units / _YOUNG) * (up >= _QUIET_UP)
    distance = _distance(banks, z, banks.age * ~here) * ramp[:, None]
    logs = np.log1p(distance)
    excess = np.maximum(logs[:, 0] - np.log1p(float(banks.layout.size)), 0.0)
    surprise = banks.surprise + _part(_MEMORY, time.look) * (excess - banks.surprise)
    score = logs.sum(axis=1) + _MEMORY_WEIGHT * surprise
    return Reading(score, surprise, distance, logs, filters, apart, z, here, far, up)


def learn_rows(banks: Banks, reading: Reading, time: Tempo, pace: Floats) -> None:
    """Takes in the rows that were just read; `pace` [H] below 1 learns slower (an alarm)."""
    look, here = time.look, reading.here
    banks.filters[:], banks.surprise[:] = reading.filters, reading.surprise
    banks.up[:], banks.far[:] = reading.up, reading.far
    kind = np.where(banks.units < _YOUNG, _TENFOLD, 1.0)[:, None]
    known = max(banks.layout.size, 1)
    weight = np.minimum(1.0, kind * known / np.maximum(reading.distance, 1e-9)) * pace[:, None]
    apart = _within_reach(banks, reading)
    reached = (banks.mean + apart).astype(np.float32)
    began = np.minimum(banks.age, banks.units[:, None])
    rate = _rate(look[:, None], began)[:, None, :] * weight[:, :, None]
    begun = _rate(look[:, None], np.minimum(began, reading.up[:, None]))
    rate[:, -1] = begun * np.where(reading.up < _YOUNG_UP, 1.0, weight[:, -1])[:, None]
    banks.mean += rate * apart
    _learn_spread(banks, apart, weight * (reading.up >= _QUIET_UP)[:, None], here, look)
    sent = here[:, None, :]
    np.copyto(banks.low, np.minimum(banks.low, reached), where=sent)
    np.copyto(banks.high, np.maximum(banks.high, reached), where=sent)
    _begin(banks, reading, time)
    banks.units += look
    banks.looks += 1.0
    banks.spacing[:] = time.spacing
    refresh(banks, _due(banks))


def level(banks: Banks) -> Floats:
    """float64 [H]: what the score is by the number of metrics alone, where nothing is strange."""
    return np.full(len(banks.units), BANDS * np.log1p(float(banks.layout.size)))


def shares(banks: Banks, reading: Reading) -> Floats:
    """Each metric's share of the score [H, D]: the drop of the distance if it took the mean that the others imply."""
    pull = np.einsum("hbij,hbj->hbi", banks.precision(), reading.z.astype(np.float64))
    drop = pull**2 / np.maximum(banks.corner, _LEAST)
    drop /= np.maximum(drop.sum(axis=2, keepdims=True), 1e-12)
    weight = np.maximum(reading.logs - np.log1p(float(banks.layout.size)), 0.05)
    weight /= weight.sum(axis=1, keepdims=True)
    found: Floats = (weight[:, :, None] * drop).sum(axis=1)
    return found


def refresh(banks: Banks, which: Floats) -> None:
    """Scales and precisions of these hosts anew from what was learned; shrunk to no correlation while little is known."""
    if not len(which):
        return
    spread = banks.covariance(which)
    width = banks.high[which].astype(np.float64) - banks.low[which]
    floor = _FLOOR * width + 0.1 * _FLOOR * np.abs(banks.filters[which, 1])[:, None, :] + 1e-6
    own = banks.layout.own
    scale = np.sqrt(spread[:, :, own, own] + floor**2)
    coupled = banks.age[which] > 0.0
    shrink = np.minimum(1.0, _SHRINK + 10.0 / (banks.units[which] + 20.0))[:, None, None]
    shrink = np.where(coupled[:, :, None] & coupled[:, None, :], shrink, 1.0)[:, None]
    related = (1.0 - shrink) * spread / (scale[:, :, :, None] * scale[:, :, None, :])
    related[:, :, own, own] = 1.0
    banks.keep(which, spread, np.linalg.inv(related))
    banks.scale[which] = scale


def _filtered(banks: Banks, values: Floats, here: Floats, time: Tempo, age: Floats) -> Floats:
    """The filters after these values; a metric's first value is where they begin, and its first after a boot."""
    look = time.look[:, None]
    start = np.where(age > 0.0, look / np.maximum(age + look, 1e-9), 1.0)
    part = np.maximum(_part(_FILTERS[None, :], time.span[:, None])[:, :, None], start[:, None, :])
    moved: Floats = banks.filters + part * here[:, None, :] * (values[:, None, :] - banks.filters)
    return moved


def _distance(banks: Banks, z: Floats, missing: Floats) -> Floats:
    """[H, band]: z' P z; of a symmetric matrix the lower triangle is enough.

    `missing` [H, D] is not 0 where a known metric was not sent: it takes the value that the others imply.
    """
    lower = banks.pairs * banks.layout.lower
    across = np.matmul(lower, z[:, :, :, None])[:, :, :, 0] * z
    along = z * z * banks.corner
    distance: Floats = 2.0 * across.sum(axis=2, dtype=np.float64) + along.sum(
        axis=2, dtype=np.float64
    )
    for host in np.flatnonzero(missing.any(axis=1)):
        gone = np.flatnonzero(missing[host])
        precision = banks.precision(host)
        pull = np.einsum("bij,bj->bi", precision[:, gone], z[host].astype(np.float64))
        among = precision[:, gone[:, None], gone]
        implied = np.linalg.solve(among, pull[:, :, None])[:, :, 0]
        distance[host] -= (pull * implied).sum(axis=1)
    return np.maximum(distance, 0.0)


def _within_reach(banks: Banks, reading: Reading) -> Floats:
    most = _REACH * banks.scale.astype(np.float64) + np.abs(banks.filters[:, 1])[:, None] * 100.0
    free = (banks.units < _SETTLED)[:, None] | (reading.far > _FAR_LOOKS)
    most = np.where(free[:, None, :], np.inf, most + 1.0)
    within: Floats = np.clip(reading.apart, -most, most)
    return within


def _learn_spread(banks: Banks, apart: Floats, weight: Floats, here: Floats, look: Floats) -> None:
    part = (_rate(look, banks.units)[:, None] * weight).astype(np.float32)[:, :, None]
    late = np.flatnonzero((here & (banks.age + 1.0 < banks.units[:, None])).any(axis=1))
    if len(late):
        # A pair of metrics is as old as the younger of them.
        age = np.minimum(banks.age[late], banks.units[late, None])
        age = np.minimum(age[:, :, None], age[:, None, :]).reshape(len(late), -1)
        part = np.repeat(part, banks.layout.upper.size, axis=2)
        part[late] = _rate(look[late, None], age)[:, None] * weight[late, :, None]
    if not here.all():
        # What was not sent says nothing of its spread either.
        part = part * (here[:, :, None] & here[:, None, :]).reshape(len(here), 1, -1)
    small = apart.astype(np.float32)
    for at in range(0, len(small), _NEAR):
        _grow(banks, slice(at, at + _NEAR), small[at : at + _NEAR], part[at : at + _NEAR])


def _grow(banks: Banks, some: slice, apart: Floats, part: Floats) -> None:
    """C becomes (1 - part) (C + part apart apart') in the upper triangle, where C is."""
    part = part * banks.layout.upper.reshape(-1)
    grown = (apart[:, :, :, None] * apart[:, :, None, :]).reshape(*apart.shape[:2], -1)
    grown *= part
    pairs = banks.pairs[some].reshape(grown.shape)
    grown += pairs
    np.subtract(np.float32(1.0), part, out=part)
    np.multiply(grown, part, out=pairs)


def _begin(banks: Banks, reading: Reading, time: Tempo) -> None:
    """Levels of what is new, or new after a boot, are where it stands now."""
    new = reading.here & ((banks.age <= 0.0) | time.booted[:, None])
    if new.any():
        stands = reading.filters[:, 1]
        banks.mean[:, BANDS - 1][new] = stands[new]
        for edge in (banks.low, banks.high):
            edge[:, BANDS - 1][new] = stands[new]
    banks.absent[:] = np.where(reading.here, 0.0, banks.absent + time.look[:, None])
    aged = banks.age + reading.here * time.look[:, None]
    banks.age[:] = np.where(banks.absent > _AWAY, 0.0, aged)


def _due(banks: Banks) -> Floats:
    looks, every = banks.looks, np.where(banks.units < _YOUNG, _YOUNG_REFRESH, REFRESH)
    due: Floats = np.flatnonzero((looks + banks.phase) % every == 0)
    return due


def _rate(look: Floats, age: Floats) -> Floats:
    """How much of a look is learned by what is `age` units old."""
    rate: Floats = np.maximum(_part(_SLOW, look), look / (age + 1.0 + look))
    return rate


def _part(half_life: Any, step: Floats) -> Floats:
    """The share of the way that is gone in `step`."""
    part: Floats = 1.0 - 0.5 ** (step / half_life)
    return part
