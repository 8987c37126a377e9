"""All metrics at once: a causal filter bank, and in each band a forgetting, robust Mahalanobis distance.

Two bands of half-lives 2 and 20 snapshots: what moves fast, y_H = x - f_1, and where things stand, y_L = f_2. In each,
mean and covariance are learned with a half-life of three days, a row weighing less the stranger it is. The score is the
sum of log distances and of a 20-snapshot memory of the fast band's surprise. A metric that was not sent leaves its
filters alone; one that is new joins cold and gains its voice over 60 snapshots.

The state and its cost grow with the square of the metrics, so the bank takes 64 of a host: those that came first, and
of those that came together the reviewed gauges, then by name. They keep their seats, so a host that sends thousands of
names, or new ones each time, makes nothing grow and pushes nothing out. A name of more than 256 letters gets no seat.
"""

from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detect.vitals.gauges import GAUGES

__all__ = [
    "Bank",
    "BankReading",
    "attribute",
    "dump_bank",
    "fresh_bank",
    "load_bank",
    "only",
    "read_bank",
    "update_bank",
]

Floats = NDArray[Any]

_FAST, _STAND, _SLOW, _MEMORY = 2.0, 20.0, 4320.0, 20.0
_CLIP, _SHRINK, _YOUNG, _JOIN = 15.0, 0.003, 300, 60
_MOST, _LONGEST_NAME = 64, 256
_GAUGES = frozenset(gauge.metric for gauge in GAUGES)


class Bank(msgspec.Struct):
    """Arrays of D metrics, named by `names` (sorted); the first axis of the others is the band (fast, standing)."""

    names: list[str]
    rows: int
    surprise: float
    age: Floats
    filters: Floats
    mean: Floats
    scale: Floats
    range: Floats
    spread: Floats
    precision: Floats


class BankReading(msgspec.Struct, frozen=True):
    """`score` is the sum of log distances; `filters`, `residual` (band, D) and `distance` (band) serve learning."""

    score: float
    surprise: float
    filters: Floats
    residual: Floats
    z: Floats
    distance: Floats
    logs: Floats
    here: Floats


def fresh_bank() -> Bank:
    """A bank that has seen nothing."""
    return _sized([])


def _sized(names: list[str]) -> Bank:
    size = len(names)
    return Bank(
        names=names,
        rows=0,
        surprise=0.0,
        age=np.zeros(size, np.float32),
        filters=np.zeros((2, size)),
        mean=np.zeros((2, size)),
        scale=np.ones((2, size), np.float32),
        range=np.zeros((2, 2, size), np.float32),
        spread=np.zeros((2, size, size), np.float32),
        precision=np.zeros((2, size, size), np.float32),
    )


def read_bank(bank: Bank, metrics: dict[str, float]) -> BankReading:
    """Scores a row. Changes nothing; metrics that the bank does not know yet say nothing."""
    values = np.array([metrics.get(name, np.nan) for name in bank.names])
    here = ~np.isnan(values)
    values = np.where(here, values, bank.filters[0])
    start = 1.0 / (bank.age + 1.0)
    step = np.maximum(np.array([[_rate(_FAST)], [_rate(_STAND)]]), start) * here
    filters = bank.filters + step * (values - bank.filters)
    residual = np.stack((values - filters[0], filters[1])) - bank.mean
    residual *= here & (bank.age > 0)
    voice = np.minimum(1.0, bank.age / _JOIN)
    z = np.clip(residual / bank.scale, -_CLIP, _CLIP) * voice
    distance = np.einsum("bi,bij,bj->b", z, bank.precision, z)
    distance = np.maximum(distance, 0.0) * min(1.0, bank.rows / _YOUNG)
    logs = np.log1p(distance)
    excess = max(float(logs[0]) - float(np.log1p(len(bank.names))), 0.0)
    surprise = bank.surprise + _rate(_MEMORY) * (excess - bank.surprise)
    score = float(logs.sum()) + 2.0 * surprise
    return BankReading(score, surprise, filters, residual, z, distance, logs, here)


def update_bank(
    bank: Bank, reading: BankReading, metrics: dict[str, float], *, pace: float
) -> Bank:
    """Learns a row that was just read; `pace` below 1 learns slower (an alarm)."""
    size = max(len(bank.names), 1)
    bank.filters, bank.surprise = reading.filters, reading.surprise
    kind = 10.0 if bank.rows < _YOUNG else 1.0
    weight = np.minimum(1.0, kind * size / np.maximum(reading.distance, 1e-9))
    rate = max(_rate(_SLOW), 1.0 / (bank.rows + 2.0)) * weight[:, None] * pace
    bank.mean = bank.mean + rate * reading.residual
    outer = reading.residual[:, :, None] * reading.residual[:, None, :]
    bank.spread = ((1.0 - rate[:, :, None]) * (bank.spread + rate[:, :, None] * outer)).astype(
        np.float32
    )
    level = reading.residual + bank.mean
    bank.range[:, 0] = np.where(reading.here, np.minimum(bank.range[:, 0], level), bank.range[:, 0])
    bank.range[:, 1] = np.where(reading.here, np.maximum(bank.range[:, 1], level), bank.range[:, 1])
    bank.age = bank.age + reading.here.astype(np.float32)
    bank.rows += 1
    strangers = _strangers(bank, metrics)
    if strangers:
        bank = _join(bank, metrics, strangers)
    if bank.rows % (30 if bank.rows >= _YOUNG else 10) == 0:
        _refresh(bank)
    return bank


