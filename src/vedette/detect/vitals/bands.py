"""All metrics at once: a causal filter bank, and in each band forgetting, robust Mahalanobis distances.

Two bands by filters of half-lives 1 and 20: what moves fast, y_H = x - f_1, and where things stand, y_L = f_2. Each has
two models, of half-lives 720 and 14,400 looks: what is usual of late, and at all. A model learns mean and covariance, a
look weighing less the stranger it is. Its distance falls in two parts, by the spectrum of the correlations: along
directions that many metrics share (Hotelling's T^2) and along the rest (SPE, the squared prediction error). Logs of both
are summed, and a 20-look memory of the fast band's surprise is added.

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
REFRESH = 60
_NEAR = 16  # hosts whose squares of numbers stay near the processor between two operations

_FILTERS = np.array([1.0, 20.0])
_SLOW = np.array([720.0, 14_400.0])
_MEMORY, _BAND_WEIGHT, _MEMORY_WEIGHT = 20.0, 1.5, 8.0
_CLIP, _SHRINK, _FLOOR = 15.0, 0.05, 0.001
_COMMON, _SHARP = (
    2.5,
    4.0,
)  # the eigenvalue that is half common, and how sharply those beside it are told apart
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


class Reading(NamedTuple):
    """What H rows say: `score` and `surprise` [H], `logs` [H, band]; the rest serves learning.

    `filters` are those after the row. Of each model, [H, band, memory, ...]: its `distance`, how far `apart` from its mean the
    row is in the metrics' units and `z` the same in scales, clipped [D]. `here` [H, D] tells which metrics were sent, `far`
    [H, D] for how many looks in a row they were beyond reach; `up` [H] is the units since a boot.
    """

    score: Floats
    surprise: Floats
    logs: Floats
    filters: Floats
    distance: Floats
    apart: Floats
    z: Floats
    here: Floats
    far: Floats
    up: Floats


def read_rows(banks: Banks, rows: Floats, time: Tempo) -> Reading:
    """Scores one row for each host: `rows` float64 [H, D], NaN where a metric was not sent. Changes nothing."""
    here = ~np.isnan(rows)
    values = np.where(here, rows, banks.filters[:, 0])
    up = np.where(time.booted, 0.0, banks.up + time.look)
    near, far = _near(banks, values, here, time)
    filters = _filtered(banks, near, here, time, np.minimum(banks.age, up[:, None]))
    bands = np.stack((values - filters[:, 0], filters[:, 1]), axis=1)
    known = here & (banks.age > 0.0)
    apart = (bands[:, :, None] - banks.mean) * known[:, None, None]
    voice = np.minimum(1.0, banks.age / np.minimum(banks.units, _JOIN)[:, None].clip(1.0))
    z = np.clip(apart / banks.scale, -_CLIP, _CLIP) * voice[:, None, None]
    z = z.astype(np.float32)
    directions = banks.directions
    _imply(z, directions, (banks.age > 0.0) & ~here)
    ramp = np.minimum(1.0, banks.units / _YOUNG) * (up >= _QUIET_UP)
    square = np.matmul(directions, z[..., None])[..., 0].astype(np.float64) ** 2
    square *= ramp[:, None, None, None]
    whole, top = square.sum(axis=3), (square * banks.common).sum(axis=3)
    logs = (0.5 * (np.log1p(top) + np.log1p(np.maximum(whole - top, 0.0)))).mean(axis=2)
    excess = np.maximum(logs[:, 0] - np.log1p(0.5 * banks.layout.size), 0.0)
    surprise = banks.surprise + _part(_MEMORY, time.look) * (excess**2 - banks.surprise)
    score = _BAND_WEIGHT * logs.sum(axis=1) + _MEMORY_WEIGHT * np.sqrt(surprise)
    return Reading(score, surprise, logs, filters, whole, apart, z, here, far, up)


def learn_rows(banks: Banks, reading: Reading, time: Tempo, pace: Floats) -> None:
    """Takes in the rows that were just read; `pace` [H] below 1 learns slower (an alarm)."""
    look, here = time.look, reading.here
    banks.filters[:], banks.surprise[:] = reading.filters, reading.surprise
    banks.up[:], banks.far[:] = reading.up, reading.far
    kind = np.where(banks.units < _YOUNG, _TENFOLD, 1.0)[:, None, None]
    most = kind * max(banks.layout.size, 1)
    weight = np.minimum(1.0, most / np.maximum(reading.distance, 1e-9)) * pace[:, None, None]
    apart = _within_reach(banks, reading)
    reached = (banks.mean[:, :, 1] + apart[:, :, 1]).astype(np.float32)
    _learn_mean(banks, apart, weight, reading.up, look)
    _learn_spread(banks, apart, weight * (reading.up >= _QUIET_UP)[:, None, None], here, look)
    sent = here[:, None]
    np.copyto(banks.low, np.minimum(banks.low, reached), where=sent)
    np.copyto(banks.high, np.maximum(banks.high, reached), where=sent)
    _begin(banks, reading, time)
    banks.units += look
    banks.looks += 1.0
    banks.spacing[:] = time.spacing
    refresh(banks, _due(banks))


def level(banks: Banks) -> Floats:
    """float64 [H]: what the score is by the number of metrics alone, where nothing is strange."""
    return np.full(len(banks.units), BANDS * _BAND_WEIGHT * np.log1p(0.5 * banks.layout.size))


def shares(reading: Reading) -> Floats:
    """Each metric's share of what is strange [H, D]: its squares in scales, over bands and memories; 1 / D where none is.

    What a metric adds to the distance beside the others named the responsible ones less often than a plain z-score did.
    """
    square = np.square(reading.z.astype(np.float64)).sum(axis=(1, 2)) + 1e-12
    found: Floats = square / square.sum(axis=1, keepdims=True)
    return found


def refresh(banks: Banks, which: Floats) -> None:
    """Scales and directions of these hosts anew from what was learned; no correlation is believed while little is known."""
    if not len(which):
        return
    spread = banks.layout.square(banks.spread[which])
    width = banks.high[which].astype(np.float64) - banks.low[which]
    floor = _FLOOR * width + 0.1 * _FLOOR * np.abs(banks.filters[which, 1])[:, None] + 1e-6
    own = banks.layout.own
    scale = np.sqrt(spread[..., own, own] + floor[:, :, None] ** 2)
    related = spread / (scale[..., :, None] * scale[..., None, :])
    coupled = banks.age[which] > 0.0
    related *= (coupled[:, :, None] & coupled[:, None, :])[:, None, None]
    related[..., own, own] = 1.0
    share, axes = np.linalg.eigh(related)
    # Pairs that were learned at their own pace need not fit together: a direction may come out below nothing.
    share = np.maximum(share, 0.0)
    shrink = np.minimum(1.0, _SHRINK + 10.0 / (banks.units[which] + 20.0))[:, None, None, None]
    length = 1.0 / np.sqrt((1.0 - shrink) * share + shrink)
    common = 1.0 / (1.0 + (_COMMON / np.maximum(share, 1e-6)) ** _SHARP)
    banks.point(which, length[..., None] * axes.swapaxes(-1, -2), common)
    banks.scale[which] = scale


def _near(banks: Banks, values: Floats, here: Floats, time: Tempo) -> tuple[Floats, Floats]:
    """The values as the filters may see them, and for how many looks in a row they were beyond reach."""
    reach = np.where((banks.units >= _SETTLED)[:, None], _FAR * banks.scale[:, 0, 1], np.inf)
    off = values - banks.filters[:, 0]
    far = np.where(np.abs(off) > reach, banks.far + here, np.where(here, 0.0, banks.far))
    begins = (banks.age <= 0.0) | time.booted[:, None]
    reach = np.where((far > _FAR_LOOKS) | begins, np.inf, reach)
    return banks.filters[:, 0] + np.clip(off, -reach, reach), far


def _filtered(banks: Banks, values: Floats, here: Floats, time: Tempo, age: Floats) -> Floats:
    """The filters after these values; a metric's first value is where they begin, and its first after a boot."""
    look = time.look[:, None]
    start = np.where(age > 0.0, look / np.maximum(age + look, 1e-9), 1.0)
    part = np.maximum(_part(_FILTERS[None, :], time.span[:, None])[:, :, None], start[:, None, :])
    moved: Floats = banks.filters + part * here[:, None, :] * (values[:, None, :] - banks.filters)
    return moved


