"""Traffic that stops while the connections stay, and what looks like it without harm."""

from typing import Any

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from tests.contracts.expert_suite import run, views
from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.core import Snapshot
from vedette.detect.vitals import VitalsExpert
from vedette.detect.vitals.past import numbers, record_size
from vedette.detect.vitals.stalls import STALLS, Stalls, learn_stalls, read_stalls

Floats = NDArray[Any]

ASKED = 6.5
DAY = 1_440
SENT, RECEIVED = "system.network.io.transmit.rate", "system.network.io.receive.rate"
WIRES = "system.network.connections.established"


def lives(
    sent: Floats,
    *,
    received: Floats | None = None,
    wires: Floats | float = 40.0,
    minutes: float = 1.0,
    boots: frozenset[int] = frozenset(),
) -> Floats:
    """[looks, 2], or [looks, H, 2] where `sent` is of H hosts: the nats at each look; what is told is an alarm."""
    rows = sent.reshape(len(sent), -1)
    other = rows / 4.0 if received is None else received.reshape(rows.shape)
    held = np.broadcast_to(np.asarray(wires).reshape(-1, 1), (len(rows), rows.shape[1]))
    hosts = rows.shape[1]
    stalls, said = Stalls(np.zeros((hosts, STALLS), np.float32)), []
    waited = np.zeros(hosts)
    for at in range(len(rows)):
        waited += minutes
        counts, booting = waited >= 0.75, np.full(hosts, at in boots)
        flows = np.stack((rows[at], other[at]), axis=1)
        reading = read_stalls(stalls, flows, held[at], counts, booting)
        learn_stalls(stalls, reading, reading.nats.max(axis=1) > ASKED, waited)
        waited[counts] = 0.0
        said.append(reading.nats)
    assert np.isfinite(stalls.block).all()
    return np.array(said).reshape(*sent.shape, 2)


def told(said: Floats, flow: int = 0) -> list[int]:
    return np.flatnonzero(said[:, flow] > ASKED).tolist()


def traffic(looks: int, level: float = 2e5, spread: float = 0.3, seed: int = 3) -> Floats:
    return level * np.exp(spread * np.random.default_rng(seed).normal(size=looks))


def then(before: Floats, *values: float) -> Floats:
    return np.concatenate((before, np.array(values)))


def days(*parts: tuple[int, float], times: int) -> Floats:
    """A day of parts, each so many minutes at this level, some times over."""
    day = np.concatenate([np.full(long, level) for long, level in parts])
    assert len(day) == DAY
    return np.tile(day, times) * traffic(DAY * times, 1.0, 0.2)


def test_a_hang_is_told_at_its_fifth_look_for_as_long_as_it_lasts() -> None:
    values = then(traffic(2 * DAY), *[400.0] * 300, *traffic(60, seed=4))
    found = told(lives(values))
    assert found == list(range(2 * DAY + 4, 2 * DAY + 300))


def test_a_second_hang_is_told_too() -> None:
    values = then(traffic(2 * DAY, 1e6), *[400.0] * 60, *traffic(DAY, 1e6, seed=4), *[400.0] * 20)
    assert told(lives(values))[-1] == len(values) - 1


