"""The bounds of what a metric can be."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST", "bounds", "clipped", "impossible"]

MOST = 1e15
"""Nothing that is measured on one host gets there, in any unit: a petabyte in memory, or that much sent in a second.

Its square, and sums of many such squares, still are far inside of float32, which the bank keeps them in."""

_FULL = 1.5
"""Shares go from 0 to 1; one that is the quotient of two readings of a clock may be somewhat beyond."""


def bounds(names: Sequence[str]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The least and the most of each metric, float64 [D] each; `MOST` itself is beyond.

    What an operating system counts is never negative, and what is called a utilization is a share.
    """
    least = [0.0 if name.startswith("system.") else -_NEARLY for name in names]
    most = [_FULL if name.endswith(".utilization") else _NEARLY for name in names]
    return np.array(least), np.array(most)


_NEARLY = float(np.nextafter(MOST, 0.0))


def clipped(value: float) -> float:
    """The value, or the bound that it passes."""
    return max(-MOST, min(MOST, value))


def impossible(metrics: Mapping[str, float]) -> tuple[str, ...]:
    """Names of the metrics with a value that can't be, sorted."""
    return tuple(sorted(name for name, value in metrics.items() if not _can_be(name, value)))


def _can_be(name: str, value: float) -> bool:
    if not abs(value) < MOST:
        return False
    if value < 0.0:
        return not name.startswith("system.")
    return value <= _FULL or not name.endswith(".utilization")
