"""Traffic that stops while the connections stay: an application that hangs, or what it serves can no longer reach it.

Of the bytes a second that are sent and received, at looks that count (see `fast`),

    stood = the most of the last five looks and 1 kB/s, all five with the connections kept
    bottom = the lowest that this ever was in the last one to two weeks, but for the last ten to twenty looks
    nats = 3 ln(bottom / stood)

so traffic must stand for five looks at a ninth or less of where it ever stood for so long. Kept are the connections where there are four,
and six tenths of what is usual. A host whose traffic rests at night, between jobs or for minutes at a time has a low bottom, and is
never told; one that the evening calms for the first time is learned on the way down. Nothing is told before the past with
connections is a day long. What was told and went by itself is half learned, in logarithms, so hosts that rest seldom are told two or three times. Data received counts only where less is sent than ever too: who still answers does not hang.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detect.magnitude import MOST
from vedette.detect.vitals.fields import name_fields

__all__ = ["FLOWS", "STALLS", "UNIT", "StallReading", "Stalls", "learn_stalls", "read_stalls"]

Floats = NDArray[Any]

FLOWS = ("system.network.io.transmit.rate", "system.network.io.receive.rate")
"""The order is that of the state's arrays."""
_LOOKS = 5
_FIELDS = ("minutes", "age", "low", "old", "coming", "next", "rest", "held", "told")
_HOST = ("wires", "phase")
STALLS = len(_HOST) + (len(_FIELDS) + _LOOKS) * len(FLOWS)
"""How many float32 numbers a host has."""

_LONG, _WEEK = 1440.0, 10_080.0  # minutes
_WIRES, _KEPT, _FOLLOW = 4.0, 0.6, 0.02
UNIT = 1_000.0
"""Bytes a second that are nothing. The numbers of a state have it added, so that none of them is 0."""
_WEIGHT = 3.0
_BLOCK = 10.0  # looks until what is new counts as the past, once or twice
_USUAL = (
    1_440.0  # looks in alarm after which it is this host's way, in one piece or in two of one week
)
_FADE = 0.05
_LONGEST = 1e6
_ALARM_PACE = 0.1
_NONE = 0.9 * MOST  # as float32 has it, MOST is not quite itself


class Stalls:
    """Of H hosts, views of a block [H, `STALLS`]; each field [H, 2] but `wires` and `phase` [H].

    `low` is the lowest stand of this week, which is `age` minutes old, `old` that of the week before; `coming` and `next` are those of the
    last looks, on their way into `low`; `MOST` where there is none, 0 before the first look. `recent` [H, 5, 2] are the last values, the newest
    first, `MOST` for one without its connections. `minutes` is how long the past is, `rest` the lowest stand in an alarm that lasts, `held` the looks for which it was told, slowly forgotten, `told` what the last look said;
    `wires` is how many connections are usual, `phase` counts looks.
    """

    minutes: Floats
    age: Floats
    low: Floats
    old: Floats
    coming: Floats
    next: Floats
    rest: Floats
    held: Floats
    told: Floats

    def __init__(self, block: Floats) -> None:
        self.block = block
        self.wires, self.phase = block[:, 0], block[:, 1]
        fields = block[:, len(_HOST) :].reshape(len(block), -1, len(FLOWS))
        name_fields(self, fields[:, : len(_FIELDS)], _FIELDS)
        self.recent = fields[:, len(_FIELDS) :]


class StallReading(NamedTuple):
    """`values` [H, 2], the `recent` with them, how they `stood` and the `bottom` [H, 2], the `wires` and `counts` [H], and the `nats` [H, 2]."""

    values: Floats
    recent: Floats
    stood: Floats
    bottom: Floats
    wires: Floats
    counts: Floats
    nats: Floats


