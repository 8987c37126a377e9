"""Vitals: the gauges, the bank and their state."""

from itertools import pairwise
from random import Random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contracts.expert_suite import run, views
from tests.detect.noise import noise, scores, with_values
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.core import ConfigError, Snapshot
from vedette.detect import Case, View
from vedette.detect.vitals import VitalsExpert, fit, study
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.watches import (
    EXACT,
    ROUGH,
    Watches,
    learn_watches,
    read_watches,
)

MEMORY = [g.metric for g in GAUGES].index("system.memory.utilization")
CPU = [g.metric for g in GAUGES].index("system.cpu.utilization")
ONE = np.ones(1)


def with_metric(name: str, values: list[float], *, every: float = 60.0) -> list[Snapshot]:
    snapshots = quiet_snapshots(len(values), every=every)
    return [changed(s, metrics={name: v}) for s, v in zip(snapshots, values, strict=True)]


def loud(cases: list[tuple[Case, ...]]) -> list[int]:
    return [at for at, some in enumerate(cases) if any(case.nats > 0 for case in some)]


def test_a_leak_of_memory_is_said_in_plain_words() -> None:
    leak = [0.22] * 60 + [0.22 + 0.02 * n for n in range(25)]
    cases, _ = run(VitalsExpert({}), views(with_metric("system.memory.utilization", leak)))
    first = loud(cases)[0]
    assert 60 < first <= 64
    case = next(case for case in cases[first] if case.nats > 0)
    assert case.subject == "metric:system.memory.utilization"
    assert case.text.startswith("Memory utilization 0.")
    assert "growing by 2 percent a minute" in case.text
    assert "usually 0.22; full in about 3" in case.text
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
    random = Random(3)
    values = [0.05] * 45 + [random.uniform(0.9, 1.0) for _ in range(busy)] + [0.05] * 10
    snapshots = with_metric("system.cpu.utilization", values, every=1.0)
    crowd = [6.0] * 45 + [90.0] * busy + [6.0] * 10
    snapshots = [
        changed(s, metrics={"system.processes.count": n, "system.processes.created.rate": n})
        for s, n in zip(snapshots, crowd, strict=True)
    ]
    cases, _ = run(VitalsExpert({}), views(snapshots))
    assert not loud(cases)


@pytest.mark.no_cover
def test_the_first_flutter_of_a_constant_counter_is_no_alarm() -> None:
    values = [0.0] * 400 + [1.0, 0.0, 2.0, 2.0, 1.0]
    cases, _ = run(VitalsExpert({}), views(with_metric("system.network.errors.rate", values)))
    assert not loud(cases)


def fresh_watches() -> Watches:
    watches = Watches(np.zeros((1, EXACT)), np.zeros((1, ROUGH), np.float32))
    watches.begin()
    return watches


def watch(watches: Watches, gauge: int, value: float, *, alarm: bool = False) -> float:
    """The nats of one value a minute after the one before, which is then learned."""
    values = np.full((1, len(GAUGES)), np.nan)
    values[0, gauge] = value
    reading = read_watches(watches, values, ONE, ONE < 0)
    learn_watches(
        watches, reading, values, minutes=ONE, at=ONE, alarms=np.array([alarm]), booting=ONE < 0
    )
    return float(reading.nats[0, gauge])


def test_what_stays_in_alarm_becomes_usual_ten_times_slower() -> None:
    def minutes_until_usual(*, alarm: bool) -> int:
        watches = fresh_watches()
        for _ in range(120):
            watch(watches, MEMORY, 0.2)
        for minute in range(1, 5000):
            if watch(watches, MEMORY, 0.8, alarm=alarm) < 1.0 and minute > 5:
                return minute
        raise AssertionError("never learned")

    assert minutes_until_usual(alarm=True) > 8 * minutes_until_usual(alarm=False)


def test_a_watch_keeps_its_sample_bounded_and_spanning() -> None:
    watches = fresh_watches()
    for minute in range(3000):
        watch(watches, CPU, minute / 6000)
    sample = watches.sample[0, CPU, : int(watches.filled[0, CPU])]
    assert 14 <= len(sample) <= 28
    assert sample[0] < 0.075
    assert sample[-1] > 0.45
    assert 0.15 < watches.median[0, CPU] < 0.35
    for minute in range(6000):
        watch(watches, CPU, 0.5 + minute / 12_000)
    assert watches.sample[0, CPU, 0] > 0.15


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from("abcdef"), st.floats(), max_size=6),
            st.one_of(st.none(), st.floats(-1e6, 1e9)),
            st.floats(-1e18, 1e18),
            st.booleans(),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_no_numbers_leave_a_state_that_is_unsound(
    some: list[tuple[dict[str, float], float | None, float, bool]],
) -> None:
    expert = VitalsExpert({})
    state = expert.fresh()
    for count, (row, elapsed, boot, alarm) in enumerate(some):
        (snapshot,) = with_values([row])
        host = msgspec.structs.replace(snapshot.host, boot_time=boot)
        snapshot = msgspec.structs.replace(snapshot, host=host)
        view = View(snapshot=snapshot, count=count, elapsed=elapsed)
        (cases,) = expert.judge([view], [state])
        assert all(np.isfinite(case.nats) for case in cases)
        (state,) = expert.learn([view], [state], [alarm])
        state = expert.load(msgspec.msgpack.decode(msgspec.msgpack.encode(expert.dump(state))))
        assert not state.lost


