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

from vedette.core import ConfigError, HostId, Snapshot
from vedette.detect import Case, View
from vedette.detect.vitals import VitalsExpert, fit, study
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.past import VitalsState
from vedette.detect.vitals.watches import (
    EXACT,
    ROUGH,
    Watches,
    learn_watches,
    read_watches,
)
from vedette.detect.vitals.wave import look

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
        watch(watches, CPU, minute / 3000)
    sample = watches.sample[0, CPU, : int(watches.filled[0, CPU])]
    assert 14 <= len(sample) <= 28
    assert sample[0] < 0.15
    assert sample[-1] > 0.9
    assert 0.3 < watches.median[0, CPU] < 0.7
    for minute in range(6000):
        watch(watches, CPU, 1.0 + minute / 6000)
    assert watches.sample[0, CPU, 0] > 0.3


def with_values(rows: list[dict[str, float]], **more: Any) -> list[Snapshot]:
    snapshots = quiet_snapshots(len(rows), **more)
    return [msgspec.structs.replace(s, metrics=row) for s, row in zip(snapshots, rows, strict=True)]


def noise(count: int, *, seed: int = 2) -> list[dict[str, float]]:
    random = Random(seed)  # noqa: S311 - makes no secret
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


def test_a_metric_that_was_not_sent_leaves_what_is_known_of_it_alone() -> None:
    rows = noise(60)
    del rows[-1]["a"]
    seen = views(with_values(rows))
    _, state = scores(seen[:-1])
    before = state.past().banks
    _, state = scores(seen[-1:], state)
    after = state.past().banks
    assert (after.filters[..., 0] == before.filters[..., 0]).all()
    assert (after.mean[..., 0] == before.mean[..., 0]).all()
    assert after.absent[0].tolist() == [1.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("name", ["a", "b", "c", "still"])
def test_a_missing_metric_is_not_strange(name: str) -> None:
    rows = noise(700)
    whole, _ = scores(views(with_values(rows)))
    for at in range(400, 700, 10):
        del rows[at][name]
    holes, _ = scores(views(with_values(rows)))
    assert max(holes[400::10]) <= 1.1 * max(whole[400:])


def test_a_new_metric_joins_without_a_shock() -> None:
    rows = noise(480)
    for at, row in enumerate(rows[320:]):
        row["new"] = 1e6 + at % 7
    found, state = scores(views(with_values(rows)))
    assert max(found[320:]) < 25.0
    assert "new" in state.layout.names


def test_a_metric_that_comes_again_after_days_elsewhere_is_no_shock() -> None:
    rows = noise(2200)
    for row in rows[400:2100]:
        del row["c"]
    for row in rows[2100:]:
        row["c"] += 900.0
    found, _ = scores(views(with_values(rows)))
    assert max(found[2100:]) < 1.3 * max(found[500:2100])


def test_a_bank_takes_no_more_than_64_metrics() -> None:
    wide = {f"m{n:03d}": float(n) for n in range(500)}
    _, state = scores(views(with_values([wide, wide, wide | {"later": 1.0}])))
    assert len(state.layout.names) == 64
    assert "later" not in state.layout.names


def test_a_newcomer_takes_a_seat_that_was_empty_for_a_week_and_no_other() -> None:
    wide = {f"m{n:02d}": float(n) for n in range(64)}
    fewer = {name: value for name, value in wide.items() if name != "m07"}
    _, state = scores(views(with_values([wide, fewer, fewer | {"x": 1.0}])))
    assert "x" not in state.layout.names
    state.past().banks.absent[0, state.layout.names.index("m07")] = 10_081.0
    _, state = scores(views(with_values([fewer, fewer | {"x": 1.0}])), state)
    assert "x" in state.layout.names
    assert "m07" not in state.layout.names


def test_one_huge_value_does_not_deafen_its_metric() -> None:
    rows = noise(1500)
    rows[500]["c"] = 1e14
    rows[1400]["c"] = 60.0
    found, state = scores(views(with_values(rows)))
    assert found[1400] > 1.2 * max(found[900:1400])
    scale = state.past().banks.scale[0, :, :, state.layout.names.index("c")]
    assert scale.max() < 200.0


def test_a_reboot_is_no_alarm_and_levels_begin_anew() -> None:
    rows = [row | {"cache": 1e9 + n * 1e3} for n, row in enumerate(noise(900, seed=7))]
    for row in rows[600:]:
        row["cache"] -= 9e8
        row["a"], row["b"] = row["a"] + 30.0, row["b"] + 60.0
    snapshots = with_values(rows)
    first = snapshots[0].taken_at.timestamp()
    boots = [first - 9e5] * 600 + [first + 600 * 60 - 20.0] * 300
    rebooted = [
        msgspec.structs.replace(s, host=msgspec.structs.replace(s.host, boot_time=boot))
        for s, boot in zip(snapshots, boots, strict=True)
    ]
    straight, _ = scores(views(snapshots))
    found, _ = scores(views(rebooted))
    assert max(straight[600:700]) > 15.0
    assert max(found[600:700]) < 1.3 * max(found[400:600])


def test_a_clock_that_is_set_is_no_boot() -> None:
    snapshots = with_values(noise(40))
    first = snapshots[0].taken_at.timestamp()
    boots = [first - 9e5] * 20 + [first - 9e5 + 7200.0] * 20
    seen = views(
        [
            msgspec.structs.replace(s, host=msgspec.structs.replace(s.host, boot_time=boot))
            for s, boot in zip(snapshots, boots, strict=True)
        ]
    )
    _, state = scores(seen)
    assert state.past().banks.up[0] > 1000.0


def test_who_looks_every_second_is_not_old_after_an_hour_of_looks() -> None:
    _, fast = scores(views(with_values(noise(60), every=1.0)))
    _, slow = scores(views(with_values(noise(60), every=300.0)))
    assert fast.past().banks.units[0] == pytest.approx(1.0 + 59 / 60)
    assert slow.past().banks.units[0] == pytest.approx(60.0)


def test_hosts_of_other_metrics_are_judged_together_as_alone() -> None:
    expert = VitalsExpert({})
    lives = [
        views(
            with_values(
                [row | {f"m{n}": 1.0 for n in range(host % 3)} for row in noise(80, seed=host)]
            )
        )
        for host in range(7)
    ]
    states, together = [expert.fresh() for _ in lives], []
    for row in zip(*lives, strict=True):
        seen = list(row)
        cases = expert.judge(seen, states)
        together.append([float(s.note.group.bank.score[s.note.place]) for s in states])
        states = expert.learn(seen, states, [any(c.nats > 0 for c in some) for some in cases])
    for host, life in enumerate(lives):
        alone, state = scores(life)
        assert np.abs(np.array(alone) - [said[host] for said in together]).max() <= 1e-9
        assert expert.dump(state) == expert.dump(states[host])


def test_cold_hosts_refresh_at_different_looks() -> None:
    phases = set()
    for host in range(40):
        snapshots = with_values(noise(2))
        ident = msgspec.structs.replace(snapshots[0].host, id=HostId(f"host-{host}"))
        _, state = scores(views([msgspec.structs.replace(s, host=ident) for s in snapshots]))
        phases.add(float(state.past().banks.phase[0]) % 10)
    assert len(phases) == 10


def test_a_state_of_38_metrics_is_small() -> None:
    row = {f"system.metric.of.usual.length.{n:02d}": float(n) for n in range(38)}
    _, state = scores(views(with_values([row] * 3)))
    assert len(msgspec.msgpack.encode(VitalsExpert({}).dump(state))) <= 32 * 1024


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


def test_a_state_of_version_2_starts_anew_and_says_so() -> None:
    expert = VitalsExpert({})
    state = expert.load([2, b"\x90", b"", b"", b""])
    (view,) = views(list(quiet_snapshots(1)))
    assert expert.doubts(view, state)[0][0] == "state:vitals"
    (after,) = expert.learn([view], [state], [False])
    assert not expert.doubts(view, after)


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