def read_stalls(
    stalls: Stalls, flows: Floats, wires: Floats, counts: Floats, booting: Floats
) -> StallReading:
    """Scores `flows` [H, 2] beside the connections `wires` [H], NaN where not sent. Changes nothing. `counts` as `read_trends` has it."""
    kept = (wires >= np.maximum(_WIRES, _KEPT * stalls.wires)) & ~booting
    value = np.where(kept[:, None], flows + UNIT, MOST)
    before = np.where((stalls.low > 0.0)[:, None], stalls.recent[:, :-1], MOST)
    recent = np.concatenate((value[:, None], before), axis=1)
    stood = recent.max(axis=1)
    bottom = np.minimum(stalls.low, stalls.old).astype(np.float64)
    lower = (stalls.minutes >= _LONG) & (bottom < _NONE) & (stood < bottom)
    nats = _WEIGHT * np.log(np.where(lower, bottom / stood, 1.0))
    nats[:, 1] *= lower[:, 0]
    nats = np.where(counts[:, None], nats, stalls.told) * ~np.isnan(flows)
    return StallReading(flows, recent, stood, bottom, wires, counts, nats)


def learn_stalls(stalls: Stalls, reading: StallReading, alarms: Floats, waited: Floats) -> None:
    """Takes in what was just read; in alarm nothing, until it has stayed for a day in all. `waited` [H]: minutes since the last look that counted."""
    here = ~np.isnan(reading.values) & reading.counts[:, None]
    _begin(stalls, here)
    _end(stalls, reading, here)
    apart = _hold(stalls, reading, here & alarms[:, None])
    learned = here & ~apart
    np.copyto(stalls.next, reading.stood, where=learned & (reading.stood < stalls.next))
    past = waited[:, None] * (learned & (reading.stood < _NONE))
    stalls.age += past
    stalls.minutes += past
    ripe = (stalls.phase >= _BLOCK - 1.0)[:, None] & here
    if np.count_nonzero(ripe):
        np.copyto(stalls.low, np.minimum(stalls.low, stalls.coming), where=ripe)
        np.copyto(stalls.coming, stalls.next, where=ripe)
        stalls.next[ripe] = MOST
    over = stalls.age >= _WEEK
    if np.count_nonzero(over):
        np.copyto(stalls.old, stalls.low, where=over)
        stalls.low[over], stalls.age[over] = MOST, 0.0
        np.minimum(stalls.minutes, _LONGEST, out=stalls.minutes)
    np.copyto(stalls.told, reading.nats, where=here, casting="same_kind")
    np.copyto(stalls.recent, reading.recent, where=here[:, None], casting="same_kind")
    _learn_wires(stalls, reading, alarms)


def _begin(stalls: Stalls, here: Floats) -> None:
    first = here & (stalls.low <= 0.0)
    if np.count_nonzero(first):
        for field in (stalls.low, stalls.old, stalls.coming, stalls.next, stalls.rest):
            field[first] = MOST


def _end(stalls: Stalls, reading: StallReading, here: Floats) -> None:
    """What was told and went by itself is half learned; what went with its connections, as by a restart, is not."""
    ended = here & (stalls.rest < _NONE) & (reading.stood >= reading.bottom)
    if not np.count_nonzero(ended):
        return
    taken = ended & (reading.stood < _NONE)
    half = np.sqrt(np.minimum(reading.bottom, MOST) * stalls.rest)
    np.copyto(stalls.low, half, where=taken & (half < stalls.low), casting="same_kind")
    stalls.rest[ended] = MOST


def _hold(stalls: Stalls, reading: StallReading, alarm: Floats) -> Floats:
    """[H, 2]: what is not to be learned. What led to an alarm is no more usual than the alarm."""
    stalls.held -= _FADE * (stalls.held > 0.0)
    if not np.count_nonzero(alarm):
        return alarm
    lower = alarm & (reading.nats > 0.0)
    stalls.held += (1.0 + _FADE) * lower
    np.copyto(stalls.rest, reading.stood, where=lower & (reading.stood < stalls.rest))
    apart: Floats = alarm & (stalls.held < _USUAL)
    stalls.coming[apart] = stalls.next[apart] = MOST
    return apart


def _learn_wires(stalls: Stalls, reading: StallReading, alarms: Floats) -> None:
    counts, wires = reading.counts, reading.wires
    usual = stalls.wires.astype(np.float64)
    pace = _FOLLOW * np.where(alarms, _ALARM_PACE, 1.0)
    moved = np.where(usual > 0.0, usual + pace * (wires - usual), wires)
    np.copyto(stalls.wires, moved, where=counts & ~np.isnan(wires), casting="same_kind")
    phase = np.where(stalls.phase >= _BLOCK - 1.0, 0.0, stalls.phase + 1.0)
    np.copyto(stalls.phase, phase, where=counts, casting="same_kind")
