"""What hangs is left behind and named; it delays nobody, gets no second thread, and is read again when it answers."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.agent.tree import Tree
from tests.fixtures.services import require

from vedette.agent import Collector, Limits
from vedette.agent.collect.deadline import Deadlines
from vedette.core import HostId, ManualClock, Snapshot
from vedette.detect.metering import CORE_METRICS
from vedette.detect.tables import Tables, look

LATE = "timed out after 0.3 s"
STILL = f"{LATE}; that call still hangs"


@pytest.fixture
def collector(tree: Tree) -> Collector:
    return Collector(tree.source, ManualClock(), Limits(collect_timeout=0.3))


def _look(collector: Collector) -> Snapshot:
    return collector.snapshot(HostId("h"), 1, {})


def _hang(path: Path) -> bytes:
    """Makes of a file a pipe into which nobody writes: opening it blocks."""
    content = path.read_bytes()
    path.unlink()
    os.mkfifo(path)
    return content


def _heal(path: Path, content: bytes) -> None:
    """Lets go of whoever waits at the pipe, and puts the file back."""
    os.close(os.open(path, os.O_WRONLY))
    path.unlink()
    path.write_bytes(content)


def _eventually(holds: Callable[[], bool]) -> bool:
    """A thread that is done is still there for a moment."""
    until = time.monotonic() + 20
    while not holds() and time.monotonic() < until:
        time.sleep(0.01)
    return holds()


def test_a_collector_that_hangs_is_named_and_the_others_are_there(
    tree: Tree, collector: Collector
) -> None:
    status = tree.path("/proc/1/status")
    content = _hang(status)
    taken = _look(collector)
    assert taken.unread == dict.fromkeys(
        ("processes", "listening_ports", "process_open_sockets"), LATE
    )
    assert {"users", "hash", "suid_bin", "mounts", "deb_packages"} <= taken.tables.keys()
    assert {"system.uptime", "system.memory.utilization"} <= taken.metrics.keys()
    assert "system.processes.count" not in taken.metrics
    _heal(status, content)


def test_while_it_hangs_it_is_not_called_again_and_afterwards_it_is(
    tree: Tree, collector: Collector
) -> None:
    status = tree.path("/proc/1/status")
    before = set(threading.enumerate())
    content = _hang(status)
    _look(collector)
    again = [_look(collector) for _ in range(5)]
    assert _eventually(lambda: len(set(threading.enumerate()) - before) == 1)
    assert {one.unread["processes"] for one in again} == {STILL}
    _heal(status, content)
    assert _eventually(lambda: not collector._deadlines.hanging)
    healed = _look(collector)
    assert healed.unread == {}
    assert healed.metrics["system.processes.count"] == 1.0
    assert _eventually(lambda: set(threading.enumerate()) <= before)


def test_many_that_hang_are_waited_for_together() -> None:
    release = threading.Event()
    deadlines = Deadlines(2.0, patience=0.01)
    # The last one is made when all others hang, and before the first of them is late.
    calls = {f"stuck-{n}": release.wait for n in range(8)} | {"late": lambda: deadlines.hanging}
    outcomes = deadlines.run(calls).outcomes
    assert outcomes["late"].take() == frozenset()
    assert {str(outcomes[f"stuck-{n}"].error) for n in range(8)} == {"timed out after 2 s"}
    assert len(deadlines.hanging) == 8
    release.set()


def test_a_call_that_fails_gives_its_own_error_and_cpu_is_counted() -> None:
    def fail() -> None:
        raise PermissionError(13, "Permission denied", "/x")

    def work() -> int:
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass
        return 7

    done = Deadlines(30.0).run({"fails": fail, "works": work})
    with pytest.raises(PermissionError):
        done.outcomes["fails"].take()
    assert done.outcomes["works"].take() == 7
    assert 0.02 <= done.cpu_seconds < 5


def test_a_core_metric_that_is_late_is_blindness(tree: Tree, collector: Collector) -> None:
    whole = _look(collector)
    tables = Tables(metrics=list(CORE_METRICS), width=len(whole.metrics))
    assert not _metric_blindness(tables, whole)
    status = tree.path("/proc/1/status")
    content = _hang(status)
    assert _metric_blindness(tables, _look(collector)) == {"metric:system.processes.count"}
    _heal(status, content)


def test_what_never_was_read_in_time_is_blindness_too(collector: Collector) -> None:
    whole = _look(collector)
    unread = dict.fromkeys(("suid_bin", "system.disk", "no_table"), STILL)
    tables = {name: rows for name, rows in whole.tables.items() if name != "suid_bin"}
    late = msgspec.structs.replace(whole, tables=tables, unread=unread)
    usual = dict.fromkeys(tables, False)
    memory = Tables(usual=usual, metrics=list(CORE_METRICS), width=len(whole.metrics))
    assert look(memory, late).blindness == (
        ("table:suid_bin", f"The table suid_bin could not be read in full: {STILL}"),
        ("metrics", "Metrics were not read in time: system.disk"),
    )
    lacking = msgspec.structs.replace(late, unread={"suid_bin": "Permission denied: /root"})
    assert look(memory, lacking).blindness == ()


def _metric_blindness(tables: Tables, snapshot: Snapshot) -> set[str]:
    found = {subject for subject, _ in look(tables, snapshot).blindness}
    return {subject for subject in found if subject.startswith("metric")}


def test_a_dead_file_system_blinds_what_is_on_it_and_nothing_else(tree: Tree) -> None:
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        require("fuse", "mounting a file system that never answers needs root and /dev/fuse")
    script = Path(__file__).with_name("dead_mount.py")
    done = subprocess.run(
        ["unshare", "--mount", sys.executable, str(script), str(tree.root)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["unread"][0] == dict.fromkeys(("crontab", "hash"), "timed out after 0.5 s")
    assert found["unread"][3]["crontab"] == "timed out after 0.5 s; that call still hangs"
    assert {"processes", "users", "suid_bin", "deb_packages"} <= set(found["tables"][0])
    assert found["threads"] == [3] * 4
    assert found["usage"] == "timed out after 0.2 s"
