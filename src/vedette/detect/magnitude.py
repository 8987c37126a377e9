"""The bounds of what a metric can be."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST", "bounds", "can_be", "impossible"]

MOST = 1e15
"""Nothing that is measured on one host gets there, in any unit: a petabyte in memory, or that much sent in a second.

Its square, and sums of many such squares, still are far inside of float32, which the bank keeps them in."""

_NEARLY = float(np.nextafter(MOST, 0.0))


class _Kind(NamedTuple):
    """Metrics whose names start and end so can be `most` at the most."""

    start: str
    end: str
    most: float


_TASKS = 2.0**22  # the kernel has so many process ids, and a thread takes one too
_HELD = 1e9  # each socket or open file takes some hundred bytes of the kernel's own memory
_MADE = 1e9  # a second; making a process takes a processor far longer than a thousand nanoseconds
_BYTES = 1e13  # a second: two hundred network cards of 400 Gbit/s
_EVENTS = 1e12  # a second: more than thousands of processors do
_KINDS = (
    # Shares go from 0 to 1; one that is the quotient of two readings of a clock may be somewhat beyond.
    _Kind("", ".utilization", 1.5),
    _Kind("system.cpu.load_average.", "", _TASKS),
    _Kind("system.cpu.logical.count", "", 65_536.0),
    _Kind("system.processes.", ".rate", _MADE),
    _Kind("system.processes.", "", _TASKS),
    _Kind("system.threads.", "", _TASKS),
    _Kind("system.users.", "", _TASKS),
    _Kind("system.open_files.", "", _HELD),
    _Kind("system.network.connections.", "", _HELD),
    _Kind("system.network.io.", ".rate", _BYTES),
    _Kind("system.disk.io.", ".rate", _BYTES),
    _Kind("system.", ".rate", _EVENTS),
)
"""The first that fits holds; what fits none stays below `MOST`. The bounds are far beyond what is built, not what is usual."""


def bounds(names: Sequence[str]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The least and the most of each metric, float64 [D] each; `MOST` itself is beyond.

    What an operating system counts is never negative.
    """
    both = [_limits(name) for name in names]
    return np.array([least for least, _ in both]), np.array([most for _, most in both])


def can_be(name: str, value: float) -> bool:
    """Whether the metric of this name can have this value."""
    least, most = _limits(name)
    return least <= value <= most


def impossible(metrics: Mapping[str, float]) -> tuple[str, ...]:
    """Names of the metrics with a value that can't be, sorted."""
    wrong = []
    for name, value in metrics.items():
        least, most = _limits(name)
        if not least <= value <= most:
            wrong.append(name)
    return tuple(sorted(wrong))


@lru_cache(maxsize=4096)
def _limits(name: str) -> tuple[float, float]:
    least = 0.0 if name.startswith("system.") else -_NEARLY
    fitting = (k.most for k in _KINDS if name.startswith(k.start) and name.endswith(k.end))
    return least, next(fitting, _NEARLY)
