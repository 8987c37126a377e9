"""Puts an expert's nats on the judge's scale: by what it said of normal hosts that it had not learned from."""

from collections.abc import Iterable, Sequence
from math import log

import numpy as np

from vedette.detect import Scale

__all__ = ["fit_scale", "peaks"]

_APART = 30.0  # minutes between two events, as in the budget
_KNOTS = (-6.0, -5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 18.0)
_BELIEVED = 1.0  # host-months that the odds themselves are worth
_TAIL = 10  # the loudest events, of which the tail is fitted when there are twice as many
_STEEPEST = 0.5
_MOST_RISE = 2.0


def peaks(said: Iterable[tuple[float, float]]) -> list[float]:
    """The loudest of each event in (minute, nats) of one host, in order; what lies half an hour apart is another event."""
    found: list[float] = []
    last = -np.inf
    for minute, nats in said:
        if minute - last > _APART:
            found.append(nats)
        else:
            found[-1] = max(found[-1], nats)
        last = minute
    return found


def fit_scale(loudest: Sequence[float], months: float, share: float) -> Scale:
    """The line on which a voice that may take `share` of one incident a host-month says as much as it is worth.

    `loudest` are the peaks of its harmless events in `months` host-months of normal life. The rate of events above x nats
    is drawn from them and from what log posterior odds promise, share * e^-x (a likelihood ratio passes t in at most 1/t
    of normal cases); the promise weighs as much as one host-month. The body is the count itself, the tail above the tenth
    loudest a generalised-Pareto one by moments. Few data move little; data never make a voice surer than its odds by
    more than two nats.
    """
    ordered = np.sort(np.asarray(loudest, dtype=np.float64))[::-1]
    nats: list[float] = []
    for knot in _KNOTS:
        promised = share * np.exp(-knot) * _BELIEVED
        rate = (_above(ordered, knot) + promised) / (months + _BELIEVED)
        worth = min(log(share / rate), knot + _MOST_RISE)
        nats.append(round(max(worth, nats[-1] if nats else worth), 3))
    return Scale(at=_KNOTS, nats=tuple(nats))


def _above(ordered: np.ndarray[tuple[int], np.dtype[np.float64]], nats: float) -> float:
    count = float((ordered > nats).sum())
    if len(ordered) < 2 * _TAIL or count > _TAIL:
        return count
    start = ordered[_TAIL]
    excess = ordered[:_TAIL] - start
    mean, spread = float(excess.mean()), float(excess.var(ddof=1))
    if mean <= 0.0:
        return count
    shape = min(max(0.5 * (1.0 - mean**2 / max(spread, 1e-9)), 0.0), _STEEPEST)
    scale = mean * (1.0 - shape)
    over = max(nats - start, 0.0) / scale
    return float(
        _TAIL * (np.exp(-over) if shape < 1e-6 else (1.0 + shape * over) ** (-1.0 / shape))
    )
