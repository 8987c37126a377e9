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

from collections.abc import Mapping, Sequence
from math import log
from struct import pack
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detect.behaviour.hostile import GROWTH
from vedette.detect.odds import nats

__all__ = ["MEASURES", "Asked", "Growing", "Growth", "Sample", "grow", "is_due"]

Floats = NDArray[np.float64]
_Told = tuple[int, int, float, float, float]
_Found = tuple[int, float, float, float]

MEASURES = ("memory", "threads", "sockets", "copies")
"""Memory is in MiB; memory and threads are those of the program's largest process."""

Sample = tuple[float, float, float, float]
"""A program's measures; NaN for one that was not seen."""

_FLOOR = np.array([16.0, 16.0, 10.0, 10.0])
_SHARE = np.array([0.15, 0.3, 0.5, 0.5])
_OF_MEMORY = 0.005  # of the machine's: what grows by less in some minutes can wait
_WITH_TRAFFIC = np.array([False, True, True, True])
_FIELDS = 5  # level, top, swing, last, run
_WIDTH = 1 + len(MEASURES) * _FIELDS
_ROW = 4 * _WIDTH  # bytes
_MOST = 48  # programs
_SPACED = 45.0  # seconds between two looks that count
_KNOWN, _RISES, _RISES_YOUNG, _YOUNG = 30, 2, 5, 4.0
_BIG = 1e9


class Growth(msgspec.Struct, array_like=True, gc=False):
    """Packed: programs (8 bytes each), and a float32 row of 1 + 4 x 5 numbers for each. `at` is in Unix seconds.

    `told` keeps what was found at the last look that counted, until the next: program, measure, nats, now, before.
    """

    at: float = 0.0
    traffic: float = 0.0
    programs: bytes = b""
    numbers: bytes = b""
    told: list[_Told] = []


class Growing(NamedTuple):
    """A program that grows. `measure` is one of the names above; `before` is the highest usual value."""

    program: int
    measure: str
    nats: float
    now: float
    before: float


class Asked(NamedTuple):
    """One host's programs now. `traffic` is any number that goes with it (NaN: unknown), `memory` the machine's in MiB (0: unknown)."""

    growth: Growth
    samples: Mapping[int, Sample]
    now: float
    traffic: float
    memory: float


Grown = tuple[tuple[Growing, ...], Growth]
"""What grows, and the state after."""


def is_due(growth: Growth, now: float) -> bool:
    """Whether this look counts: only then are the samples' numbers read."""
    return now - growth.at >= _SPACED


def grow(hosts: Sequence[Asked]) -> list[Grown]:
    """Of each host, as of it alone; many at once, because most of the time is each step's and not each number's."""
    found: dict[int, Grown] = {}
    due: list[_Due] = []
    for at, one in enumerate(hosts):
        growth = one.growth
        if not is_due(growth, one.now):
            kept = [told for told in growth.told if told[0] in one.samples]
            found[at] = _named(kept), growth
        elif not one.samples:
            found[at] = (), msgspec.structs.replace(growth, at=one.now, told=[])
        else:
            due.append(_Due(at, one, *_held(growth)))
    return [grown for _, grown in sorted({**found, **_grown(due)}.items())]


class _Due(NamedTuple):
    at: int
    asked: Asked
    programs: Sequence[int]
    raw: bytes


def _held(growth: Growth) -> tuple[Sequence[int], bytes]:
    """The programs and their numbers; none where these are not what they should be."""
    programs = np.frombuffer(growth.programs, dtype="<u8").tolist()
    numbers = np.frombuffer(growth.numbers, dtype="<f4")
    if len(numbers) != len(programs) * _WIDTH or not np.isfinite(numbers).all():
        return (), b""
    return programs, growth.numbers


