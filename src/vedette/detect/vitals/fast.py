"""The quick voice of the gauges beside the slow one: steady growth, extreme jumps, and falls.

Time goes by looks that count: those at least 45 seconds after the last that did. Looks in between say what that one said, so
how often a host sends changes nothing.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detect.magnitude import MOST
from vedette.detect.vitals.falls import (
    FALL_SIZE,
    FALLEN,
    FallReading,
    Falls,
    learn_falls,
    read_falls,
)
from vedette.detect.vitals.gauges import GAUGES, MOST_OF, PLACE_OF
from vedette.detect.vitals.jumps import (
    JUMP_SIZE,
    JUMPED,
    JumpReading,
    Jumps,
    learn_jumps,
    read_jumps,
)
from vedette.detect.vitals.trends import (
    TREND_SIZE,
    TRENDED,
    TrendReading,
    Trends,
    learn_trends,
    read_trends,
)

__all__ = ["FAST", "KINDS", "Fast", "FastReading", "beyond", "learn_fast", "read_fast"]

Floats = NDArray[Any]

_OWN = 2
FAST = _OWN + TREND_SIZE + JUMP_SIZE + FALL_SIZE
"""How many float32 numbers a host has."""
KINDS = ("trend", "jump", "fall")
_PLACES = (TRENDED, JUMPED, FALLEN)
_SPACED = 0.75  # minutes
_SENT = PLACE_OF["system.network.io.transmit.rate"]
_FORGET, _CREEP, _ALARM_PACE = 0.0005, 0.02, 0.1
_CROWD, _CROWDED = (
    2.0,
    0.005,
)  # from so much more traffic than ever on, a campaign does not teach what is usual


class Fast:
    """Of H hosts, views of a float32 block [H, `FAST`]: `wait`, minutes since a look counted, and `sent`, the most traffic, [H]."""

    def __init__(self, block: Floats) -> None:
        self.block = block
        self.wait, self.sent = block[:, 0], block[:, 1]
        first, second = _OWN + TREND_SIZE, _OWN + TREND_SIZE + JUMP_SIZE
        self.trends = Trends(block[:, _OWN:first])
        self.jumps = Jumps(block[:, first:second])
        self.falls = Falls(block[:, second:])


class FastReading(NamedTuple):
    """`nats` [H, 3, G], by kind and gauge, zeros where a kind does not watch the gauge; the rest serves learning and words.

    `counts` [H] tells whether the look counts, `waited` [H] the minutes since one did.
    """

    nats: Floats
    counts: Floats
    waited: Floats
    trend: TrendReading
    jump: JumpReading
    fall: FallReading


def beyond(fast: Fast, gauges: Floats) -> Floats:
    """[H]: how many times as much is sent now as these hosts usually send at the most; 1 where it is no more."""
    sent = np.clip(np.nan_to_num(gauges[:, _SENT], nan=0.0), 0.0, MOST_OF[_SENT])
    more: Floats = np.maximum(sent / np.maximum(fast.sent.astype(np.float64), 1.0), 1.0)
    return more


def read_fast(
    fast: Fast, gauges: Floats, minutes: Floats, cores: Floats, booting: Floats
) -> FastReading:
    """Scores `gauges` [H, G], NaN where not sent, `minutes` [H] after those before. Changes nothing.

    `cores` [H] is the number of processors (1 where unknown), `booting` [H] whether the machine came up just now.
    """
    x = np.clip(gauges, 0.0, MOST_OF)
    waited = fast.wait.astype(np.float64) + minutes
    counts = waited >= _SPACED
    trend = read_trends(fast.trends, x[:, TRENDED], beyond(fast, x), counts & ~booting)
    trend = trend._replace(nats=np.where(booting[:, None], 0.0, trend.nats))
    jump = read_jumps(fast.jumps, x[:, JUMPED], cores, counts, booting)
    fall = read_falls(fast.falls, x[:, FALLEN], counts, booting)
    nats = np.zeros((len(x), len(KINDS), len(GAUGES)))
    for at, (place, said) in enumerate(
        zip(_PLACES, (trend.nats, jump.nats, fall.nats), strict=True)
    ):
        nats[:, at, place] = np.where(np.isnan(x[:, place]), 0.0, said)
    return FastReading(nats, counts, waited, trend, jump, fall)


def learn_fast(
    fast: Fast,
    reading: FastReading,
    gauges: Floats,
    alarms: Floats,
    booting: Floats,
    cleared: Floats | None = None,
) -> None:
    """Takes in what was just read; in alarm at a tenth of the pace. `alarms` and `cleared` (see `learn_falls`) are [H]."""
    counts = reading.counts
    learn_trends(fast.trends, reading.trend, counts, alarms, booting)
    learn_jumps(fast.jumps, reading.jump, counts, alarms, booting)
    waited = np.minimum(reading.waited, 10.0)
    learn_falls(fast.falls, reading.fall, counts, alarms, booting, waited, cleared)
    sent = np.clip(gauges[:, _SENT], 0.0, MOST)
    most = fast.sent.astype(np.float64)
    creep = np.where(sent > _CROWD * most, _CROWDED, _CREEP)
    pace = np.where(sent > most, creep * np.where(alarms, _ALARM_PACE, 1.0), _FORGET)
    moved = np.where(most > 0.0, most + pace * (sent - most), sent)
    np.copyto(fast.sent, moved, where=counts & ~np.isnan(sent), casting="same_kind")
    fast.wait[:] = np.where(counts, 0.0, reading.waited)
