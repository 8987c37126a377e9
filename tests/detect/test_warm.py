"""States that a detector holds between steps: they save work, and no answer depends on them."""

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.detect.behaviour.test_recent import churn
from tests.detect.life import OTHER, THIRD, arrivals, following, play
from tests.fixtures.quiet_host import HOST, changed, quiet_snapshots

from vedette.core import HostId
from vedette.detect import Arrival, Bundle, Detector
from vedette.detect.hoststate import HostState, decode_state, fresh_state
from vedette.detect.warm import Warm


@pytest.fixture
def warm() -> Detector:
    return Detector(Bundle.shipped())


@pytest.fixture(scope="module")
def mixed() -> list[Arrival]:
    """Three hosts by turns: programs that come and go, a leak, and snapshots that are late or come twice."""
    leak = [
        changed(one, metrics={"system.memory.utilization": 0.2 + 0.02 * at})
        for at, one in enumerate(quiet_snapshots(40, host=OTHER, seed=3))
    ]
    lives = [
        arrivals([one for one, _ in churn(4, 60)]),
        arrivals(leak),
        arrivals(list(quiet_snapshots(20, host=THIRD))),
    ]
    lives[2] += lives[2][5:8]
    random = Random(1)
    turns = [iter(life) for life in lives]
    order = [number for number, life in enumerate(lives) for _ in life]
    random.shuffle(order)
    return [next(turns[number]) for number in order]


@pytest.mark.no_cover
@settings(max_examples=8, deadline=None)
@given(batch=st.integers(1, 30), room=st.sampled_from([0, 30_000, 90_000, 1 << 20]))
def test_what_is_held_changes_no_answer_and_no_state(
    detector: Detector, mixed: list[Arrival], batch: int, room: int
) -> None:
    held = Detector(Bundle.shipped(), warm=room)
    assert play(held, mixed, batch=batch) == play(detector, mixed, batch=batch)


def test_a_held_state_is_gone_on_with_from_its_own_bytes_alone(
    detector: Detector, warm: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bytes | None] = []

    def counted(blob: bytes | None, experts: Mapping[str, Any]) -> HostState:
        made.append(blob)
        return decode_state(blob, experts)

    monkeypatch.setattr("vedette.detect.detector.decode_state", counted)
    _, before = play(warm, arrivals(list(quiet_snapshots(39))), batch=39)
    _, states = play(warm, arrivals(list(quiet_snapshots(1, first=40))), states=before)
    assert made == [None]
    again = bytes(bytearray(states[HOST] or b""))
    answer = play(warm, arrivals([following()]), states={HOST: again})
    assert made == [None]
    # Somebody else wrote meanwhile, or nothing was written: the bytes that are there now hold.
    back = play(warm, arrivals([following()]), states=before)
    assert made == [None, before[HOST]]
    assert answer == play(detector, arrivals([following()]), states=states)
    assert back == play(detector, arrivals([following()]), states=before)


def test_a_step_that_fails_leaves_no_state_behind(
    detector: Detector, warm: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, states = play(warm, arrivals(list(quiet_snapshots(40))), batch=40)
    with monkeypatch.context() as broken:
        broken.setattr("vedette.detect.detector.absorb", None)
        with pytest.raises(TypeError):
            warm.step(arrivals([following()]), states)
    wanted = play(detector, arrivals([following()]), states=states)
    assert play(warm, arrivals([following()]), states=states) == wanted


def _hosts(many: int) -> list[HostId]:
    return [HostId(f"host-{number}") for number in range(many)]


def test_there_is_room_for_so_many_bytes_and_not_for_more(detector: Detector) -> None:
    store, state = Warm(100), fresh_state(detector.experts)
    for host in _hosts(7):
        store.keep(host, bytes(30), state)
    assert len(store) == 3
    assert store.take(_hosts(1)[0], bytes(30)) is state
    assert store.take(_hosts(1)[0], bytes(30)) is None
    store.keep(_hosts(7)[6], bytes(30), state)
    assert store.take(_hosts(7)[6], bytes(30)) is state


def test_of_more_hosts_than_there_is_room_for_some_are_found_each_time(detector: Detector) -> None:
    store, state, hosts = Warm(100), fresh_state(detector.experts), _hosts(6)
    found = 0
    for _ in range(100):
        for host in hosts:
            found += store.take(host, bytes(30)) is not None
            store.keep(host, bytes(30), state)
    assert found > 250


def test_hosts_that_come_no_more_make_room(detector: Detector) -> None:
    store, state, (gone, *here) = Warm(60), fresh_state(detector.experts), _hosts(3)
    store.keep(gone, bytes(30), state)
    for _ in range(200):
        for host in here:
            store.take(host, bytes(30))
            store.keep(host, bytes(30), state)
    assert store.take(gone, bytes(30)) is None
    assert all(store.take(host, bytes(30)) is state for host in here)