def _imply(z: Floats, directions: Floats, missing: Floats) -> None:
    """Puts what the others imply in the place of each known metric that was not sent."""
    for host in np.flatnonzero(missing.any(axis=1)):
        gone, rows = np.flatnonzero(missing[host]), directions[host].astype(np.float64)
        precision = np.matmul(rows.swapaxes(-1, -2), rows)
        pull = np.matmul(precision[..., gone, :], z[host, ..., None].astype(np.float64))
        among = precision[..., gone[:, None], gone]
        z[host][..., gone] = -np.linalg.solve(among, pull)[..., 0]


def _within_reach(banks: Banks, reading: Reading) -> Floats:
    stands = np.abs(banks.filters[:, 1])[:, None, None]
    most = _REACH * banks.scale.astype(np.float64) + 100.0 * stands + 1.0
    free = (banks.units < _SETTLED)[:, None] | (reading.far > _FAR_LOOKS)
    most = np.where(free[:, None, None], np.inf, most)
    within: Floats = np.clip(reading.apart, -most, most)
    return within


def _learn_mean(banks: Banks, apart: Floats, weight: Floats, up: Floats, look: Floats) -> None:
    began = np.minimum(banks.age, banks.units[:, None])
    rate = _rate(look[:, None], began)[:, None] * weight[..., None]
    begun = _rate(look[:, None], np.minimum(began, up[:, None]))
    rate[:, -1] = begun * np.where(up[:, None] < _YOUNG_UP, 1.0, weight[:, -1])[..., None]
    banks.mean += rate * apart


