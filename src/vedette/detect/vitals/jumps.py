"""Jumps that are extreme by any scale, told at the second or third look where the slow watch is patient.

The watch smooths load, paging and processes created over many minutes, because honest work fills them for some. What is far
beyond all of a host's past need not wait so long. A streak is the looks in a row above the highest usual value; low is the
least of them, and

    v = (low - top) / max(unit of the gauge (1 + 20 / n), top / 2),   0 at the first look, two thirds of it at the second
    nats = 2.5 ln(1 + v^2 / 4)

The unit of load goes with the number of processors. When a streak ends without an alarm, half of it is taken into top.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detect.vitals.fields import name_fields, take_in
from vedette.detect.vitals.gauges import PLACE_OF

__all__ = ["JUMPED", "JUMP_SIZE", "JumpReading", "Jumps", "learn_jumps", "read_jumps"]

Floats = NDArray[Any]

_UNITS = {
    "system.cpu.load_average.1m": 0.6,
    "system.network.connections.syn_sent": 1.0,
    "system.processes.created.rate": 6.0,
    "system.paging.operations.rate": 20.0,
}
JUMPED = np.array([PLACE_OF[metric] for metric in _UNITS])
"""The places of these gauges among all; the order is that of the state's arrays."""
_LEAST = np.array(list(_UNITS.values()))
_LOAD = np.array([metric.startswith("system.cpu.load") for metric in _UNITS])
_A_CORE = 0.15
_FIELDS = ("seen", "top", "low", "count", "told")
JUMP_SIZE = len(_FIELDS) * len(_UNITS)
"""How many numbers a host has."""

_SHARE = 0.5
_SECOND = 2.0 / 3.0
_TAKEN, _CREEP, _FORGET = 0.5, 0.02, 0.0005
_ALARM_PACE = 0.1
_SETTLED = 4


class Jumps:
    """Of H hosts, views of a block [H, `JUMP_SIZE`]; each field [H, 4].

    `top` is the highest usual value, `low` the least of the present streak and `count` its looks; `told` and `seen` as of `Trends`.
    """

    seen: Floats
    top: Floats
    low: Floats
    count: Floats
    told: Floats

    def __init__(self, block: Floats) -> None:
        name_fields(self, block, _FIELDS)


class JumpReading(NamedTuple):
    """[H, 4]: `values`, the `low` and `looks` of the streak with this look, and the `nats`."""

    values: Floats
    low: Floats
    looks: Floats
    nats: Floats


def read_jumps(
    jumps: Jumps, values: Floats, cores: Floats, counts: Floats, booting: Floats
) -> JumpReading:
    """Scores `values` [H, 4], NaN where not sent. Changes nothing. `cores` [H]; `counts` as `read_trends` has it."""
    unit = np.where(_LOAD, np.maximum(_LEAST, _A_CORE * cores[:, None]), _LEAST)
    unit = unit * (1.0 + 20.0 / np.maximum(jumps.seen, 1.0))
    above = (values > jumps.top) & (jumps.seen >= _SETTLED) & ~booting[:, None]
    count = np.where(above, jumps.count + 1.0, 0.0)
    low = np.where(count > 1.0, np.minimum(jumps.low, values), values)
    patience = np.where(count < 2.0, 0.0, np.where(count < 3.0, _SECOND, 1.0))
    v = patience * (low - jumps.top) / np.maximum(unit, _SHARE * np.abs(jumps.top))
    nats = np.where(above, 2.5 * np.log1p(np.maximum(v, 0.0) ** 2 / 4.0), 0.0)
    return JumpReading(values, low, count, np.where(counts[:, None], nats, jumps.told))


def learn_jumps(
    jumps: Jumps, reading: JumpReading, counts: Floats, alarms: Floats, booting: Floats
) -> None:
    """Takes in what was just read, as `learn_trends` does."""
    x = reading.values
    here = ~np.isnan(x) & counts[:, None]
    pace = np.where(alarms, _ALARM_PACE, 1.0)[:, None]
    first = here & (jumps.seen <= 0.0)
    young = here & (jumps.seen < _SETTLED) & (x > jumps.top)
    top = np.where(first | young, x, jumps.top)
    ended = (reading.looks <= 0.0) & (jumps.count > 0.0)
    top = top + ended * _TAKEN * pace * np.maximum(jumps.low - top, 0.0)
    top = top + np.where(x > top, _CREEP * pace, _FORGET) * (x - top)
    after = {
        "top": np.where(booting[:, None] & ~first, jumps.top, top),
        "low": reading.low,
        "count": np.minimum(reading.looks, 1e6),
        "told": reading.nats,
        "seen": np.minimum(jumps.seen + 1.0, 1e6),
    }
    take_in(jumps, after, here)
