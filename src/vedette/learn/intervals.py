"""How far counts and means can be trusted: exact Poisson intervals, and the bootstrap over series."""

from collections.abc import Callable, Sequence
from math import exp, lgamma, log

import numpy as np

__all__ = ["bootstrap_interval", "poisson_interval"]

_TAIL = 0.025
_RESAMPLES = 2000


def poisson_interval(count: int) -> tuple[float, float]:
    """The 95 % interval of the mean of which `count` was seen (Garwood 1936)."""
    lower = 0.0 if count == 0 else _solve(lambda mean: 1.0 - _at_most(count - 1, mean) < _TAIL)
    return lower, _solve(lambda mean: _at_most(count, mean) > _TAIL)


def bootstrap_interval(values: Sequence[float], *, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile interval of the mean, series drawn with replacement."""
    drawn = np.random.default_rng(seed).choice(np.asarray(values), (_RESAMPLES, len(values)))
    low, high = np.quantile(drawn.mean(axis=1), (_TAIL, 1.0 - _TAIL))
    return float(low), float(high)


def _at_most(count: int, mean: float) -> float:
    if mean <= 0.0:
        return 1.0
    return sum(exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(count + 1))


def _solve(is_too_small: Callable[[float], bool]) -> float:
    """The mean at which the answer turns from true to false."""
    low, high = 0.0, 1.0
    while is_too_small(high):
        low, high = high, 2.0 * high
    for _ in range(60):
        middle = (low + high) / 2.0
        low, high = (middle, high) if is_too_small(middle) else (low, middle)
    return (low + high) / 2.0
