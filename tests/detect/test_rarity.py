"""How rare a score is: the promised rate of events, bounds, and states."""

from functools import lru_cache
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vedette.detect.rarity import MONTH, SILENT, FleetTail, Rarity

Floats = NDArray[Any]
FLEET = FleetTail()


def run(
    scores: Floats, budget: float, rarity: Rarity | None = None
) -> tuple[NDArray[np.bool_], Rarity]:
    """Alarms [T, H] over scores [T, H], one look a minute."""
    hosts = scores.shape[1]
    rarity = rarity or Rarity.fresh(hosts, FLEET)
    levels, minutes, shift = np.full(hosts, 9.0), np.ones(hosts), log(budget)
    alarms = np.zeros(scores.shape, bool)
    for at, row in enumerate(scores):
        nats = rarity.nats(row)
        alarms[at] = nats + shift > 0.0
        rarity.learn(row, nats, levels=levels, minutes=minutes, shift=shift)
    return alarms, rarity


def events(alarms: NDArray[np.bool_]) -> int:
    """Runs of alarms half an hour apart, over all hosts."""
    return sum(
        int(len(at) > 0) + int((np.diff(at) > 30).sum())
        for at in (np.flatnonzero(column) for column in alarms.T)
    )


def stream(kind: str, looks: int, hosts: int) -> Floats:
    """Scores that come in crowds (a slow wave), with the tail that is named."""
    random = np.random.default_rng(7)
    shocks = {
        "light": lambda: random.normal(0.0, 1.0, (looks, hosts)),
        "exponential": lambda: random.exponential(1.0, (looks, hosts)),
        "heavy": lambda: random.standard_t(3.0, (looks, hosts)),
    }[kind]()
    wave = np.zeros(hosts)
    found = np.empty((looks, hosts))
    for at, shock in enumerate(shocks):
        wave = 0.9 * wave + 0.45 * shock
        found[at] = wave
    return np.maximum(12.0 + 2.0 * found, 0.0)


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", ["light", "exponential", "heavy"])
def test_the_budget_holds_in_events_however_heavy_the_tail_and_crowded_the_rows(kind: str) -> None:
    looks, hosts, budget = 8_640, 24, 30.0
    alarms, _ = run(stream(kind, looks, hosts), budget)
    asked = budget * hosts * looks / MONTH
    assert asked == 144.0
    # Five standard deviations of a Poisson count, and half of them below: a budget is there to be used.
    assert asked / 2 < events(alarms) < asked + 5 * asked**0.5


def test_a_noisy_host_can_not_make_itself_deaf() -> None:
    random = np.random.default_rng(1)
    loud = np.where(random.random((6_000, 1)) < 0.2, random.uniform(20, 60, (6_000, 1)), 10.0)
    _, rarity = run(loud, 1.0)
    assert rarity.offset[0] <= 3.0
    assert rarity.level[0] <= 9.0 + FLEET.level + 8.0
    assert rarity.nats(np.array([150.0]))[0] > 0.0


def test_one_event_is_paid_once_however_long_it_lasts() -> None:
    scores = np.maximum(stream("light", 3_000, 1), 0.0)
    scores[2_000:2_200] = 45.0
    alarms, rarity = run(scores, 0.1)
    assert alarms[2_000:2_200].all()
    assert rarity.offset[0] < 1.0


def test_what_belongs_to_an_open_event_needs_a_nat_less_and_a_new_event_does_not() -> None:
    _, rarity = run(np.full((400, 1), 10.0), 1.0)
    score = np.array([16.0])
    closed = rarity.nats(score)[0]
    rarity.quiet[0] = 29.0
    assert rarity.nats(score)[0] == pytest.approx(closed + 1.0)
    rarity.quiet[0] = 30.0
    assert rarity.nats(score)[0] == closed


def test_a_score_about_the_threshold_is_one_event_and_not_many() -> None:
    scores = np.full((3_200, 1), 10.0)
    _, rarity = run(scores[:3_000], 30.0)
    ladder = np.arange(12.0, 50.0, 0.05)
    told = ladder[[rarity.nats(np.array([s]))[0] + log(30.0) > 0.0 for s in ladder]][0]
    scores = scores[3_000:]
    scores[0] = told
    # Every 29 minutes a little below what opened the event: still the same, and paid once.
    scores[29::29] = told - 0.1
    before = rarity.offset[0]
    alarms, rarity = run(scores, 30.0, rarity)
    assert alarms[29::29].all()
    assert events(alarms) == 1
    assert rarity.offset[0] < before + 1.0


def test_a_false_alarm_of_a_young_host_moves_its_threshold_further() -> None:
    moved = []
    for looks in (300, 3_000):
        scores = np.full((looks + 1, 1), 10.0)
        scores[-1] = 45.0
        alarms, rarity = run(scores[:-1], 100.0)
        before = rarity.offset[0]
        alarms, rarity = run(scores[-1:], 100.0, rarity)
        assert alarms.all()
        moved.append(rarity.offset[0] - before)
    assert moved[0] > 2.0 * moved[1] > 0.0


def test_a_young_host_is_silent_and_then_careful() -> None:
    scores = np.full((320, 1), 10.0)
    _, rarity = run(scores[:299], 1.0)
    assert rarity.nats(np.array([50.0]))[0] == SILENT
    _, rarity = run(scores[299:301], 1.0, rarity)
    early = rarity.nats(np.array([50.0]))[0]
    _, rarity = run(np.full((3_000, 1), 10.0), 1.0, rarity)
    assert SILENT < early < rarity.nats(np.array([50.0]))[0]


@lru_cache
def lived(seed: int) -> Rarity:
    """What is known after 900 scores; only asked, never taught more."""
    random = np.random.default_rng(seed)
    return run(random.exponential(4.0, (900, 1)), 10.0)[1]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.0, 1e6), min_size=2, max_size=2), st.integers(0, 5))
def test_a_higher_score_never_has_fewer_nats(pair: list[float], seed: int) -> None:
    rarity = lived(seed)
    low, high = sorted(pair)
    first, second = rarity.nats(np.array([low]))[0], rarity.nats(np.array([high]))[0]
    assert np.isfinite([first, second]).all()
    assert first <= second


def test_a_state_goes_on_as_it_was_and_hosts_do_not_mix() -> None:
    scores = stream("exponential", 1_200, 3)
    whole, rarity = run(scores, 100.0)
    first, begun = run(scores[:700], 100.0)
    again = Rarity.load([begun.dump(host) for host in range(3)], FLEET)
    then, ended = run(scores[700:], 100.0, again)
    assert (np.concatenate((first, then)) == whole).all()
    _, alone = run(scores[:, 1:2], 100.0)
    assert alone.dump(0) == rarity.dump(1) == ended.dump(1)
    assert len(alone.dump(0)) == 1_120


@pytest.mark.parametrize("damage", ["short", "nan", "negative", "deaf"])
def test_a_state_that_can_not_be_is_refused(damage: str) -> None:
    rarity = Rarity.fresh(1, FLEET)
    if damage == "nan":
        rarity.rate[0] = np.nan
    if damage == "negative":
        rarity.rows[0, 3] = -1.0
    if damage == "deaf":
        rarity.offset[0] = 40.0
    blob = rarity.dump(0)
    with pytest.raises(ValueError, match="tail"):
        Rarity.load([blob[:-3] if damage == "short" else blob], FLEET)
