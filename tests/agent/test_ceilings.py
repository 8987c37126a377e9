"""The agent's own cost: averaged, waited for, told, and never a reason to spin."""

import os
import re
import subprocess
import sys
import threading
from importlib.resources import files
from pathlib import Path

import msgspec
import psutil
import pytest
from tests.agent.test_runner import settings
from tests.agent.tree import Tree

from vedette.agent import AgentSettings, Collector, Runner, Source, status
from vedette.agent.ceilings import Ceilings
from vedette.agent.collect.gauges import FAMILIES
from vedette.core import HostId, ManualClock, SystemClock, Unavailable

__all__ = ["settings"]  # the fixture of an enrolled agent

MIB = 1024 * 1024


class Meters:
    """What a process is made to have used."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.cpu = 0.0
        self.resident = 50 * MIB

    def ceilings(self, *, cpu_percent: float = 10.0) -> Ceilings:
        return Ceilings(
            self.clock,
            cpu_percent=cpu_percent,
            memory_mib=100,
            cpu_seconds=lambda: self.cpu,
            resident_bytes=lambda: self.resident,
        )


@pytest.fixture
def meters() -> Meters:
    return Meters()


def test_cheap_looks_wait_for_nothing_and_say_nothing(meters: Meters) -> None:
    ceilings = meters.ceilings()
    for _ in range(100):
        meters.clock.advance(60)
        meters.cpu += 0.1
        standing = ceilings.judge()
        assert (standing.hold, standing.text, standing.end) == (0.0, "", False)
        assert standing.cpu_percent == pytest.approx(100 * 0.1 / 60)


def test_one_expensive_look_is_paid_from_what_was_saved(meters: Meters) -> None:
    ceilings = meters.ceilings()
    meters.clock.advance(5)
    meters.cpu += 29.0
    assert ceilings.judge().hold == 0.0


def test_what_is_overdrawn_is_waited_for_and_told(meters: Meters) -> None:
    ceilings = meters.ceilings()
    meters.clock.advance(10)
    meters.cpu += 35.0
    standing = ceilings.judge()
    assert standing.hold == pytest.approx(50.0)
    assert standing.text == (
        "CPU: 350.0 % of a core since the look before, 10 % are allowed on average; the next look waits 50 s"
    )


def test_the_average_of_a_costly_agent_comes_down_to_its_share(meters: Meters) -> None:
    ceilings = meters.ceilings(cpu_percent=5.0)
    for _ in range(500):
        meters.cpu += 2.0
        meters.clock.advance(1 + ceilings.judge().hold)
    assert meters.cpu / meters.clock.monotonic() == pytest.approx(0.05, rel=0.05)


def test_no_debt_silences_the_agent_for_long(meters: Meters) -> None:
    ceilings = meters.ceilings(cpu_percent=1.0)
    meters.clock.advance(1)
    meters.cpu += 10_000.0
    assert ceilings.judge().hold == pytest.approx(900.0)


def test_memory_over_its_bound_drops_caches_first_and_ends_the_agent_only_later(
    meters: Meters,
) -> None:
    ceilings = meters.ceilings()
    meters.resident = 150 * MIB
    seen = []
    for _ in range(5):
        meters.clock.advance(20)
        seen.append(ceilings.judge())
    assert all(one.drop_caches for one in seen)
    assert [one.end for one in seen] == [False, False, False, True, True]
    assert seen[0].text == "memory: 150 MiB resident, 100 MiB are allowed; caches are dropped"
    assert seen[3].text.endswith("the agent ends, to be started anew")


def test_fast_looks_do_not_end_the_agent_in_a_tight_loop(meters: Meters) -> None:
    ceilings = meters.ceilings()
    meters.resident = 150 * MIB
    for _ in range(590):
        meters.clock.advance(0.1)
        assert not ceilings.judge().end


def test_memory_that_came_down_is_forgiven(meters: Meters) -> None:
    ceilings = meters.ceilings()
    for resident in (150, 150, 90, 150, 150, 90):
        meters.resident = resident * MIB
        meters.clock.advance(40)
        assert not ceilings.judge().end


def test_a_collector_that_forgot_finds_the_same_again(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    tree.write("/var/lib/dpkg/status", "Package: a\nVersion: 1\nStatus: install ok installed\n")
    tree.write("/etc/resolv.conf", "nameserver 192.0.2.53\n")
    tree.write("/lib/systemd/system/a.service", "[Install]\nWantedBy=x.target\n")
    collector = Collector(tree.source, ManualClock())
    before = collector.snapshot(HostId("h"), 1, {})
    collector.forget()
    assert collector.snapshot(HostId("h"), 1, {}).tables == before.tables


def test_an_agent_over_its_memory_sends_what_it_has_says_why_and_ends(
    settings: AgentSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vedette.agent.ceilings._LEAST_LIFE", 0.0)
    small = msgspec.structs.replace(settings, memory_mib=32, interval=0.1)
    with pytest.raises(Unavailable, match="MiB resident, 32 MiB are allowed; the agent ends"):
        Runner(small, SystemClock()).run(threading.Event())
    stands = status(settings)
    assert stands.report.shipped == 3
    assert stands.spool_depth == 0
    assert "the agent ends" in stands.report.over_ceiling


def test_an_agent_over_its_cpu_waits_longer_and_says_so(
    settings: AgentSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vedette.agent.ceilings._WINDOW_SECONDS", 0.0)
    runner = Runner(msgspec.structs.replace(settings, cpu_percent=0.5), SystemClock())
    runner.look()
    assert runner._keep_to_ceilings() > 0.1
    runner.close()
    assert "the next look waits" in status(settings).report.over_ceiling


def test_the_units_walls_stand_behind_the_agents_own_ceilings() -> None:
    unit = (files("vedette.agent") / "vedette-agent.service").read_text()
    limits = dict(re.findall(r"^(\w+)=(\d+)[M%]?$", unit, re.MULTILINE))
    defaults = AgentSettings()
    assert defaults.memory_mib < int(limits["MemoryHigh"]) < int(limits["MemoryMax"])
    assert defaults.cpu_percent < int(limits["CPUQuota"])
    # Every collector may hang at once, beside the agent's own threads and what it starts.
    collectors = len(Collector(Source(), ManualClock())._tables) + len(FAMILIES) + 3
    assert collectors + 10 < int(limits["TasksMax"])
    assert int(limits["RestartSec"]) >= 5


def test_the_priority_of_a_running_agent_is_the_lowest_of_the_ordinary() -> None:
    code = "from vedette.agent import lower_priority as go; go(); go(); print('low', flush=True); input()"
    agent = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert agent.stdout
    assert agent.stdout.readline() == "low\n"
    process = psutil.Process(agent.pid)
    assert process.nice() == max(os.nice(0), 10)
    assert tuple(process.ionice()) == (psutil.IOPRIO_CLASS_BE, 7)
    agent.communicate("\n")
