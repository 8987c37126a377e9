"""The quick voice of the gauges: steady growth, jumps and falls, and what looks like them without harm."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.contracts.expert_suite import run, views
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.detect import Case
from vedette.detect.vitals import VitalsExpert
from vedette.detect.vitals.fast import FAST, KINDS, Fast, learn_fast, read_fast
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.layout import Layout, layout_of_key

Floats = NDArray[Any]

TREND, JUMP, FALL = range(len(KINDS))
AT = {gauge.metric.removeprefix("system."): at for at, gauge in enumerate(GAUGES)}
MEMORY, DISK = AT["memory.utilization"], AT["filesystem.utilization"]
WIRES, ATTEMPTS = AT["network.connections.established"], AT["network.connections.syn_sent"]
SENT, LOAD = AT["network.io.transmit.rate"], AT["cpu.load_average.1m"]
ASKED = 6.5


def lives(
    columns: dict[int, Floats],
    *,
    minutes: float = 1.0,
    cores: float = 1.0,
    boots: tuple[int, ...] = (),
    alarms: tuple[int, ...] = (),
) -> Floats:
    """[looks, 3, G]: the nats of one host whose gauges have these values, at each look."""
    looks = len(next(iter(columns.values())))
    fast, said = Fast(np.zeros((1, FAST), np.float32)), []
    for at in range(looks):
        gauges = np.full((1, len(GAUGES)), np.nan)
        for gauge, values in columns.items():
            gauges[0, gauge] = values[at]
        booting = np.array([at in boots])
        reading = read_fast(fast, gauges, np.full(1, minutes), np.full(1, cores), booting)
        learn_fast(fast, reading, gauges, np.array([at in alarms]), booting)
        said.append(reading.nats[0])
    return np.array(said)


def told(said: Floats, kind: int, gauge: int) -> list[int]:
    return np.flatnonzero(said[:, kind, gauge] > ASKED).tolist()


def past(looks: int, level: float, spread: float, seed: int = 3) -> Floats:
    return level + spread * np.random.default_rng(seed).uniform(-1.0, 1.0, looks)


def then(before: Floats, *values: float) -> Floats:
    return np.concatenate((before, np.array(values)))


def ramp(first: float, pace: float, looks: int) -> list[float]:
    return [first + pace * at for at in range(1, looks + 1)]


@pytest.mark.parametrize(
    ("gauge", "level", "spread", "pace"),
    [
        (MEMORY, 0.3, 0.004, 0.015),
        (DISK, 0.5, 0.001, 0.01),
        (WIRES, 12.0, 2.0, 5.0),
        (AT["open_files.count"], 300.0, 8.0, 30.0),
        (AT["threads.count"], 60.0, 2.0, 10.0),
        (AT["processes.count"], 30.0, 1.0, 6.0),
    ],
)
def test_steady_growth_is_told_at_its_third_or_fourth_step(
    gauge: int, level: float, spread: float, pace: float
) -> None:
    values = then(past(300, level, spread), *ramp(level, pace, 6))
    assert told(lives({gauge: values}), TREND, gauge)[0] in {302, 303}


def test_a_jump_that_stays_is_no_growth() -> None:
    values = then(past(300, 0.3, 0.004), *[0.6] * 10)
    assert told(lives({MEMORY: values}), TREND, MEMORY) == []


def test_what_warms_up_slows_down() -> None:
    warm = [0.3 + 0.2 * (1.0 - 0.6**at) for at in range(1, 15)]
    assert told(lives({MEMORY: then(past(300, 0.3, 0.002), *warm)}), TREND, MEMORY) == []


def test_warming_up_to_an_old_size_is_none() -> None:
    values = then(past(300, 0.5, 0.01), *ramp(0.1, 0.05, 8), *[0.5] * 5)
    assert told(lives({MEMORY: values}), TREND, MEMORY) == []


def test_a_file_system_that_always_fills_is_not_told_and_one_that_fills_faster_is() -> None:
    steady = 0.1 + 0.001 * np.arange(400)
    assert told(lives({DISK: steady}), TREND, DISK) == []
    faster = then(steady, *ramp(0.5, 0.02, 4))
    assert told(lives({DISK: faster}), TREND, DISK)[0] in {402, 403}


def test_more_traffic_than_ever_explains_more_connections() -> None:
    grows = np.array([1.3, 1.6, 1.9, 2.2, 2.5, 2.8, 3.1, 3.4])
    wires = then(past(300, 20.0, 2.0), *(20.0 * grows))
    sent = then(past(300, 2e5, 2e4), *(2e5 * grows))
    quiet = then(past(300, 2e5, 2e4), *[2e5] * len(grows))
    assert told(lives({WIRES: wires, SENT: sent}), TREND, WIRES) == []
    assert told(lives({WIRES: wires, SENT: quiet}), TREND, WIRES)


def test_what_climbed_once_is_not_told_when_it_climbs_so_again() -> None:
    climb = [*ramp(0.3, 0.015, 6), *[0.39] * 4, *np.linspace(0.38, 0.3, 6).tolist()]
    values = then(past(300, 0.3, 0.002), *climb, *past(60, 0.3, 0.002), *climb)
    found = told(lives({MEMORY: values}), TREND, MEMORY)
    assert found
    assert max(found) < 310


def test_load_far_beyond_the_past_is_told_at_the_second_look_unless_there_are_many_processors() -> (
    None
):
    values = then(past(300, 0.3, 0.2), 8.0, 8.0, 8.0)
    assert told(lives({LOAD: values}), JUMP, LOAD)[0] == 301
    assert told(lives({LOAD: values}, cores=32.0), JUMP, LOAD) == []


def test_one_look_is_no_jump() -> None:
    values = then(past(300, 0.0, 0.0), 300.0, 0.0, 0.0, 300.0, 0.0)
    assert told(lives({ATTEMPTS: values}), JUMP, ATTEMPTS) == []


def test_a_host_that_often_has_such_jumps_is_not_told() -> None:
    load = np.tile(then(np.full(20, 0.3), 5.0, 5.0, 5.0, 5.0), 15)
    found = told(lives({LOAD: load}), JUMP, LOAD)
    assert [at for at in found if at > 72] == []


def test_connections_that_are_gone_for_three_looks_are_told() -> None:
    values = then(past(300, 12.0, 2.0), 0.0, 0.0, 0.0, 0.0)
    assert told(lives({WIRES: values}), FALL, WIRES)[0] == 302


def test_a_restart_an_evening_and_a_young_host_are_no_falls() -> None:
    restart = then(past(300, 12.0, 2.0), 0.0, 0.0, *[12.0] * 5)
    evening = then(past(300, 12.0, 2.0), *np.linspace(11.0, 0.0, 60), *[0.0] * 10)
    young = then(past(60, 12.0, 2.0), *[0.0] * 5)
    for values in (restart, evening, young):
        assert told(lives({WIRES: values}), FALL, WIRES) == []


@pytest.mark.no_cover
def test_nights_that_the_past_has_are_no_falls() -> None:
    day = np.concatenate((np.full(300, 12.0), np.full(200, 0.0)))
    found = told(lives({WIRES: np.tile(day, 6)}), FALL, WIRES)
    assert [at for at in found if at > 1_500] == []


def test_much_that_is_deleted_at_once_is_told() -> None:
    values = then(past(300, 0.6, 0.002), 0.3, 0.3)
    assert told(lives({DISK: values}), FALL, DISK) == [301]
    assert told(lives({DISK: then(values[:300], *[0.55] * 5)}), FALL, DISK) == []


def test_a_boot_is_neither_growth_nor_fall() -> None:
    up = then(past(300, 0.3, 0.002), *ramp(0.05, 0.02, 5), *ramp(0.15, 0.02, 12))
    assert told(lives({MEMORY: up}, boots=(300, 301, 302, 303, 304)), TREND, MEMORY) == []
    wires = then(past(300, 12.0, 2.0), *[0.0] * 5, *[12.0] * 5)
    assert told(lives({WIRES: wires}, boots=(300, 301, 302, 303, 304)), FALL, WIRES) == []


def test_how_often_a_host_looks_changes_nothing() -> None:
    values = then(past(300, 0.3, 0.004), *ramp(0.3, 0.015, 5))
    often = np.interp(np.arange(4 * len(values)) / 4.0, np.arange(len(values)), values)
    seldom, many = lives({MEMORY: values}), lives({MEMORY: often}, minutes=0.25)
    assert told(many, TREND, MEMORY)[0] // 4 - told(seldom, TREND, MEMORY)[0] in {-1, 0, 1}


def test_what_is_in_alarm_is_learned_ten_times_slower() -> None:
    values = then(past(300, 0.0, 0.0), *[30.0] * 60)
    calm = told(lives({ATTEMPTS: values}), JUMP, ATTEMPTS)
    loud = told(lives({ATTEMPTS: values}, alarms=tuple(range(300, 360))), JUMP, ATTEMPTS)
    assert loud[-1] == 359
    assert calm[-1] < 359


def test_what_is_not_sent_or_beyond_all_bounds_makes_no_nonsense() -> None:
    chance = np.random.default_rng(7)
    wild = chance.choice([np.nan, 0.0, -1e300, 1e300, 1e15, 3.0], (200, len(GAUGES)))
    with np.errstate(all="ignore"):
        said = lives({at: wild[:, at] for at in range(len(GAUGES))}, cores=4_096.0)
    assert np.isfinite(said).all()


def test_a_crowd_says_what_each_says_alone() -> None:
    chance = np.random.default_rng(9)
    values = chance.gamma(2.0, 10.0, (40, 5, len(GAUGES))).cumsum(axis=0)
    crowd, alone = np.zeros((5, FAST), np.float32), np.zeros((5, FAST), np.float32)
    for row in values:
        for block, parts in ((crowd, [slice(0, 5)]), (alone, [slice(n, n + 1) for n in range(5)])):
            for part in parts:
                some = len(row[part])
                fast, no = Fast(block[part]), np.zeros(some, np.bool_)
                reading = read_fast(fast, row[part], np.ones(some), np.ones(some), no)
                learn_fast(fast, reading, row[part], no, no)
    assert (crowd == alone).all()


def said_of(metric: str, values: Floats) -> list[Case]:
    snapshots = quiet_snapshots(len(values))
    some = [changed(s, metrics={metric: float(v)}) for s, v in zip(snapshots, values, strict=True)]
    cases, _ = run(VitalsExpert({}), views(some))
    return [case for look in cases for case in look if case.nats > 0]


def test_growth_is_said_with_its_pace_and_when_all_is_full() -> None:
    values = then(past(90, 0.4, 0.001), *ramp(0.4, 0.02, 4))
    first = said_of("system.filesystem.utilization", values)[0]
    assert first.text.startswith("File system utilization 0.4")
    assert "growing by 2 percent a minute" in first.text
    assert "full in about 2" in first.text
    assert first.text.endswith("minutes at this pace")


def test_what_is_deleted_or_stopped_has_its_technique() -> None:
    disk = said_of("system.filesystem.utilization", then(past(150, 0.6, 0.001), 0.2, 0.2))
    assert [(case.subject, case.attack) for case in disk] == [
        ("metric:system.filesystem.utilization", "T1485")
    ]
    assert "fell from 0.60 to 0.20" in disk[0].text


def test_a_damaged_pace_starts_anew_alone() -> None:
    expert = VitalsExpert({})
    _, state = run(expert, views(list(quiet_snapshots(40))))
    state.record = np.frombuffer(state.record, np.uint8).copy()
    state.past().fast.trends.top[0, 0] = np.inf
    mended = expert.load(expert.dump(state))
    assert mended.lost == ["the pace of metrics"]


def test_names_are_kept_short_and_come_back() -> None:
    names = ("system.cpu.load", "system.cpu.user", "system.memory", "tcp", "tcp.open")
    layout = Layout(names)
    assert len(layout.key) < sum(map(len, names))
    assert layout_of_key(layout.key).names == names
    with pytest.raises(ValueError, match="shares more"):
        layout_of_key(b"\x92\x05\xa1a")
