"""Programs beside their own past: memory, threads, sockets and copies that grow without end.

Of each program and measure x, once in a while (at least 45 s apart), with q >= 1 by how much the machine's traffic
has risen in the same time, so that a peak of traffic is no leak:

    climb = x - level q        level follows x by a tenth a minute
    beyond = x - top q         top is the highest usual value, slowly forgotten
    unit = max(floor, share top, 1.5 swing)        swing is the highest usual climb
    g = min(climb, beyond) / unit

It counts while x has risen in each of the last looks (three values for a program whose past is known, six and a unit
four times as large for a young one); what jumps and stays does not. The nats fall off as a rate that goes with g^-2.
What climbs is taken into top and swing a tenth as fast, what is in alarm a fiftieth.
"""

from collections.abc import Mapping
from math import log
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detect.behaviour.hostile import GROWTH
from vedette.detect.odds import nats

__all__ = ["MEASURES", "Growing", "Growth", "Sample", "grow"]

MEASURES = ("memory", "threads", "sockets", "copies")
"""Memory is in MiB; memory and threads are those of the program's largest process."""

Sample = tuple[float, float, float, float]
"""A program's measures; NaN for one that was not seen."""

_FLOOR = np.array([16.0, 16.0, 10.0, 10.0])
_SHARE = np.array([0.15, 0.3, 0.5, 0.5])
_OF_MEMORY = 0.005  # of the machine's: what grows by less in some minutes can wait
_WITH_TRAFFIC = np.array([False, True, True, True])
_FIELDS = 5  # level, top, swing, last, run
_MOST = 48  # programs
_SPACED = 45.0  # seconds between two looks that count
_KNOWN, _RISES, _RISES_YOUNG, _YOUNG = 30, 2, 5, 4.0
_BIG = 1e9


class Growth(msgspec.Struct, array_like=True):
    """Packed: programs (8 bytes each), and a float32 row of 1 + 4 x 5 numbers for each. `at` is in Unix seconds.

    `told` keeps what was found at the last look that counted, until the next: program, measure, nats, now, before.
    """

    at: float = 0.0
    traffic: float = 0.0
    programs: bytes = b""
    numbers: bytes = b""
    told: list[tuple[int, int, float, float, float]] = []


class Growing(NamedTuple):
    """A program that grows. `measure` is one of the names above; `before` is the highest usual value."""

    program: int
    measure: str
    nats: float
    now: float
    before: float


def grow(
    growth: Growth, samples: Mapping[int, Sample], *, now: float, traffic: float, memory: float
) -> tuple[tuple[Growing, ...], Growth]:
    """What grows, and the state after. `traffic` is any number that goes with it, `memory` the machine's in MiB (0: unknown)."""
    if now - growth.at < _SPACED:
        kept = [one for one in growth.told if one[0] in samples]
        return _named(kept), growth
    programs = np.frombuffer(growth.programs, dtype="<u8")
    width = 1 + len(MEASURES) * _FIELDS
    numbers = np.frombuffer(growth.numbers, dtype="<f4").astype(np.float64)
    if len(numbers) != len(programs) * width or not np.all(np.isfinite(numbers)):
        programs, numbers = programs[:0], numbers[:0]
    past = dict(zip(programs.tolist(), numbers.reshape(-1, width), strict=True))
    keys = sorted(samples, key=lambda key: (-past[key][0] if key in past else 0.0, key))[:_MOST]
    if not keys:
        return (), msgspec.structs.replace(growth, at=now, told=[])
    x = np.array([samples[key] for key in keys], dtype=np.float64)
    x = np.where(np.abs(x) < _BIG, x, np.nan)
    before = np.array([past.get(key, np.full(width, np.nan)) for key in keys])
    minutes = min((now - growth.at) / 60.0, 5.0) if growth.at else 1.0
    ratio = max(1.0, traffic / growth.traffic) if growth.traffic > 0 and traffic < _BIG else 1.0
    floor = np.maximum(_FLOOR, np.array([_OF_MEMORY * memory, 0.0, 0.0, 0.0]))
    score, after = _step(x, before, 1.0 - 0.9**minutes, ratio, floor)
    tops = before[:, 1:].reshape(len(keys), len(MEASURES), _FIELDS)[:, :, 1]
    told = [
        (key, at, _nats(at, float(score[row, at])), float(x[row, at]), float(tops[row, at]))
        for row, key in enumerate(keys)
        for at in range(len(MEASURES))
        if score[row, at] > 0.5
    ]
    left = [key for key in past if key not in samples][: _MOST - len(keys)]
    table = np.vstack([after, *(past[key] for key in left)])
    level = growth.traffic + (1.0 - 0.9**minutes) * (traffic - growth.traffic)
    return _named(told), Growth(
        at=now,
        traffic=(level if growth.traffic else traffic) if 0 <= traffic < _BIG else growth.traffic,
        programs=np.array([*keys, *left], dtype="<u8").tobytes(),
        numbers=table.astype("<f4").tobytes(),
        told=told,
    )


def _named(told: list[tuple[int, int, float, float, float]]) -> tuple[Growing, ...]:
    return tuple(
        Growing(program, MEASURES[measure], score, now, before)
        for program, measure, score, now, before in told
    )


def _nats(measure: int, score: float) -> float:
    evidence = GROWTH[MEASURES[measure]]
    return nats(evidence.seen, evidence.rate) + 2.0 * log(score)


def _step(
    x: NDArray[np.float64],
    before: NDArray[np.float64],
    pace: float,
    ratio: float,
    floor: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The scores g (0 where nothing counts) and the numbers after."""
    seen = np.nan_to_num(before[:, 0])[:, None]
    fields = before[:, 1:].reshape(len(x), len(MEASURES), _FIELDS)
    new = np.isnan(fields[:, :, 0])
    x = np.where(np.isnan(x), np.where(new, 0.0, fields[:, :, 3]), x)
    start = np.stack([x, x, np.zeros_like(x), x, np.zeros_like(x)], axis=2)
    level, top, swing, last, run = np.moveaxis(np.where(new[:, :, None], start, fields), 2, 0)
    scale = np.where(_WITH_TRAFFIC, ratio, 1.0)
    climb, beyond = x - level * scale, x - top * scale
    unit = np.maximum(np.maximum(floor, _SHARE * top), 1.5 * swing)
    run = np.where(
        x - last > 0.05 * unit,
        run + 1.0,
        np.where(x - last < -0.2 * unit, 0.0, np.maximum(run - 1.0, 0.0)),
    )
    known = seen >= _KNOWN
    rising = np.where(known, run >= _RISES, run >= _RISES_YOUNG)
    score = np.minimum(climb, beyond) / (unit * np.where(known, 1.0, _YOUNG))
    score = np.where(rising & (score > 0.0), score, 0.0)
    climbing = (run >= 1.0) & (climb > 0.5 * unit) & known
    speed = np.where(score > 1.0, 0.02, np.where(climbing, 0.1, 1.0))
    top = np.where(x > top, top + speed * (x - top), top - 0.0005 * (top - x))
    swing = np.where(climb > swing, swing + speed * (climb - swing), swing * 0.999)
    level = level + pace * (x - level)
    after = np.stack([level, top, swing, x, np.minimum(run, 1_000.0)], axis=2)
    return score, np.hstack([np.minimum(seen + 1.0, 100_000.0), after.reshape(len(x), -1)])
