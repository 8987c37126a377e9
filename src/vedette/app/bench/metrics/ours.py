"""The detector under test: the vitals expert's own stream, all series of one layout at once, as a server takes its hosts."""

from collections.abc import Callable, Sequence
from time import process_time
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.app.bench.metrics.candidate import Warmup
from vedette.app.bench.metrics.series import Series
from vedette.detect import VitalsStream

__all__ = ["NAME", "Watched", "watch"]

NAME = "vedette"
Floats = NDArray[Any]
Flags = NDArray[np.bool_]


class Watched(msgspec.Struct, kw_only=True):
    """One series as it was seen: `score` and `alarm` for each row that was streamed, of which `before` precede test.

    `shares` has, for each event with metrics to blame, how much each metric [D] had to do with it.
    """

    score: Floats
    alarm: Flags
    before: int
    cpu_us: float
    state_bytes: int
    shares: list[Floats]


def watch(
    group: Sequence[Series],
    warmup: Warmup,
    *,
    per_month: float,
    blame: bool = False,
    told: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[Watched]:
    """Streams series of one layout, each a host, from a cold start. Series that are over send no more rows."""
    befores = [len(one.train) if warmup == "train" else 0 for one in group]
    lengths = [before + len(one.test) for before, one in zip(befores, group, strict=True)]
    names = [f"m{place:03d}" for place in range(group[0].size)]
    stream = VitalsStream(names, len(group), per_month=per_month)
    blames = [_Blames(one, before) for one, before in zip(group, befores, strict=True)]
    score = np.zeros((max(lengths), len(group)))
    alarm = np.zeros(score.shape, np.bool_)
    spent = 0.0
    for at in range(len(score)):
        rows = np.stack([_row(one, before, at) for one, before in zip(group, befores, strict=True)])
        began = process_time()
        reading = stream.step(rows)
        spent += process_time() - began
        score[at], alarm[at] = reading.score, reading.alarm
        if blame and any(each.wants(at) for each in blames):
            for each, share, one in zip(blames, reading.shares(), reading.score, strict=True):
                each.take(at, share, float(one))
        if at % 100 == 0:
            told(at, len(score))
    told(len(score), len(score))
    size = stream.state_bytes
    return [
        Watched(
            score=score[:length, host].copy(),
            alarm=alarm[:length, host].copy(),
            before=befores[host],
            cpu_us=spent / sum(lengths) * 1e6,
            state_bytes=size,
            shares=blames[host].shares,
        )
        for host, length in enumerate(lengths)
    ]


def _row(one: Series, before: int, at: int) -> Floats:
    if at < before:
        return np.asarray(one.train[at])
    if at - before < len(one.test):
        return np.asarray(one.test[at - before])
    return np.full(one.size, np.nan)


class _Blames:
    """Gathers each event's shares over its rows, a row weighing its score."""

    def __init__(self, one: Series, before: int) -> None:
        self.shares = [np.zeros(one.size) for _ in one.blamed]
        self._rows: dict[int, list[int]] = {}
        for event, blame in enumerate(one.blamed):
            for row in range(before + blame.first, before + blame.last + 1):
                self._rows.setdefault(row, []).append(event)

    def wants(self, at: int) -> bool:
        return at in self._rows

    def take(self, at: int, share: Floats, score: float) -> None:
        for event in self._rows.get(at, ()):
            self.shares[event] += share * score
