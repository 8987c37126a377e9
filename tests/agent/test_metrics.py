"""Rates, gauges and the 30 names."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.agent.tree import Tree

from vedette.agent import Collector
from vedette.agent.collect.gauges import disk, network
from vedette.agent.collect.metrics import Metrics
from vedette.agent.collect.rates import Rates
from vedette.core import HostId, ManualClock

NAMES = frozenset({
    "system.context_switches.rate", "system.cpu.load_average.15m", "system.cpu.load_average.1m",
    "system.cpu.load_average.5m", "system.cpu.utilization", "system.disk.io.read.rate",
    "system.disk.io.write.rate", "system.disk.operations.read.rate",
    "system.disk.operations.write.rate", "system.filesystem.utilization", "system.memory.usage",
    "system.memory.utilization", "system.network.connections.established",
    "system.network.connections.listen", "system.network.connections.syn_sent",
    "system.network.connections.time_wait", "system.network.dropped.rate",
    "system.network.errors.rate", "system.network.io.receive.rate",
    "system.network.io.transmit.rate", "system.network.packets.receive.rate",
    "system.network.packets.transmit.rate", "system.open_files.count",
    "system.paging.operations.rate", "system.processes.count", "system.processes.created.rate",
    "system.processes.running", "system.threads.count", "system.uptime", "system.users.logged_in",
})  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    made = Tree(tmp_path)
    made.write("/proc/net/dev", _dev(100))
    return made


def _dev(bytes_in: int) -> str:
    return f"h\nh\n    lo: 9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0\n  eth0:{bytes_in} 10 1 2 0 0 0 0 50 5 3 4 0 0 0 0\n"


def test_the_second_look_has_all_thirty_metrics_and_the_first_no_rate(tree: Tree) -> None:
    clock = ManualClock()
    collector = Collector(tree.source, clock)
    first = collector.snapshot(HostId("h"), 1, {}).metrics
    assert not [name for name in first if name.endswith((".rate", "cpu.utilization"))]
    clock.advance(10)
    tree.write(
        "/proc/stat",
        "cpu  150 0 150 880 20 0 0 0 0 0\nctxt 2000\nbtime 1700000000\nprocesses 70\n",
    )
    tree.write("/proc/diskstats", "8 0 sda 30 0 300 0 20 0 200 0 0\n8 1 sda1 99 0 9 9 9 9 9 9 9\n")
    tree.write("/proc/net/dev", _dev(1100))
    second = collector.snapshot(HostId("h"), 2, {}).metrics
    assert frozenset(second) == NAMES
    assert second["system.cpu.utilization"] == 0.5
    assert second["system.context_switches.rate"] == 100.0
    assert second["system.processes.created.rate"] == 2.0
    assert second["system.disk.operations.read.rate"] == 2.0
    assert second["system.disk.io.read.rate"] == 200 * 512 / 10
    assert second["system.disk.io.write.rate"] == 0.0
    assert second["system.network.io.receive.rate"] == 100.0
    assert second["system.memory.usage"] == 750 * 1024
    assert second["system.memory.utilization"] == 0.75


def test_a_counter_that_went_back_gives_no_value(tree: Tree) -> None:
    clock = ManualClock()
    collector = Collector(tree.source, clock)
    collector.snapshot(HostId("h"), 1, {})
    clock.advance(10)
    tree.write("/proc/net/dev", _dev(50))
    found = collector.snapshot(HostId("h"), 2, {}).metrics
    assert "system.network.io.receive.rate" not in found
    assert found["system.network.io.transmit.rate"] == 0.0


def test_only_whole_physical_disks_count(tree: Tree) -> None:
    tree.mkdir("/sys/block/dm-0")
    tree.write("/proc/diskstats", "8 0 sda 1 0 1 0 1 0 1\n253 0 dm-0 9 9 9 9 9 9 9 9\nshort\n")
    for series in disk(tree.source).counters.values():
        assert set(series) == {"sda"}


def test_physical_interfaces_count_alone_and_virtual_ones_only_without_them(tree: Tree) -> None:
    assert set(network(tree.source).counters["system.network.errors.rate"]) == {"eth0"}
    tree.write("/proc/net/dev", _dev(1) + " docker0: 1 1 1 1 0 0 0 0 1 1 1 1 0 0 0 0\n")
    counters = network(tree.source).counters
    assert set(counters["system.network.errors.rate"]) == {"eth0", "docker0"}
    assert counters["system.network.errors.rate"]["eth0"] == 4.0
    tree.mkdir("/sys/class/net/eth0/device")
    assert set(network(tree.source).counters["system.network.errors.rate"]) == {"eth0"}


def test_a_family_that_fails_once_starts_anew(tree: Tree) -> None:
    clock = ManualClock()
    metrics = Metrics(tree.source, clock)

    def collect(blocked: str = "") -> dict[str, float]:
        clock.advance(1)
        calls = metrics.calls()
        return metrics.collect({n: None if n == blocked else call() for n, call in calls.items()})

    collect()
    assert "system.cpu.utilization" not in collect("system.kernel")
    assert "system.context_switches.rate" not in collect()
    assert "system.context_switches.rate" in collect()


@given(
    st.lists(
        st.tuples(
            st.floats(0, 100),
            st.dictionaries(st.sampled_from("abc"), st.integers(0, 2**64).map(float), max_size=3),
        ),
        max_size=8,
    )
)
def test_a_rate_is_never_negative(readings: list[tuple[float, dict[str, float]]]) -> None:
    rates, at = Rates(), 0.0
    for elapsed, series in readings:
        at += elapsed
        for value in rates.update({"x": (at, series)}).values():
            assert value >= 0


def test_a_series_counts_from_its_second_reading() -> None:
    rates = Rates()
    rates.update({"x": (0.0, {"a": 0.0})})
    assert rates.update({"x": (1.0, {"a": 5.0, "b": 1_000.0})}) == {"x": 5.0}
    assert rates.update({"x": (2.0, {"b": 1_010.0})}) == {"x": 10.0}
    assert rates.update({"x": (2.0, {"b": 1_010.0})}) == {}
