"""The bound of what a metric can be, in any unit."""

from collections.abc import Mapping

__all__ = ["MOST", "clipped", "impossible"]

MOST = 1e15
"""Nothing that is measured on one host gets there: a petabyte in memory, or that much sent in a second.

Its square, and sums of many such squares, still are far inside of float32, which the bank keeps them in."""


def clipped(value: float) -> float:
    """The value, or the bound that it passes."""
    return max(-MOST, min(MOST, value))


def impossible(metrics: Mapping[str, float]) -> tuple[str, ...]:
    """Names of the metrics with a value that can't be, sorted."""
    return tuple(sorted(name for name, value in metrics.items() if not abs(value) < MOST))
