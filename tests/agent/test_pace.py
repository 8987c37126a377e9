"""The pace of looks, and what the agent sends, through clock steps and suspensions."""

import random
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.agent.enrolled import Agent
from tests.agent.server import Reply, Seen, Server
from tests.agent.test_runner import settings
from tests.agent.tree import Tree

from vedette.agent import AgentSettings, Collector, run
from vedette.agent.pace import Pace
from vedette.agent.ship import Shipped
from vedette.core import HostId, ManualClock, SystemClock

__all__ = ["settings"]  # the fixture of an enrolled agent

HOUR = timedelta(hours=1)


class Waiting(threading.Event):
    """An event whose waits move a clock; at a given moment of them the machine is suspended."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock
        self.suspend_at: tuple[float, float] | None = None

    def wait(self, timeout: float | None = None) -> bool:
        self._clock.advance(timeout or 0.0)
        if self.suspend_at is not None and self._clock.monotonic() >= self.suspend_at[0]:
            self._clock.suspend(self.suspend_at[1])
            self.suspend_at = None
        return self.is_set()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))


def _looks(clock: ManualClock, pace: Pace, stop: Waiting, count: int) -> list[float]:
    at = []
    for _ in range(count):
        pace.wait(stop)
        at.append(clock.monotonic())
        pace.looked(0.0)
    return at


@pytest.mark.parametrize("step", [HOUR, -HOUR, timedelta(0)])
def test_a_step_of_the_wall_clock_changes_nothing_in_the_pace(
    clock: ManualClock, step: timedelta
) -> None:
    pace, stop = Pace(clock, 60.0, first=10.0), Waiting(clock)
    before = _looks(clock, pace, stop, 2)
    clock.step(clock.now() + step)
    assert before + _looks(clock, pace, stop, 3) == [10.0, 70.0, 130.0, 190.0, 250.0]


def test_after_a_suspension_it_looks_at_once_and_once(clock: ManualClock) -> None:
    pace, stop = Pace(clock, 60.0, first=0.0), Waiting(clock)
    assert _looks(clock, pace, stop, 1) == [0.0]
    stop.suspend_at = (20.0, 8 * 3600.0)
    assert pace.wait(stop) == pytest.approx(8 * 3600.0)
    assert clock.monotonic() == 20.0
    pace.looked(0.0)
    assert _looks(clock, pace, stop, 2) == [80.0, 140.0]


def test_a_late_look_is_not_made_up_for(clock: ManualClock) -> None:
    pace, stop = Pace(clock, 60.0, first=0.0), Waiting(clock)
    pace.wait(stop)
    clock.advance(500.0)
    pace.looked(0.0)
    assert _looks(clock, pace, stop, 2) == [500.0, 560.0]


def test_a_hold_moves_the_next_look_and_the_pace_goes_on_from_there(clock: ManualClock) -> None:
    pace, stop = Pace(clock, 60.0, first=0.0), Waiting(clock)
    pace.wait(stop)
    pace.looked(100.0)
    assert _looks(clock, pace, stop, 2) == [100.0, 160.0]


class Dozing(SystemClock):
    """The machine's clocks, as if it had been suspended for a while."""

    asleep = 0.0

    def boottime(self) -> float:
        """Goes on while the machine sleeps."""
        return super().boottime() + self.asleep


def test_an_agent_that_wakes_up_looks_and_sends_at_once(
    settings: AgentSettings, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vedette.agent.pace._SLICE_SECONDS", 0.05)
    monkeypatch.setattr("vedette.agent.runner.secrets.SystemRandom", _Latest)
    polled, arrived, stop, clock = threading.Event(), threading.Event(), threading.Event(), Dozing()

    def script(seen: Seen) -> Reply:
        (arrived if seen.path == "/v1/snapshots" else polled).set()
        return Reply(202) if seen.path == "/v1/snapshots" else Reply(200, {"commands": []})

    server.script = script
    hourly = msgspec.structs.replace(settings, interval=3600.0)
    agent = threading.Thread(target=run, args=(hourly, clock, stop))
    agent.start()
    assert polled.wait(30)
    assert not arrived.wait(0.5)
    clock.asleep = 8 * 3600.0
    assert arrived.wait(30)
    stop.set()
    agent.join(30)
    assert not agent.is_alive()
    assert len([seen for seen in server.seen if seen.path == "/v1/snapshots"]) == 1


class _Latest(random.Random):
    """Chance that always takes the latest moment."""

    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002 - the base class's
        return b


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_rates_are_by_monotonic_time_through_a_step_and_a_suspension(
    tmp_path: Path, clock: ManualClock, step: timedelta
) -> None:
    tree = Tree(tmp_path)
    collector = Collector(tree.source, clock)
    collector.snapshot(HostId("h"), 1, {})
    clock.advance(10)
    clock.step(clock.now() + step)
    clock.suspend(3600)
    tree.write(
        "/proc/stat", "cpu  100 0 100 800 0 0 0 0\nctxt 2000\nbtime 1700000000\nprocesses 70\n"
    )
    found = collector.snapshot(HostId("h"), 2, {}).metrics
    assert found["system.context_switches.rate"] == 100.0
    assert found["system.processes.created.rate"] == 2.0


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_signatures_follow_the_servers_time_through_steps_and_nothing_is_lost_or_doubled(
    agent: Agent, server: Server, step: timedelta
) -> None:
    true = agent.clock.now()
    refused = []

    def script(seen: Seen) -> Reply:
        if abs(seen.signature.created - true.timestamp()) <= 300:
            return Reply(202)
        refused.append(seen)
        return Reply(401, {"server_time": true.timestamp()})

    server.script = script
    agent.fill(6)
    outcomes = [agent.shipper.step()[0]]
    agent.clock.step(true + step)
    outcomes += [agent.shipper.step()[0] for _ in range(2)]
    assert agent.journal.offset == pytest.approx(-step.total_seconds())
    agent.clock.step(true)
    outcomes += [agent.shipper.step()[0] for _ in range(3)]
    assert outcomes == [Shipped.SENT] * 6
    assert agent.journal.offset == pytest.approx(0.0)
    assert len(refused) == 2
    assert len(server.seen) == 8