def only(bank: Bank, kept: Floats) -> Bank:
    """The bank with the metrics at these places alone, its scales and precisions computed anew."""
    fewer = _sized([bank.names[place] for place in kept])
    fewer.rows, fewer.surprise, fewer.age = bank.rows, bank.surprise, bank.age[kept]
    fewer.filters, fewer.mean, fewer.range = (
        bank.filters[:, kept],
        bank.mean[:, kept],
        bank.range[:, :, kept],
    )
    fewer.spread = bank.spread[:, kept[:, None], kept[None, :]]
    _refresh(fewer)
    return fewer


def attribute(bank: Bank, reading: BankReading) -> dict[str, float]:
    """Each metric's share of the score: the drop of the distance if it took the mean that the others imply."""
    drop = np.einsum("bij,bj->bi", bank.precision, reading.z) ** 2
    drop /= np.maximum(np.diagonal(bank.precision, axis1=1, axis2=2), 1e-9)
    drop /= np.maximum(drop.sum(axis=1, keepdims=True), 1e-12)
    weight = np.maximum(reading.logs - np.log1p(len(bank.names)), 0.05)
    share = (weight / weight.sum()) @ drop
    return dict(zip(bank.names, share.tolist(), strict=True))


def _strangers(bank: Bank, metrics: dict[str, float]) -> list[str]:
    free = _MOST - len(bank.names)
    if not free:
        return []
    new = [name for name in metrics.keys() - set(bank.names) if len(name) <= _LONGEST_NAME]
    return sorted(new, key=lambda name: (name not in _GAUGES, name))[:free]


def _join(bank: Bank, metrics: dict[str, float], strangers: list[str]) -> Bank:
    names = sorted([*bank.names, *strangers])
    grown = _sized(names)
    old = np.array([names.index(name) for name in bank.names], dtype=np.intp)
    new = np.array([names.index(name) for name in strangers], dtype=np.intp)
    grown.rows, grown.surprise = bank.rows, bank.surprise
    grown.age[old] = bank.age
    for field in ("filters", "mean", "scale"):
        getattr(grown, field)[:, old] = getattr(bank, field)
    grown.range[:, :, old] = bank.range
    for field in ("spread", "precision"):
        getattr(grown, field)[:, old[:, None], old[None, :]] = getattr(bank, field)
    first = np.array([metrics[names[i]] for i in new])
    grown.filters[:, new] = first
    grown.mean[1, new] = first
    grown.range[1][:, new] = first
    grown.age[new] = 1
    _refresh(grown)
    return grown


def _refresh(bank: Bank) -> None:
    """Scales and precisions anew from what was learned, shrunk towards no correlation while little is known."""
    width = bank.range[:, 1].astype(np.float64) - bank.range[:, 0]
    floor = 0.001 * width + 0.001 * np.abs(bank.filters[1]) + 1e-6
    spread = bank.spread.astype(np.float64)
    variance = np.diagonal(spread, axis1=1, axis2=2)
    scale = np.sqrt(variance + floor**2)
    shrink = min(1.0, _SHRINK + 10.0 / (bank.rows + 20.0))
    related = (1.0 - shrink) * spread / (scale[:, :, None] * scale[:, None, :])
    axis = np.arange(len(bank.names))
    related[:, axis, axis] = 1.0
    inverse = np.linalg.inv(related)
    bank.precision = ((inverse + inverse.transpose(0, 2, 1)) / 2.0).astype(np.float32)
    bank.scale = scale.astype(np.float32)


def _rate(half_life: float) -> float:
    return float(1.0 - 0.5 ** (1.0 / half_life))


def dump_bank(bank: Bank) -> list[Any]:
    """The bank as MessagePack's types; symmetric matrices go as their upper triangle."""
    upper = _upper(len(bank.names))
    return [
        bank.names,
        bank.rows,
        bank.surprise,
        bank.age.tobytes(),
        bank.filters.tobytes(),
        bank.mean.tobytes(),
        bank.scale.tobytes(),
        bank.range.tobytes(),
        bank.spread[:, upper[0], upper[1]].tobytes(),
        bank.precision[:, upper[0], upper[1]].tobytes(),
    ]


def load_bank(raw: list[Any]) -> Bank:
    """The bank that was dumped. Raises ValueError or TypeError when it is not one."""
    names, rows, surprise, age, filters, mean, scale, width, spread, precision = raw
    size = len(names)
    return Bank(
        names=names,
        rows=rows,
        surprise=surprise,
        age=np.frombuffer(age, np.float32).copy(),
        filters=np.frombuffer(filters).reshape(2, size).copy(),
        mean=np.frombuffer(mean).reshape(2, size).copy(),
        scale=np.frombuffer(scale, np.float32).reshape(2, size).copy(),
        range=np.frombuffer(width, np.float32).reshape(2, 2, size).copy(),
        spread=_symmetric(spread, size),
        precision=_symmetric(precision, size),
    )


@lru_cache(maxsize=128)
def _upper(size: int) -> tuple[Floats, Floats]:
    rows, columns = np.triu_indices(size)
    return rows, columns


def _symmetric(raw: bytes, size: int) -> Floats:
    upper = _upper(size)
    packed = np.frombuffer(raw, np.float32).reshape(2, len(upper[0]))
    full = np.zeros((2, size, size), np.float32)
    full[:, upper[0], upper[1]] = packed
    full[:, upper[1], upper[0]] = packed
    return full
