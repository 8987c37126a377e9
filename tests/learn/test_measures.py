"""Ranking, events, intervals and hit rates, held against other implementations' numbers and by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core import InvalidInput
from vedette.learn import (
    Blame,
    EventCounts,
    auprc,
    auroc,
    best_events,
    bootstrap_interval,
    chance_rates,
    count_events,
    group_alarms,
    hit_rates,
    poisson_interval,
    runs,
    vus_pr,
)


def made_up(seed: int, rows: int, *, ties: bool) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    label = np.zeros(rows, np.bool_)
    for start in rng.integers(0, rows - 1, 6):
        label[start : start + int(rng.integers(1, 50))] = True
    score = rng.normal(size=rows) + label * rng.uniform(0.5, 2.0)
    return label, np.round(score, 1) if ties else score


# Of `vus` 0.0.6 (RangeAUC_volume_opt, 250 thresholds) and scikit-learn 1.9, on the very same rows.
KNOWN = [
    (1, 900, 100, False, 0.7352857798455856, 0.5878738479469156, 0.8467073891625616),
    (2, 1500, 100, True, 0.4561452221614014, 0.3207514064140531, 0.8031679012345679),
    (3, 700, 40, False, 0.4537349395357591, 0.3605553313121257, 0.7430815135418716),
    (4, 2000, 100, True, 0.27929279535362056, 0.1759199251332583, 0.7245064868583129),
]


@pytest.mark.parametrize(("seed", "rows", "buffer", "ties", "vus", "precision", "roc"), KNOWN)
def test_rankings_are_those_of_the_authors_package_and_of_scikit_learn(
    *, seed: int, rows: int, buffer: int, ties: bool, vus: float, precision: float, roc: float
) -> None:
    label, score = made_up(seed, rows, ties=ties)
    assert vus_pr(label, score, buffer=buffer) == pytest.approx(vus, abs=1e-12)
    assert auprc(label, score) == pytest.approx(precision, abs=1e-12)
    assert auroc(label, score) == pytest.approx(roc, abs=1e-12)


@given(st.integers(0, 10_000), st.booleans())
def test_only_the_order_of_scores_counts(seed: int, ties: bool) -> None:
    label, score = made_up(seed, 400, ties=ties)
    for measure in (vus_pr, auprc, auroc):
        assert measure(label, score) == pytest.approx(measure(label, np.exp(score)), abs=1e-9)


def test_perfect_scores_are_perfect_by_every_measure() -> None:
    label, _ = made_up(5, 800, ties=False)
    score = label.astype(float)
    assert auroc(label, score) == 1.0
    assert auprc(label, score) == 1.0
    assert vus_pr(label, score) > 0.9


@pytest.mark.parametrize("value", [True, False])
def test_labels_of_one_kind_have_no_ranking(value: bool) -> None:
    label = np.full(50, value)
    for measure in (vus_pr, auprc, auroc):
        with pytest.raises(InvalidInput, match="labels of one kind"):
            measure(label, np.arange(50.0))


def flags(rows: int, *spans: tuple[int, int]) -> np.ndarray:
    found = np.zeros(rows, np.bool_)
    for first, last in spans:
        found[first : last + 1] = True
    return found


def test_runs_and_grouped_alarms() -> None:
    assert runs(flags(10, (0, 1), (4, 4), (9, 9))) == [(0, 1), (4, 4), (9, 9)]
    assert runs(flags(3)) == group_alarms(flags(3)) == []
    assert group_alarms(flags(200, (3, 5), (35, 35), (66, 70))) == [(3, 35), (66, 70)]


def test_events_are_found_within_five_rows_and_alarms_are_right_from_ten_before_to_thirty_after() -> (
    None
):
    label = flags(1000, (100, 120), (400, 410), (700, 700))
    alarm = flags(1000, (95, 95), (440, 440), (689, 689), (850, 860))
    counts = count_events(label, alarm)
    assert counts == EventCounts(events=3, found=1, alarms=4, false=2, loud=12, rows=1000)
    assert counts.recall == 1 / 3
    assert counts.precision == 0.5
    assert counts.false_per_day == 2 * 1440 / 1000
    assert (counts + counts).alarms == 8


def test_the_best_threshold_is_the_one_that_the_labels_choose() -> None:
    label = flags(1000, (100, 120), (400, 410))
    score = label * 5.0 + flags(1000, (800, 801)) * 4.0
    assert best_events(label, score).f1 == 1.0
    assert best_events(label, flags(1000, (800, 801)) * 1.0).f1 == 0.0


def test_an_alarm_without_an_end_is_right_by_the_rules_and_shows_as_loud() -> None:
    label = flags(1000, (100, 120), (400, 410))
    counts = count_events(label, np.ones(1000, np.bool_))
    assert (counts.found, counts.false) == (2, 0)
    assert counts.loud == 1000 - 61 - 51


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0.0, 3.6889), (1, 0.0253, 5.5716), (10, 4.7954, 18.3904), (138, 115.94, 163.04)]
)  # fmt: skip
def test_poisson_intervals_are_exact(count: int, low: float, high: float) -> None:
    assert poisson_interval(count) == pytest.approx((low, high), abs=0.01)


def test_a_bootstrap_interval_holds_the_mean_and_is_the_same_each_time() -> None:
    values = [0.1, 0.4, 0.5, 0.9]
    low, high = bootstrap_interval(values)
    assert low < 0.475 < high
    assert (low, high) == bootstrap_interval(values)
    assert bootstrap_interval([0.3]) == (0.3, 0.3)


def test_hit_rates_count_the_blamed_among_the_first_named() -> None:
    blamed = [Blame(first=0, last=1, metrics=(0, 1)), Blame(first=5, last=6, metrics=(3,))]
    rates = hit_rates(blamed, [np.array([9.0, 1.0, 8.0, 0.0]), np.array([0.0, 0.0, 0.0, 1.0])])
    assert rates.full == (0.5 + 1.0) / 2
    assert rates.half_more == (1.0 + 1.0) / 2
    assert rates.first == 1.0
    chance = chance_rates(blamed, 4)
    assert chance.full == (2 / 4 + 1 / 4) / 2
    assert chance.half_more == (3 / 4 + 1 / 4) / 2
