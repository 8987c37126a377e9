"""How well scores rank labelled rows, whatever the threshold: AUROC, AUPRC, and the volume under the range-aware PR surface.

VUS-PR is Paparrizos et al., "Volume Under the Surface", PVLDB 15(11), 2022, with the constants of TSB-AD (NeurIPS 2024):
buffers of 0 to 100 rows, 250 thresholds. Computed for all thresholds at once, it takes milliseconds a series; the authors'
package `vus` takes seconds, and gives the same numbers (`tests/learn/test_ranking.py` holds some of them).
"""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.core import InvalidInput

__all__ = ["auprc", "auroc", "runs", "vus_pr"]

Floats = NDArray[Any]
Flags = NDArray[np.bool_]


def runs(flags: Flags) -> list[tuple[int, int]]:
    """The stretches of true, as (first, last), both inclusive."""
    edges = np.diff(np.concatenate(([0], flags.astype(np.int8), [0])))
    firsts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    return [(int(first), int(end) - 1) for first, end in zip(firsts, ends, strict=True)]


def auroc(label: Flags, score: Floats) -> float:
    """Area under the receiver operating characteristic; ties count half."""
    _both_kinds(label)
    values, where, counts = np.unique(score, return_inverse=True, return_counts=True)
    del values
    ranks = np.cumsum(counts) - (counts - 1) / 2.0
    wrong = int(label.sum())
    total = float(ranks[where][label].sum()) - wrong * (wrong + 1) / 2.0
    return total / (wrong * (len(label) - wrong))


def auprc(label: Flags, score: Floats) -> float:
    """Average precision: the step-wise area under precision over recall."""
    _both_kinds(label)
    order = np.argsort(-score, kind="stable")
    found = np.cumsum(label[order])
    last = np.append(np.diff(score[order]) != 0, True)
    hits, taken = found[last], np.flatnonzero(last) + 1.0
    return float(np.sum(np.diff(hits, prepend=0) * hits / taken) / found[-1])


def vus_pr(label: Flags, score: Floats, *, buffer: int = 100, thresholds: int = 250) -> float:
    """Mean over buffers of 0 to `buffer` rows of the range-aware average precision at so many thresholds."""
    _both_kinds(label)
    events = runs(label)
    order = np.argsort(-score, kind="stable")
    descending = score[order]
    levels = descending[np.linspace(0, len(score) - 1, thresholds).astype(int)]
    taken = len(score) - np.searchsorted(descending[::-1], levels, side="left")
    hits = np.cumsum(label[order])[taken - 1]
    areas = [
        _area(score, levels, taken, hits, _soft(label, events, width, order), events, width)
        for width in range(buffer + 1)
    ]
    return float(np.mean(areas))


def _area(
    score: Floats,
    levels: Floats,
    taken: Floats,
    hits: Floats,
    soft: Floats,
    events: list[tuple[int, int]],
    width: int,
) -> float:
    near = np.cumsum(soft)[taken - 1]
    found = hits + near
    wanted = hits[-1] + near / 2.0
    reached = _reached(score, levels, events, width)
    recall = np.minimum(found / wanted, 1.0) * reached
    return float(np.sum(np.diff(recall, prepend=0.0) * found / taken))


def _soft(label: Flags, events: list[tuple[int, int]], width: int, order: Floats) -> Floats:
    """What rows beside an event are worth, in the order of the scores: less with each row, and nothing past half the buffer."""
    worth, half = np.zeros(len(label)), width // 2
    for first, last in events:
        after = np.arange(last + 1, min(last + half + 1, len(label)))
        worth[after] += np.sqrt(1.0 - (after - last) / max(width, 1))
        before = np.arange(max(first - half, 0), first)
        worth[before] += np.sqrt(1.0 - (first - before) / max(width, 1))
    worth = np.where(label, 0.0, np.minimum(worth, 1.0))
    return worth[order]


def _reached(score: Floats, levels: Floats, events: list[tuple[int, int]], width: int) -> Floats:
    """At each threshold, the share of events (widened, and joined where they meet) in which any row passes it."""
    half = width // 2
    joined = [[max(events[0][0] - half, 0), 0]]
    for (_, last), (first, _) in pairwise(events):
        if last + half < first - half:
            joined[-1][1] = last + half
            joined.append([first - half, 0])
    joined[-1][1] = min(events[-1][1] + half, len(score) - 1)
    most = np.sort([score[first : last + 1].max() for first, last in joined])
    passed = len(most) - np.searchsorted(most, levels, side="left")
    return np.asarray(passed / len(most))


def _both_kinds(label: Flags) -> None:
    if label.all() or not label.any():
        raise InvalidInput("labels of one kind alone: no ranking can be measured on them")
