"""Metrics that tremble, and what the bank says of them."""

from random import Random
from typing import Any

import msgspec
from tests.fixtures.quiet_host import quiet_snapshots

from vedette.core import Snapshot
from vedette.detect import View
from vedette.detect.vitals import VitalsExpert
from vedette.detect.vitals.past import VitalsState
from vedette.detect.vitals.wave import look

__all__ = ["noise", "scores", "with_values"]


def with_values(rows: list[dict[str, float]], **more: Any) -> list[Snapshot]:
    snapshots = quiet_snapshots(len(rows), **more)
    return [msgspec.structs.replace(s, metrics=row) for s, row in zip(snapshots, rows, strict=True)]


def noise(count: int, *, seed: int = 2) -> list[dict[str, float]]:
    random = Random(seed)
    found = []
    for _ in range(count):
        a, b = random.gauss(0, 1), random.gauss(0, 1)
        found.append({"a": 10 + a, "b": 20 + 2 * a + 0.1 * b, "c": 5 + b, "still": 7.0})
    return found


def scores(seen: list[View], state: VitalsState | None = None) -> tuple[list[float], VitalsState]:
    """The bank's score of every view, none of them an alarm, and the state after all."""
    expert = VitalsExpert({})
    state, found = state or expert.fresh(), []
    for view in seen:
        (state.note,) = look([view], [state])
        found.append(float(state.note.group.bank.score[0]))
        (state,) = expert.learn([view], [state], [False])
    return found, state