@pytest.mark.no_cover
def test_what_goes_by_itself_is_told_two_or_three_times_and_what_is_restarted_each_time() -> None:
    pause, run_on = np.full(30, 400.0), traffic(600, 4e5, 0.1)
    values = np.concatenate((traffic(2 * DAY, 4e5, 0.1), *[pause, run_on] * 6))
    pauses = np.unique((np.array(told(lives(values))) - 2 * DAY) // 630).tolist()
    assert pauses == [0, 1]
    wires = np.full(len(values), 40.0)
    wires[2 * DAY + 30 :: 630] = 0.0
    restarted = told(lives(values, wires=wires))
    assert np.unique((np.array(restarted) - 2 * DAY) // 630).tolist() == list(range(6))


def test_what_drains_in_five_minutes_is_a_hang() -> None:
    values = then(traffic(2 * DAY), 1e5, 5e4, 2e4, 1e4, 4e3, *[1e3] * 20)
    assert told(lives(values))[0] <= 2 * DAY + 10


def test_what_is_sent_stops_though_requests_go_on_coming() -> None:
    sent, received = then(traffic(2 * DAY), *[900.0] * 20), traffic(2 * DAY + 20, 4e4, seed=5)
    assert told(lives(sent, received=received), 0)[0] == 2 * DAY + 4
    assert told(lives(received, received=sent), 1) == []


def test_after_a_day_it_is_the_hosts_way() -> None:
    values = then(traffic(2 * DAY), *[400.0] * 1_600)
    assert 2 * DAY + 1_400 < told(lives(values))[-1] < 2 * DAY + 1_500


QUIET = {
    "idle from midnight to ten": days((600, 300.0), (840, 2e5), times=5),
    "a pause of 20 minutes a day": days((20, 300.0), (1_420, 2e5), times=5),
    "a backup of an hour": days((60, 3e7), (1_380, 2e3), times=5),
    "a batch each quarter of an hour": np.tile([3e7] * 4 + [0.0] * 11, 480),
    "bursts without rhythm": traffic(5 * DAY, 3e4, 2.0),
    "a quiet night": 2e5 * np.exp(-3.0 * np.cos(np.arange(5 * DAY) * 2 * np.pi / DAY)),
    "an evening": then(traffic(DAY), *[2e5 * 0.93**n for n in range(90)]),
    "a restart": then(traffic(2 * DAY), *[0.0] * 4, *traffic(90)),
    "a young host": then(traffic(DAY - 5), *[0.0] * 4, 2e5),
    "little traffic": then(traffic(2 * DAY, 5e3), *[400.0] * 60),
    "a quarter of the traffic": then(traffic(2 * DAY), *[5e4] * 60),
}


@pytest.mark.no_cover
def test_what_rests_by_nature_is_quiet() -> None:
    longest = max(map(len, QUIET.values()))
    side = [np.pad(x, (0, longest - len(x)), constant_values=np.nan) for x in QUIET.values()]
    said = lives(np.stack(side, axis=1))
    assert {name: told(said[:, at]) for at, name in enumerate(QUIET)} == {
        name: [] for name in QUIET
    }


@pytest.mark.no_cover
def test_a_week_that_rests_on_its_last_day_is_told_until_it_has_rested_for_a_day_and_more() -> None:
    week = np.concatenate((traffic(6 * DAY), np.full(DAY, 400.0)))
    found = told(lives(np.tile(week, 2)))
    assert min(found) == 6 * DAY + 4
    assert 13 * DAY < max(found) < 13 * DAY + DAY // 2


@pytest.mark.no_cover
def test_without_its_connections_it_is_another_matter() -> None:
    values = then(traffic(2 * DAY), *[400.0] * 60)
    gone = np.concatenate((np.full(2 * DAY, 40.0), np.full(60, 3.0)))
    assert told(lives(values, wires=gone)) == []
    assert told(lives(values, wires=3.0)) == []
    grown = np.concatenate((np.full(2 * DAY, 40.0), np.full(60, 400.0)))
    assert told(lives(values, wires=grown))


def test_a_night_without_connections_teaches_nothing_of_a_day_with_them() -> None:
    hour = np.arange(4 * DAY) % DAY
    wires, level = np.where(hour < 400, 2.0, 40.0), np.where(hour < 400, 300.0, 2e5)
    values = then(level * traffic(4 * DAY, 1.0), *[400.0] * 20)
    assert told(lives(values, wires=then(wires, *[40.0] * 20)))[0] == 4 * DAY + 4


@pytest.mark.no_cover
def test_a_boot_is_no_hang_and_looking_often_changes_nothing() -> None:
    values = then(traffic(2 * DAY), *[400.0] * 10)
    up = frozenset(range(2 * DAY, 2 * DAY + 10))
    assert told(lives(values, boots=up)) == []
    often = told(lives(np.repeat(values, 4), minutes=0.25))
    assert abs(often[0] / 4 - (2 * DAY + 4)) <= 2


@pytest.mark.no_cover
def test_a_crowd_says_what_each_says_alone() -> None:
    chance = np.random.default_rng(9)
    flows, wires = chance.gamma(0.3, 1e5, (2_000, 5, 2)), chance.integers(2, 60, (2_000, 5))
    flows[chance.random(flows.shape) < 0.02] = np.nan
    crowd, alone = np.zeros((5, STALLS), np.float32), np.zeros((5, STALLS), np.float32)
    for row, held in zip(flows, wires.astype(float), strict=True):
        for block, parts in ((crowd, [slice(0, 5)]), (alone, [slice(n, n + 1) for n in range(5)])):
            for part in parts:
                stalls, some = Stalls(block[part]), len(row[part])
                no = np.zeros(some, np.bool_)
                reading = read_stalls(stalls, row[part], held[part], ~no, no)
                learn_stalls(stalls, reading, no, np.ones(some))
    assert (crowd == alone).all()
    assert np.isfinite(crowd).all()


def hung(looks: int, still: int) -> list[Snapshot]:
    """A host that serves, and hangs in its last looks."""
    sent, snapshots = traffic(looks, 2e5, 0.1), list(quiet_snapshots(looks))
    sent[-still:] = 420.0
    return [
        changed(s, metrics={SENT: float(x), RECEIVED: float(x) / 9.0, WIRES: 12.0})
        for s, x in zip(snapshots, sent, strict=True)
    ]


def test_it_is_said_with_what_the_past_had() -> None:
    expert, seen = VitalsExpert({}), views(hung(130, 6))
    _, state = run(expert, seen[:120])
    state = expert.load(expert.dump(state))
    state.record = np.frombuffer(state.record, np.uint8).copy()
    state.past().stalls.minutes[:] = DAY  # as if it had gone on like this
    loud = []
    for view in seen[120:]:
        loud.append([case for case in expert.judge([view], [state])[0] if case.nats > 0])
        (state,) = expert.learn([view], [state], [bool(loud[-1])])
    assert [len(look) for look in loud] == [0] * 8 + [1, 1]
    case = loud[-1][0]
    assert case.subject == f"metric:{SENT}"
    assert case.text.startswith(
        "Data sent has all but stopped (0.4 kB/s) while 12 connections are kept; in the last day"
    )
    assert case.observed == "0.4 kB/s"
    assert (case.expected or "").startswith("at least 0.")


def older(dump: Any) -> list[Any]:
    """The dump as version 4 had it: without what is known of traffic."""
    _, key, record, *_ = dump
    state = VitalsExpert({}).load(dump)
    exact, rough, whole = numbers(state.layout, np.frombuffer(record, np.uint8))
    parts = exact.tobytes(), rough[:-STALLS].tobytes(), whole.tobytes()
    short = b"".join(parts)
    return [4, key, short + bytes(-len(short) % 8)]


def test_a_state_of_version_4_goes_on_and_learns_the_traffic() -> None:
    expert = VitalsExpert({})
    _, state = run(expert, views(list(quiet_snapshots(60))))
    dump = msgspec.msgpack.decode(msgspec.msgpack.encode(expert.dump(state)))
    moved = expert.load(older(dump))
    assert moved.lost == []
    assert len(moved.record) == record_size(moved.layout)
    old, new = expert.load(dump).past(), moved.past()
    assert (new.stalls.block == 0.0).all()
    assert (new.watches.high == old.watches.high).all()
    assert (new.fast.block == old.fast.block).all()
    assert (new.banks.whole == old.banks.whole).all()
    with pytest.raises(ValueError, match="wrong size"):
        expert.load([4, dump[1], dump[2]])


def test_a_damaged_past_of_traffic_starts_anew_alone() -> None:
    expert = VitalsExpert({})
    _, state = run(expert, views(list(quiet_snapshots(40))))
    state.record = np.frombuffer(state.record, np.uint8).copy()
    state.past().stalls.low[0, 0] = np.inf
    assert expert.load(expert.dump(state)).lost == ["the least traffic"]