def test_a_state_of_version_1_keeps_its_gauges_and_says_that_the_bank_is_new() -> None:
    sample = np.full(20, 0.25, np.float32).tobytes()
    watch = [sample, 1, 0, 20, 20.0, 0.1, 0.2, 0, 0.0, 0, 0.25, 0.2, 0.3, 0.05]
    raw = [1, {"system.memory.utilization": watch}, [[], 0, 0.0], [b"", 1.0, 0.0], -50.0]
    expert = VitalsExpert({})
    state = expert.load(raw)
    watches = state.past().watches
    assert watches.median[0, MEMORY] == 0.25
    assert watches.filled[0, MEMORY] == 20
    (view,) = views(list(quiet_snapshots(1)))
    assert expert.doubts(view, state)[0][0] == "state:vitals"
    (after,) = expert.learn([view], [state], [False])
    assert not expert.doubts(view, after)


def test_fit_sets_thresholds_above_all_that_was_said_in_peace() -> None:
    studies = [study(quiet_snapshots(60, seed=seed)) for seed in (1, 2)]
    part = fit(studies)
    assert part["threshold"] >= 6.5
    assert all(value >= 6.5 for value in part["thresholds"].values())
    assert study(quiet_snapshots(60, seed=1)) == studies[0]
    assert fit(studies[:1])["threshold"] <= part["threshold"]


def test_a_part_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="vitals"):
        VitalsExpert({"threshold": "high"})


def test_time_standing_still_or_going_back_is_survived() -> None:
    snapshots = [changed(s, taken_at=s.taken_at.replace(minute=0)) for s in quiet_snapshots(50)]
    assert all(b.taken_at <= a.taken_at or b.taken_at.hour for a, b in pairwise(snapshots))
    run(VitalsExpert({}), views(snapshots))


@pytest.mark.parametrize("version", [2, 3, 6])
def test_a_state_of_a_version_that_was_never_released_is_refused(version: int) -> None:
    with pytest.raises(ValueError, match=f"version {version}"):
        VitalsExpert({}).load([version, b"\x90", b""])


def test_a_gauge_that_crept_far_from_its_anchor_is_told_as_such() -> None:
    expert = VitalsExpert({})
    *life, last = views(with_metric("system.memory.utilization", [0.6] * 62))
    _, state = run(expert, life)
    anchors = state.past().anchors
    anchors.value[0, MEMORY], anchors.minutes[0, MEMORY] = 0.22, 20_000.0
    (cases,) = expert.judge([last], [state])
    case = next(case for case in cases if case.nats > 0)
    assert case.subject == "metric:system.memory.utilization"
    assert case.text.startswith("Memory utilization crept up to 0.6")
    assert case.expected == "about 0.22, as in the last weeks"


def test_a_damaged_anchor_costs_its_gauge_alone() -> None:
    expert = VitalsExpert({})
    _, state = run(expert, views(with_metric("system.memory.utilization", [0.2] * 40)))
    state.past().anchors.mean[0, MEMORY] = np.nan
    mended = expert.load(msgspec.msgpack.decode(msgspec.msgpack.encode(expert.dump(state))))
    assert mended.lost == ["system.memory.utilization"]
    assert mended.past().anchors.minutes[0, MEMORY] == 0.0
    assert mended.past().anchors.minutes[0, CPU] > 0.0


def test_the_bank_has_its_share_of_the_budget_and_no_more() -> None:
    expert = VitalsExpert({})
    *life, last = views(with_values([*noise(400), noise(1)[0] | {"a": 25.0}]))
    _, state = scores(life)
    state.past().banks.units[0] = 2_000.0
    (cases,) = expert.judge([last], [state])
    rare = float(state.note.group.nats[0])
    case = next(case for case in cases if case.subject == "metrics")
    assert case.nats == pytest.approx(rare + np.log(0.4))
    assert rare < 3.0
