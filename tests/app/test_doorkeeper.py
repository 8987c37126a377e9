"""The door's clock: it counts the time in which hosts could be heard, and no other."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from vedette.app.doorkeeper import BEAT_SECONDS, Doorkeeper
from vedette.core import HostDescription, HostId, ManualClock, TenantId
from vedette.store import Store

TENANT = TenantId("default")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(migrated_url: str, clock: ManualClock) -> Iterator[Store]:
    opened = Store(migrated_url, clock)
    yield opened
    opened.close()


class _Doors:
    """Servers one after the other, over one store; the wall clock and the doors move as a test says."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store = store
        self.clock = clock
        self.takes_in = True
        self.keeper = self.start()

    def start(self) -> Doorkeeper:
        """A server has started."""
        self.keeper = Doorkeeper(self.store.door, self.clock, lambda: self.takes_in)
        return self.keeper

    def open_for(self, seconds: float) -> None:
        """Time passes while the door beats."""
        while seconds > 0:
            self.keeper.beat()
            self.clock.advance(min(BEAT_SECONDS, seconds))
            seconds -= BEAT_SECONDS
        self.keeper.beat()

    def silent(self) -> list[str]:
        return [host.hostname for host in self.store.hosts.expire_silent(self.clock.now())]

    def enrol(self, name: str, interval: float = 60.0) -> None:
        self.store.hosts.enrol(
            TENANT,
            description=HostDescription(id=HostId(name), hostname=name),
            kid=name,
            public_key=name,
            actor="user:root",
            host=HostId(name),
            interval=interval,
        )


@pytest.fixture
def doors(store: Store, clock: ManualClock) -> _Doors:
    doors = _Doors(store, clock)
    doors.open_for(10)
    doors.enrol("web-1")
    return doors


def test_a_host_is_silent_after_three_intervals_and_two_beats_at_most(doors: _Doors) -> None:
    doors.open_for(180)
    assert doors.silent() == []
    doors.open_for(2 * BEAT_SECONDS)
    assert doors.silent() == ["web-1"]


def test_an_outage_of_the_server_makes_nobody_silent(doors: _Doors) -> None:
    doors.open_for(60)
    doors.clock.advance(timedelta(days=2).total_seconds())
    doors.start()
    assert doors.silent() == []
    doors.open_for(100)
    assert doors.silent() == []


def test_a_silence_that_was_due_is_postponed_by_the_downtime_and_a_beat_at_most(
    doors: _Doors,
) -> None:
    doors.open_for(150)
    doors.clock.advance(5)
    doors.start()
    doors.open_for(180 - 150 + 3 * BEAT_SECONDS)
    assert doors.silent() == ["web-1"]


def test_a_silence_that_fell_due_before_the_outage_is_found_after_it(doors: _Doors) -> None:
    doors.open_for(190)
    doors.clock.advance(3600)
    doors.start()
    assert doors.silent() == ["web-1"]
    assert doors.silent() == []


def test_several_restarts_forget_nothing(doors: _Doors) -> None:
    for _ in range(6):
        doors.open_for(30)
        doors.clock.advance(3600)
        doors.start()
    assert doors.silent() == []
    doors.open_for(20)
    assert doors.silent() == ["web-1"]


def test_a_door_that_takes_nothing_in_counts_no_time(doors: _Doors) -> None:
    doors.takes_in = False
    doors.open_for(600)
    assert doors.silent() == []
    doors.takes_in = True
    doors.open_for(100)
    assert doors.silent() == []
    doors.open_for(100)
    assert doors.silent() == ["web-1"]


@pytest.mark.parametrize("step", [timedelta(days=400), -timedelta(days=400)])
def test_a_clock_that_is_set_makes_nobody_silent_and_keeps_nobody_from_it(
    doors: _Doors, step: timedelta
) -> None:
    doors.open_for(100)
    doors.clock.step(doors.clock.now() + step)
    doors.open_for(60)
    assert doors.silent() == []
    doors.open_for(30)
    assert doors.silent() == ["web-1"]


def test_a_pause_of_the_whole_process_counts_as_two_beats(doors: _Doors) -> None:
    before = doors.store.door.open_seconds()
    doors.clock.advance(3600)
    doors.keeper.beat()
    assert doors.store.door.open_seconds() == before + 2 * BEAT_SECONDS


def test_two_doors_count_once_and_one_goes_on_when_the_other_ends(doors: _Doors) -> None:
    second = Doorkeeper(doors.store.door, doors.clock, lambda: True)
    before = doors.store.door.open_seconds()
    for _ in range(50):
        doors.clock.advance(BEAT_SECONDS)
        doors.keeper.beat()
        second.beat()
    assert doors.store.door.open_seconds() == before + 50 * BEAT_SECONDS
    for _ in range(10):
        doors.clock.advance(BEAT_SECONDS)
        second.beat()
    assert doors.store.door.open_seconds() == before + 60 * BEAT_SECONDS
    doors.keeper.beat()
    doors.clock.advance(BEAT_SECONDS)
    doors.keeper.beat()
    second.beat()
    assert doors.store.door.open_seconds() == before + 61 * BEAT_SECONDS


def test_a_host_whose_snapshots_wait_to_be_judged_is_not_silent(doors: _Doors) -> None:
    doors.enrol("web-2")
    doors.open_for(300)
    expire = doors.store.hosts.expire_silent
    waiting = {HostId("web-1")}
    found = expire(doors.clock.now(), waiting=lambda _tenant, hosts: waiting.intersection(hosts))
    assert [host.hostname for host in found] == ["web-2"]
    assert doors.silent() == ["web-1"]
