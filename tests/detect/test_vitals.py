"""Vitals: the gauges, the bank and their state."""

from itertools import pairwise
from random import Random
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts.expert_suite import run, views
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.core import ConfigError, Snapshot
from vedette.detect import Case
from vedette.detect.vitals import VitalsExpert, fit
from vedette.detect.vitals.bank import (
    attribute,
    dump_bank,
    fresh_bank,
    load_bank,
    read_bank,
    update_bank,
)
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.tail import Tail, threshold, update_tail
from vedette.detect.vitals.watch import Watch, read_watch, update_watch

MEMORY = next(g for g in GAUGES if g.metric == "system.memory.utilization")
CPU = next(g for g in GAUGES if g.metric == "system.cpu.utilization")


def with_metric(name: str, values: list[float], *, every: float = 60.0) -> list[Snapshot]:
    snapshots = quiet_snapshots(len(values), every=every)
    return [changed(s, metrics={name: v}) for s, v in zip(snapshots, values, strict=True)]


def loud(cases: list[tuple[Case, ...]]) -> list[int]:
    return [at for at, some in enumerate(cases) if any(case.nats > 0 for case in some)]


def test_a_leak_of_memory_is_said_in_plain_words() -> None:
    leak = [0.22] * 60 + [0.22 + 0.02 * n for n in range(25)]
    cases, _ = run(VitalsExpert({}), views(with_metric("system.memory.utilization", leak)))
    first = loud(cases)[0]
    assert 60 < first < 72
    case = next(case for case in cases[first] if case.nats > 0)
    assert case.subject == "metric:system.memory.utilization"
    assert case.text.startswith("Memory utilization 0.")
    assert "usually 0.22; high for" in case.text
    assert case.attack is None
    assert case.since is not None


def test_a_spike_of_one_snapshot_is_no_alarm() -> None:
    values = [0.22] * 60 + [0.9] + [0.22] * 5
    cases, _ = run(VitalsExpert({}), views(with_metric("system.memory.utilization", values)))
    assert not loud(cases)


def test_an_alarm_ends_when_its_cause_does() -> None:
    values = [0.22] * 60 + [0.9] * 10 + [0.22] * 5
    cases, _ = run(VitalsExpert({}), views(with_metric("system.memory.utilization", values)))
    assert loud(cases)
    assert loud(cases)[-1] <= 70


def test_a_few_minutes_of_full_cpu_are_honest_work() -> None:
    values = [0.05] * 120 + [1.0] * 8 + [0.05] * 20
    cases, _ = run(VitalsExpert({}), views(with_metric("system.cpu.utilization", values)))
    assert not loud(cases)


def test_a_long_rise_of_cpu_is_found() -> None:
    values = [0.05] * 120 + [1.0] * 22
    cases, _ = run(VitalsExpert({}), views(with_metric("system.cpu.utilization", values)))
    assert loud(cases)


@pytest.mark.parametrize("busy", [5, 15, 30])
def test_looking_every_second_does_not_make_a_short_life_a_long_one(busy: int) -> None:
    random = Random(3)  # noqa: S311 - makes no secret
    values = [0.05] * 45 + [random.uniform(0.9, 1.0) for _ in range(busy)] + [0.05] * 10
    snapshots = with_metric("system.cpu.utilization", values, every=1.0)
    crowd = [6.0] * 45 + [90.0] * busy + [6.0] * 10
    snapshots = [
        changed(s, metrics={"system.processes.count": n, "system.processes.created.rate": n})
        for s, n in zip(snapshots, crowd, strict=True)
    ]
    cases, _ = run(VitalsExpert({}), views(snapshots))
    assert not loud(cases)


def test_the_first_flutter_of_a_constant_counter_is_no_alarm() -> None:
    values = [0.0] * 400 + [1.0, 0.0, 2.0, 2.0, 1.0]
    cases, _ = run(VitalsExpert({}), views(with_metric("system.network.errors.rate", values)))
    assert not loud(cases)


def test_what_stays_in_alarm_becomes_usual_ten_times_slower() -> None:
    def minutes_until_usual(*, alarm: bool) -> int:
        watch = Watch()
        for _ in range(120):
            reading = read_watch(watch, MEMORY, 0.2, 1.0)
            update_watch(watch, reading, 0.2, minutes=1.0, at=1.0, alarm=False)
        for minute in range(1, 5000):
            reading = read_watch(watch, MEMORY, 0.8, 1.0)
            update_watch(watch, reading, 0.8, minutes=1.0, at=1.0, alarm=alarm)
            if minute > 5 and reading.nats < 1.0:
                return minute
        raise AssertionError("never learned")

    assert minutes_until_usual(alarm=True) > 8 * minutes_until_usual(alarm=False)


def test_a_watch_keeps_its_sample_bounded_and_spanning() -> None:
    watch = Watch()
    for minute in range(3000):
        value = minute / 3000
        update_watch(
            watch, read_watch(watch, CPU, value, 1.0), value, minutes=1.0, at=1.0, alarm=False
        )
    sample = np.frombuffer(watch.sample, np.float32)
    assert len(sample) <= 64
    assert sample[0] < 0.15
    assert sample[-1] > 0.9
    assert 0.3 < watch.median < 0.7


