"""One gauge beside its own past: a robust one-sided score that needs a rise to last.

The past of a gauge is kept as a sample of at most 64 values, thinned by two whenever it is full, until it spans
three days; then the oldest go. What is usual is its median and spread. A rise counts by

    z = (x - median) / s,   s = max((p90 - p10) / 2.56, 1.48 MAD, 0.05 |median|, floor) * (1 + 20 / n)
    u = max(0, min(smoothed z, max(z now, z before)))
    nats = 2.5 ln(1 + u^2 / 4)          (the tail of a Student t)

with n the smaller of snapshots and minutes seen: variety is learned by time, not by looking more often. The smoothing
goes by the minute (0.3 of the way in each, less for processor and disk), so that a spike of seconds is no fault at any push interval.
"""

from math import log1p
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.detect.vitals.gauges import Gauge
from vedette.detect.vitals.magnitude import MOST, clipped

__all__ = ["Watch", "WatchReading", "read_watch", "update_watch"]

_SAMPLE = 64
_SPAN_MINUTES = 3 * 1440.0
_CLIP = 20.0  # so that one snapshot, however wild, makes no alarm
_RISEN = 2.0
_REFRESH = 8
_FROZEN_SHARE = 10


class Watch(msgspec.Struct, array_like=True):
    """The past of one gauge. `sample` holds float32 values, oldest first.

    `stride` snapshots go to one kept value; `run` counts snapshots since the gauge last was not high, `since` is the
    time when that began (Unix seconds, 0 when it is not high); `frozen` counts snapshots seen in alarm.
    """

    sample: bytes = b""
    stride: int = 1
    phase: int = 0
    seen: int = 0
    minutes: float = 0.0
    smooth: float = 0.0
    before: float = 0.0
    run: int = 0
    since: float = 0.0
    frozen: int = 0
    median: float = 0.0
    low: float = 0.0
    high: float = 0.0
    spread: float = 0.0


class WatchReading(msgspec.Struct, frozen=True):
    """A gauge's score now: `z` of this snapshot, `smooth` over the last minutes, and the resulting `nats`."""

    z: float
    smooth: float
    nats: float


def read_watch(watch: Watch, gauge: Gauge, value: float, minutes: float) -> WatchReading:
    """Scores a value that was taken `minutes` after the one before; one out of bounds as the bound. Changes nothing."""
    if not watch.seen:
        return WatchReading(0.0, 0.0, 0.0)
    known = max(min(watch.seen, watch.minutes), 0.05)
    scale = max(watch.spread, 0.05 * abs(watch.median), gauge.floor) * (1.0 + 20.0 / known)
    z = min(_CLIP, max(-_CLIP, (clipped(value) - watch.median) / scale))
    weight = 1.0 - (1.0 - gauge.pace) ** min(1.0, minutes)
    smooth = watch.smooth + weight * (z - watch.smooth)
    lasting = max(0.0, min(smooth, max(z, watch.before)))
    return WatchReading(z, smooth, 2.5 * log1p(lasting * lasting / 4.0))


def update_watch(
    watch: Watch,
    reading: WatchReading,
    value: float,
    *,
    minutes: float,
    at: float,
    alarm: bool,
) -> None:
    """Takes a value into the past. In alarm only every tenth is taken: what stays becomes usual, ten times slower.

    What can't be never becomes usual: a value out of bounds counts for a rise, but is not taken.
    """
    watch.smooth, watch.before = reading.smooth, reading.z
    if reading.z >= _RISEN:
        watch.run += 1
        watch.since = watch.since or at
    else:
        watch.run, watch.since = 0, 0.0
    if not abs(value) < MOST:
        return
    if alarm:
        watch.frozen += 1
        if watch.frozen % _FROZEN_SHARE:
            return
    watch.seen += 1
    watch.minutes += minutes
    _keep(watch, value)
    if watch.seen <= 4 * _REFRESH or watch.seen % _REFRESH == 0:
        _refresh(watch)


def _keep(watch: Watch, value: float) -> None:
    watch.phase += 1
    if watch.phase < watch.stride:
        return
    watch.phase = 0
    sample = np.frombuffer(watch.sample, dtype=np.float32)
    if len(sample) == _SAMPLE:
        if watch.minutes < _SPAN_MINUTES:
            sample = sample[1::2]
            watch.stride *= 2
        else:
            sample = sample[1:]
    watch.sample = sample.tobytes() + np.float32(value).tobytes()


def _refresh(watch: Watch) -> None:
    values = np.sort(np.frombuffer(watch.sample, dtype=np.float32)).astype(np.float64)
    watch.low, watch.median, watch.high = (_quantile(values, share) for share in (0.1, 0.5, 0.9))
    deviation = _quantile(np.sort(np.abs(values - watch.median)), 0.5)
    watch.spread = max((watch.high - watch.low) / 2.56, 1.48 * deviation)


def _quantile(ordered: NDArray[Any], share: float) -> float:
    at = share * (len(ordered) - 1)
    below = int(at)
    above = min(below + 1, len(ordered) - 1)
    return float(ordered[below] + (at - below) * (ordered[above] - ordered[below]))
