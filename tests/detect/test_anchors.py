"""The absolute memory of a gauge: small steps, jumps, cycles, thaw and its bounds."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vedette.detect.vitals.anchors import ANCHORED, Anchors, crept, learn_anchors
from vedette.detect.vitals.gauges import GAUGES

Floats = NDArray[Any]

DAY = 144  # looks of ten minutes
MEMORY = next(at for at, g in enumerate(GAUGES) if g.metric == "system.memory.utilization")


def life(levels: Floats, *, seed: int = 5) -> tuple[list[int], Anchors]:
    """The looks in which memory at these levels, a little noisy, is told high; a look every ten minutes."""
    noise = np.random.default_rng(seed).normal(0.0, 0.01, len(levels))
    anchors = Anchors(np.zeros((1, len(GAUGES))), np.zeros((1, ANCHORED), np.float32))
    told = []
    for at, level in enumerate(levels + noise):
        values = np.full((1, len(GAUGES)), np.nan)
        values[0, MEMORY] = level
        learn_anchors(anchors, values, np.full(1, 10.0), np.zeros(1))
        if crept(anchors)[0, MEMORY] > 0.0:
            told.append(at)
    return told, anchors


def steps(count: int, looks: int, height: float) -> Floats:
    """Three quiet days, then up in so many steps, each of so many looks, and two days there."""
    rise = np.repeat(np.arange(1, count + 1) / count, looks)
    return 0.3 + height * np.concatenate((np.zeros(3 * DAY), rise, np.ones(2 * DAY)))


@pytest.mark.parametrize("count", [1, 10, 100, 1_000])
def test_a_rise_is_told_in_however_many_steps_it_comes(count: int) -> None:
    told, _ = life(steps(count, 2, 0.4))
    assert told
    assert told[0] >= 3 * DAY


@pytest.mark.no_cover
def test_what_is_slower_than_a_fifth_of_its_deviation_a_day_is_learned() -> None:
    days = 120
    told, _ = life(0.3 + 0.001 * np.arange(days * DAY) / DAY)
    assert told == []


def test_a_rise_that_stays_is_told_for_a_day_of_looks_and_then_usual() -> None:
    told, anchors = life(0.3 + 0.4 * (np.arange(2_500) >= 3 * DAY))
    assert told
    assert len(told) == pytest.approx(1_440, abs=5)
    assert anchors.value[0, MEMORY] == pytest.approx(0.7, abs=0.02)


def test_a_job_of_each_night_is_usual() -> None:
    levels = np.where(np.arange(20 * DAY) % DAY < 6, 0.9, 0.2)
    assert life(levels)[0] == []


def test_nothing_that_is_sent_moves_it_faster_than_its_bound() -> None:
    quiet, before = life(np.full(5 * DAY, 0.3))
    assert not quiet
    value, apart = before.value[0, MEMORY], before.apart[0, MEMORY]
    values = np.full((1, len(GAUGES)), np.nan)
    values[0, MEMORY] = 1e12
    for _ in range(DAY):
        learn_anchors(before, values, np.full(1, 10.0), np.zeros(1))
    assert before.value[0, MEMORY] - value < 0.25 * max(apart, 0.015)
    assert np.isfinite(before.value).all()


def test_what_is_not_sent_changes_nothing() -> None:
    _, anchors = life(np.full(2 * DAY, 0.3))
    before = anchors.value.copy()
    learn_anchors(anchors, np.full((1, len(GAUGES)), np.nan), np.full(1, 10.0), np.zeros(1))
    assert (anchors.value == before).all()