def _grown(due: Sequence[_Due]) -> dict[int, Grown]:
    if not due:
        return {}
    known = np.frombuffer(b"".join([one.raw for one in due]), dtype="<f4")
    table = np.vstack([known.astype(np.float64).reshape(-1, _WIDTH), np.full(_WIDTH, np.nan)])
    looks = table[:, 0].tolist()
    rows: list[int] = []
    x: list[Sample] = []
    hosts: list[tuple[list[int], dict[int, int]]] = []
    first = 0
    for one in due:
        samples = one.asked.samples
        many = len(one.programs)
        places = dict(zip(one.programs, range(many), strict=True))
        seen = dict(zip(one.programs, looks[first : first + many], strict=True))
        # Those seen for longest come first.
        keys = [key for _, key in sorted((-seen.get(key, 0.0), key) for key in samples)[:_MOST]]
        rows += [first + places[key] if key in places else -1 for key in keys]
        x += [samples[key] for key in keys]
        hosts.append((keys, places))
        first += many
    lengths = [len(keys) for keys, _ in hosts]
    now, before = np.array(x, dtype=np.float64), table[rows]
    now = np.where(np.abs(now) < _BIG, now, np.nan)
    pace, ratio, memory = np.repeat([_pace(one.asked) for one in due], lengths, axis=0).T
    floor = np.tile(_FLOOR, (len(rows), 1))
    floor[:, 0] = np.maximum(floor[:, 0], _OF_MEMORY * memory)
    score, after = _step(now, before, pace[:, None], ratio[:, None], floor)
    packed, loud = after.astype("<f4").tobytes(), _loud(score, now, before)
    found, end = {}, 0
    for one, (keys, places) in zip(due, hosts, strict=True):
        start, end = end, end + len(keys)
        told = [
            (keys[row - start], *rest) for row in range(start, end) for rest in loud.get(row, ())
        ]
        numbers = packed[start * _ROW : end * _ROW]
        found[one.at] = _named(told), _after(one, keys, places, numbers, told)
    return found


def _pace(one: Asked) -> tuple[float, float, float]:
    """How far levels follow, by how much traffic has risen, and the memory."""
    growth, traffic = one.growth, one.traffic
    minutes = min((one.now - growth.at) / 60.0, 5.0) if growth.at else 1.0
    ratio = max(1.0, traffic / growth.traffic) if growth.traffic > 0 and traffic < _BIG else 1.0
    return 1.0 - 0.9**minutes, ratio, one.memory


def _loud(score: Floats, x: Floats, before: Floats) -> dict[int, list[_Found]]:
    """Measure, nats, now and before of what grows, by row."""
    found: dict[int, list[_Found]] = {}
    for row, at in np.argwhere(score > 0.5).tolist():
        weight, top = _nats(at, float(score[row, at])), float(before[row, 2 + at * _FIELDS])
        found.setdefault(row, []).append((at, weight, float(x[row, at]), top))
    return found


def _after(
    one: _Due, keys: list[int], places: Mapping[int, int], packed: bytes, told: list[_Told]
) -> Growth:
    growth, traffic = one.asked.growth, one.asked.traffic
    left: list[int] = []
    if len(keys) < _MOST and not places.keys() <= one.asked.samples.keys():
        left = [key for key in places if key not in one.asked.samples][: _MOST - len(keys)]
        starts = [places[key] * _ROW for key in left]
        packed += b"".join([one.raw[start : start + _ROW] for start in starts])
    pace, _, _ = _pace(one.asked)
    level = growth.traffic + pace * (traffic - growth.traffic)
    return Growth(
        at=one.asked.now,
        traffic=(level if growth.traffic else traffic) if 0 <= traffic < _BIG else growth.traffic,
        programs=pack(f"<{len(keys) + len(left)}Q", *keys, *left),
        numbers=packed,
        told=told,
    )


def _named(told: list[_Told]) -> tuple[Growing, ...]:
    return tuple(
        Growing(program, MEASURES[measure], score, now, before)
        for program, measure, score, now, before in told
    )


def _nats(measure: int, score: float) -> float:
    evidence = GROWTH[MEASURES[measure]]
    return nats(evidence.seen, evidence.rate) + 2.0 * log(score)


def _step(
    x: Floats, before: Floats, pace: Floats, ratio: Floats, floor: Floats
) -> tuple[Floats, Floats]:
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
