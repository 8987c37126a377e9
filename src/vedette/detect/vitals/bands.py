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

from math import log1p
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
_YOUNG, _JOIN = 300.0, 60.0
_UNTIL, _EVERY = np.array([150.0, 300.0]), np.array([10, 20, REFRESH])  # looks by age
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
    here, old = np.isfinite(rows), banks.age > 0.0
    values = np.where(here, rows, banks.filters[:, 0])
    up = np.where(time.booted, 0.0, banks.up + time.look)
    near, far = _near(banks, values, here, time)
    filters = _filtered(banks, near, here, time, np.minimum(banks.age, up[:, None]))
    bands = filters.copy()
    np.subtract(values, filters[:, 0], out=bands[:, 0])
    apart = bands[:, :, None] - banks.mean
    apart *= (here & old)[:, None, None]
    z = _scaled(banks, apart)
    ramp = np.minimum(1.0, banks.units / _YOUNG) * (up >= _QUIET_UP)
    whole, top = _distances(banks, z, old & ~here)
    whole *= ramp[:, None, None]
    top *= ramp[:, None, None]
    logs = np.log1p(top)
    logs += np.log1p(np.maximum(whole - top, 0.0))
    logs = 0.25 * (logs[:, :, 0] + logs[:, :, 1])
    excess = np.maximum(logs[:, 0] - log1p(0.5 * banks.layout.size), 0.0)
    surprise = banks.surprise + _part(_MEMORY, time.look) * (excess**2 - banks.surprise)
    score = _BAND_WEIGHT * (logs[:, 0] + logs[:, 1]) + _MEMORY_WEIGHT * np.sqrt(surprise)
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
    np.minimum(banks.low, reached, out=banks.low, where=sent)
    np.maximum(banks.high, reached, out=banks.high, where=sent)
    _begin(banks, reading, time)
    banks.units += look
    banks.looks += 1.0
    banks.spacing[:] = time.spacing
    refresh(banks, _due(banks))


def level(banks: Banks) -> Floats:
    """float64 [H]: what the score is by the number of metrics alone, where nothing is strange."""
    return np.full(len(banks.units), BANDS * _BAND_WEIGHT * log1p(0.5 * banks.layout.size))


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
    beyond = np.abs(off) > reach
    far = banks.far * ~here
    if not np.count_nonzero(beyond):
        return values, far
    far = np.where(beyond, banks.far + here, far)
    held = beyond & (far <= _FAR_LOOKS) & (banks.age > 0.0) & ~time.booted[:, None]
    return np.where(held, banks.filters[:, 0] + np.copysign(reach, off), values), far


def _filtered(banks: Banks, values: Floats, here: Floats, time: Tempo, age: Floats) -> Floats:
    """The filters after these values; a metric's first value is where they begin, and its first after a boot."""
    look = time.look[:, None]
    start = np.where(age > 0.0, look / np.maximum(age + look, 1e-9), 1.0)
    part = np.maximum(_part(_FILTERS, time.span[:, None])[:, :, None], start[:, None, :])
    part *= here[:, None, :]
    part *= values[:, None, :] - banks.filters
    part += banks.filters
    return part


def _scaled(banks: Banks, apart: Floats) -> Floats:
    """How far apart in scales, clipped, a young metric's less: float32 [H, band, memory, D]."""
    joined = np.maximum(np.minimum(banks.units, _JOIN), 1.0)
    voice = np.minimum(1.0, banks.age / joined[:, None])
    z = apart / banks.scale
    np.maximum(z, -_CLIP, out=z)
    np.minimum(z, _CLIP, out=z)
    z *= voice[:, None, None]
    return z.astype(np.float32)


def _distances(banks: Banks, z: Floats, missing: Floats) -> tuple[Floats, Floats]:
    """Squared distances [H, band, memory], whole and what is common of them; fills in z what is missing."""
    square = np.empty(z.shape)
    for at in range(0, len(z), _NEAR):
        some = slice(at, at + _NEAR)
        directions = banks.directions(some)
        _imply(z[some], directions, missing[some])
        square[some] = np.matmul(directions, z[some, ..., None])[..., 0]
    np.square(square, out=square)
    return np.add.reduce(square, axis=3), np.vecdot(square, banks.common)


def _imply(z: Floats, directions: Floats, missing: Floats) -> None:
    """Puts what the others imply in the place of each known metric that was not sent."""
    if not np.count_nonzero(missing):
        return
    for host in np.flatnonzero(missing.any(axis=1)):
        gone, rows = np.flatnonzero(missing[host]), directions[host].astype(np.float64)
        precision = np.matmul(rows.swapaxes(-1, -2), rows)
        pull = np.matmul(precision[..., gone, :], z[host, ..., None].astype(np.float64))
        among = precision[..., gone[:, None], gone]
        z[host][..., gone] = -np.linalg.solve(among, pull)[..., 0]


def _within_reach(banks: Banks, reading: Reading) -> Floats:
    apart = reading.apart
    stands = 100.0 * np.abs(banks.filters[:, 1]) + 1.0
    most = _REACH * banks.scale
    most += stands[:, None, None]
    beyond = np.abs(apart) > most
    if not np.count_nonzero(beyond):
        return apart
    free = (banks.units < _SETTLED)[:, None] | (reading.far > _FAR_LOOKS)
    beyond &= ~free[:, None, None]
    return np.where(beyond, np.copysign(most, apart), apart)


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
    young = here & (banks.age + 1.0 < banks.units[:, None])
    if np.count_nonzero(young):
        late = np.flatnonzero(young.any(axis=1))
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
    outer = np.einsum("...i,...j->...ij", apart, apart).reshape(*apart.shape[:3], -1)
    grown = np.take(outer, banks.layout.upper, axis=3)
    grown *= part
    grown += banks.spread[some]
    np.multiply(grown, np.float32(1.0) - part, out=banks.spread[some])


def _begin(banks: Banks, reading: Reading, time: Tempo) -> None:
    """Levels of what is new, or new after a boot, are where it stands now."""
    new = reading.here & ((banks.age <= 0.0) | time.booted[:, None])
    if np.count_nonzero(new):
        stands = reading.filters[:, 1]
        for mean in (banks.mean[:, -1, 0], banks.mean[:, -1, 1]):
            mean[new] = stands[new]
        for edge in (banks.low, banks.high):
            edge[:, BANDS - 1][new] = stands[new]
    look = time.look[:, None]
    banks.absent += look
    banks.absent *= ~reading.here
    banks.age += reading.here * look
    banks.age *= banks.absent <= _AWAY


def _due(banks: Banks) -> Floats:
    every = _EVERY[np.searchsorted(_UNTIL, banks.units, side="right")]
    due: Floats = np.flatnonzero((banks.looks + banks.phase) % every == 0)
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
