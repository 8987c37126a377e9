"""Steady growth, told after three or four looks: a gauge that climbs by steps which its past never had.

Beside the slow watch of a gauge, which asks how high it stands, this asks how it moves. With x the value, at looks that
are at least 45 seconds apart,

    climb = x - level        level follows x by an eighth a look, so that a constant slope s climbs 8 s at most
    beyond = x - top         top is the highest usual value, slowly forgotten
    unit = max(unit of the gauge (1 + 20 / n), share top, swing / 2)        swing is the highest usual climb
    u = min(climb, beyond) / unit,   three quarters of it at the first look that is steady
    nats = 2.5 ln(1 + u^2 / 4)       (as the watch's)

It counts while the growth is steady: none of the last three steps is under a quarter of their mean (a jump is not), and the
last is at least 0.7 of each before (what warms up slows down), 0.4 once it was steady. More traffic than ever explains its share of connections,
processes, threads and files. What climbs is taken into swing a twentieth a look, half a thousandth of top is forgotten.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detect.vitals.fields import name_fields, take_in
from vedette.detect.vitals.gauges import PLACE_OF

__all__ = ["TRENDED", "TREND_SIZE", "TrendReading", "Trends", "learn_trends", "read_trends"]

Floats = NDArray[Any]


class _Growing(NamedTuple):
    """`unit` is the least scale of a climb, in the metric's own unit, and `share` that of its usual top; `traffic` may explain it."""

    metric: str
    unit: float
    share: float
    traffic: bool


_KINDS = (
    _Growing("system.memory.utilization", 0.004, 0.01, traffic=False),
    _Growing("system.filesystem.utilization", 0.004, 0.0, traffic=False),
    _Growing("system.network.connections.established", 1.5, 0.02, traffic=True),
    _Growing("system.network.connections.listen", 1.0, 0.02, traffic=False),
    _Growing("system.processes.count", 1.5, 0.02, traffic=True),
    _Growing("system.threads.count", 2.5, 0.02, traffic=True),
    _Growing("system.open_files.count", 8.0, 0.02, traffic=True),
)
TRENDED = np.array([PLACE_OF[kind.metric] for kind in _KINDS])
"""The places of these gauges among all; the order is that of the state's arrays."""
_UNITS = np.array([kind.unit for kind in _KINDS])
_SHARES = np.array([kind.share for kind in _KINDS])
_WITH_TRAFFIC = np.array([kind.traffic for kind in _KINDS])
_FIELDS = ("seen", "level", "top", "swing", "peak", "last", "second", "third", "run", "told")
TREND_SIZE = len(_FIELDS) * len(_KINDS)
"""How many numbers a host has."""

_FOLLOW, _FORGET = 0.12, 0.0005
_EVEN, _KEEPS_ON, _GOES_ON = 0.25, 0.7, 0.4
_FIRST = 0.75
_LEARN, _FADE = 0.05, 0.97
_ALARM_PACE = 0.1
_JOINED = 0.3
_SETTLED = 4  # looks before three steps are known


class Trends:
    """Of H hosts, views of a block [H, `TREND_SIZE`]; each field [H, 7].

    `peak` is the highest climb of late, on its way into `swing`; `last`, `second` and `third` the values before; `run` for how
    many looks the growth was steady, `told` what the last look said, `seen` how many looks were taken.
    """

    seen: Floats
    level: Floats
    top: Floats
    swing: Floats
    peak: Floats
    last: Floats
    second: Floats
    third: Floats
    run: Floats
    told: Floats

    def __init__(self, block: Floats) -> None:
        name_fields(self, block, _FIELDS)


class TrendReading(NamedTuple):
    """[H, 7]: the `values` without what traffic explains, `climb`, whether the growth is `steady`, and the `nats`."""

    values: Floats
    climb: Floats
    steady: Floats
    nats: Floats


def read_trends(trends: Trends, values: Floats, traffic: Floats, counts: Floats) -> TrendReading:
    """Scores `values` [H, 7], NaN where not sent. Changes nothing.

    `traffic` [H] is how many times more traffic there is than ever, at least 1; `counts` [H] whether this look counts: it is
    far enough from the one before. Others say what that one said.
    """
    x = np.where(_WITH_TRAFFIC, values / traffic[:, None], values)
    here = ~np.isnan(x) & (trends.seen >= _SETTLED)
    steps = np.stack((x - trends.last, trends.last - trends.second, trends.second - trends.third))
    mean = steps.mean(axis=0)
    slows = np.where(trends.run < 1.0, _KEEPS_ON, _GOES_ON) * steps[1:].max(axis=0)
    even = (steps.min(axis=0) >= _EVEN * mean) & (steps[0] >= slows)
    steady = here & (mean > 0.0) & even & counts[:, None]
    climb = np.where(here, x - trends.level, 0.0)
    least = _UNITS * (1.0 + 20.0 / np.maximum(trends.seen, 1.0))
    unit = np.maximum(np.maximum(least, _SHARES * np.abs(trends.top)), trends.swing / 2.0)
    u = np.where(steady, np.minimum(climb, x - trends.top) / unit, 0.0)
    u = np.maximum(u, 0.0) * np.where(trends.run < 1.0, _FIRST, 1.0)
    nats = 2.5 * np.log1p(u * u / 4.0)
    return TrendReading(x, climb, steady, np.where(counts[:, None], nats, trends.told))


def learn_trends(
    trends: Trends, reading: TrendReading, counts: Floats, alarms: Floats, booting: Floats
) -> None:
    """Takes in what was just read; a look that does not count changes nothing. `alarms` and `booting` are [H]."""
    x = reading.values
    here = ~np.isnan(x) & counts[:, None]
    # While a machine comes up nothing climbs: its level is where it stands.
    new = here & ((trends.seen <= 0.0) | booting[:, None])
    pace = np.where(alarms, _ALARM_PACE, 1.0)[:, None]
    first = here & (trends.seen <= 0.0)
    top = np.where(first, x, trends.top)
    joins = np.where(reading.steady | (x > trends.last), _FOLLOW, _JOINED) * pace
    top = top + np.where(x > top, joins, _FORGET) * (x - top)
    climb = np.where(reading.steady, reading.climb, 0.0)
    peak = np.maximum(trends.peak * _FADE, climb)
    swing = trends.swing * (1.0 - _FORGET)
    swing = swing + _LEARN * pace * np.maximum(peak - swing, 0.0)
    level = trends.level + _FOLLOW * (x - trends.level)
    after = {
        "level": np.where(new, x, level),
        "top": np.where(booting[:, None] & ~first, trends.top, top),
        "swing": swing,
        "peak": peak,
        "third": np.where(new, x, trends.second),
        "second": np.where(new, x, trends.last),
        "last": x,
        "run": np.where(reading.steady, np.minimum(trends.run + 1.0, 1e6), 0.0),
        "told": reading.nats,
        "seen": np.minimum(trends.seen + 1.0, 1e6),
    }
    take_in(trends, after, here)