def _learn_spread(banks: Banks, apart: Floats, weight: Floats, here: Floats, look: Floats) -> None:
    layout = banks.layout
    part = _rate(look[:, None], banks.units[:, None])[..., 0][:, None] * weight
    part = part.astype(np.float32)[..., None]
    late = np.flatnonzero((here & (banks.age + 1.0 < banks.units[:, None])).any(axis=1))
    if len(late):
        # A pair of metrics is as old as the younger of them.
        age = np.minimum(banks.age[late], banks.units[late, None])
        age = np.minimum(age[:, layout.first], age[:, layout.second])
        part = np.repeat(part, layout.pairs, axis=3)
        part[late] = _rate(look[late, None], age)[:, None] * weight[late][..., None]
    if not here.all():
        # What was not sent says nothing of its spread either.
        part = part * (here[:, layout.first] & here[:, layout.second])[:, None, None]
    small = apart.astype(np.float32)
    for at in range(0, len(small), _NEAR):
        _grow(banks, slice(at, at + _NEAR), small[at : at + _NEAR], part[at : at + _NEAR])


def _grow(banks: Banks, some: slice, apart: Floats, part: Floats) -> None:
    """C becomes (1 - part) (C + part apart apart')."""
    outer = (apart[..., :, None] * apart[..., None, :]).reshape(*apart.shape[:3], -1)
    grown = np.take(outer, banks.layout.upper, axis=3)
    grown *= part
    grown += banks.spread[some]
    np.multiply(grown, np.float32(1.0) - part, out=banks.spread[some])


def _begin(banks: Banks, reading: Reading, time: Tempo) -> None:
    """Levels of what is new, or new after a boot, are where it stands now."""
    new = reading.here & ((banks.age <= 0.0) | time.booted[:, None])
    if new.any():
        stands = reading.filters[:, 1]
        for mean in (banks.mean[:, -1, 0], banks.mean[:, -1, 1]):
            mean[new] = stands[new]
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
    """How much of a look is learned by what is `age` [H, N] units old, by memory: [H, memory, N]."""
    slow = _part(_SLOW[:, None], look[:, None])
    rate: Floats = np.maximum(slow, (look / (age + 1.0 + look))[:, None])
    return rate


def _part(half_life: Any, step: Floats) -> Floats:
    """The share of the way that is gone in `step`."""
    part: Floats = 1.0 - 0.5 ** (step / half_life)
    return part