def rows(count: int, *, seed: int = 2) -> list[dict[str, float]]:
    random = Random(seed)  # noqa: S311 - makes no secret
    found = []
    for _ in range(count):
        a, b = random.gauss(0, 1), random.gauss(0, 1)
        found.append({"a": 10 + a, "b": 20 + 2 * a + 0.1 * b, "c": 5 + b, "still": 7.0})
    return found


def bank_after(some: list[dict[str, float]]) -> Any:
    bank = fresh_bank()
    for row in some:
        bank = update_bank(bank, read_bank(bank, row), row, pace=1.0)
    return bank


def test_the_bank_finds_what_breaks_a_relation_and_names_it() -> None:
    bank = bank_after(rows(400))
    usual = max(read_bank(bank, row).score for row in rows(50, seed=9))
    broken = {"a": 11.5, "b": 17.0, "c": 5.0, "still": 7.0}
    reading = read_bank(bank, broken)
    assert reading.score > usual + 1.0
    shares = attribute(bank, reading)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["a"] + shares["b"] > 0.8


def test_the_bank_is_lossless_in_bytes() -> None:
    bank = bank_after(rows(45))
    again = load_bank(msgspec.msgpack.decode(msgspec.msgpack.encode(dump_bank(bank))))
    for row in rows(60, seed=4):
        one, other = read_bank(bank, row), read_bank(again, row)
        assert one.score == other.score
        bank, again = (
            update_bank(bank, one, row, pace=1.0),
            update_bank(again, other, row, pace=1.0),
        )


def test_a_metric_that_was_not_sent_leaves_its_filters_alone() -> None:
    bank = bank_after(rows(50))
    row = rows(51)[-1]
    del row["a"]
    before = bank.filters[:, bank.names.index("a")].copy()
    after = update_bank(bank, read_bank(bank, row), row, pace=1.0)
    assert (after.filters[:, after.names.index("a")] == before).all()


def test_a_new_metric_joins_without_a_shock() -> None:
    bank = bank_after(rows(320))
    for at, row in enumerate(rows(80, seed=6)):
        more = row | {"new": float(at % 7)}
        reading = read_bank(bank, more)
        assert reading.score < 25.0
        bank = update_bank(bank, reading, more, pace=1.0)
    assert "new" in bank.names


def test_a_bank_takes_no_more_than_64_metrics() -> None:
    wide = {f"m{n:03d}": float(n) for n in range(500)}
    assert len(bank_after([wide, wide]).names) == 64


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcdef"), st.floats(-1e18, 1e18), max_size=6),
        min_size=1,
        max_size=40,
    )
)
def test_the_bank_stays_finite_on_any_numbers(some: list[dict[str, float]]) -> None:
    bank = fresh_bank()
    for row in some:
        reading = read_bank(bank, row)
        assert np.isfinite(reading.score)
        bank = update_bank(bank, reading, row, pace=1.0)


def test_the_tail_gives_the_score_that_is_passed_so_often() -> None:
    tail = Tail()
    for minute in range(14_400):
        score = 30.0 if minute % 1440 == 7 else 5.0 + (minute % 10) / 10
        update_tail(tail, score, minutes=1.0, rare=False)
    assert threshold(tail, per_day=0.2) > 30.0
    assert 5.0 < threshold(tail, per_day=5.0) < 7.0
    assert threshold(Tail(), per_day=1.0) > 50.0


def test_a_rare_score_counts_a_tenth_in_the_tail() -> None:
    calm, upset = Tail(), Tail()
    update_tail(calm, 3.0, minutes=1.0, rare=False)
    update_tail(upset, 3.0, minutes=1.0, rare=True)
    weights = [np.frombuffer(t.bins, np.float32).sum() for t in (calm, upset)]
    assert weights[1] == pytest.approx(weights[0] / 10)


def test_the_whole_speaks_only_after_a_day_and_twice_in_a_row() -> None:
    expert = VitalsExpert({"threshold": 1e9})
    random = Random(8)  # noqa: S311 - makes no secret
    snapshots = with_metric("some.queue", [random.gauss(10, 1) for _ in range(1600)])
    for at in range(1590, 1600):
        odd = {"some.queue": 60.0, "system.open_files.count": 20.0, "system.threads.count": 1.0}
        snapshots[at] = changed(snapshots[at], metrics=odd)
    cases, _ = run(expert, views(snapshots))
    said = [at for at, some in enumerate(cases) for case in some if case.subject == "metrics"]
    assert said
    assert said[0] >= 1440
    assert loud(cases)
    assert set(loud(cases)) <= set(range(1591, 1600))
    loudest = next(c for c in cases[loud(cases)[0]] if c.subject == "metrics")
    assert loudest.nats <= 1.0
    assert "unlike this host's past" in loudest.text


def test_fit_sets_thresholds_above_all_that_was_said_in_peace() -> None:
    part = fit([list(quiet_snapshots(60, seed=seed)) for seed in (1, 2)])
    assert part["threshold"] >= 6.5
    assert all(value >= 6.5 for value in part["thresholds"].values())
    assert fit([list(quiet_snapshots(60))]) == fit([list(quiet_snapshots(60))])


def test_a_part_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="vitals"):
        VitalsExpert({"threshold": "high"})


def test_time_standing_still_or_going_back_is_survived() -> None:
    snapshots = [changed(s, taken_at=s.taken_at.replace(minute=0)) for s in quiet_snapshots(50)]
    assert all(b.taken_at <= a.taken_at or b.taken_at.hour for a, b in pairwise(snapshots))
    run(VitalsExpert({}), views(snapshots))
