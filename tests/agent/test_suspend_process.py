"""Processes that stand still for a lease: it ends without the agent, and what was somebody else's stays theirs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.agent.processes_host import SOURCE, Host, child, named

from vedette.agent.actions.processes import look, pids, send
from vedette.agent.actions.suspend_process import SuspendProcess
from vedette.core import ActionState, Verb

pytestmark = pytest.mark.usefixtures("one_switch_at_a_time")
S = ActionState


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path, "suspend_process")
    yield made
    made.kind.let_go(made.scene, made.ledger, "the test is over")
    made.close()


def is_stopped(pid: int) -> bool:
    found = look(pid, SOURCE)
    return found is not None and found.stopped


def until(holds: Callable[[], bool]) -> None:
    for _ in range(6_000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to be")


def switches() -> list[int]:
    """The pids of shells that wait."""
    found = []
    for pid in pids(SOURCE):
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"/bin/sh", b"-c"] and words[3:4] == [b"vedette-switch-suspend_process"]:
            found.append(pid)
    return found


def test_it_stands_still_until_it_is_released_and_all_is_as_before(host: Host) -> None:
    with child() as victim:
        outcome = host.do(host.command(processes=[named(victim.pid)], lease_seconds=300))
        assert outcome.state is S.VERIFIED, outcome
        assert str(victim.pid) in outcome.data["probe"]["stopped"]
        assert is_stopped(victim.pid)
        until(lambda: len(switches()) == 1)
        again = host.do(host.command("c2", Verb.RENEW, lease_seconds=300))
        assert again.state is S.VERIFIED
        until(lambda: len(switches()) == 1)
        over = host.do(host.command("c3", Verb.RELEASE))
        assert (over.state, over.data["restored"]) == (S.RELEASED, True)
        assert not is_stopped(victim.pid)
        until(lambda: switches() == [])


def test_a_dry_run_touches_nothing_and_tells_which_processes(host: Host) -> None:
    with child() as victim:
        given = host.command(processes=[named(victim.pid)], lease_seconds=300, dry_run=True)
        outcome = host.do(given)
        assert outcome.state is S.SIMULATED
        assert f"SIGSTOP to pid {victim.pid}" in outcome.data["plan"]
        assert not is_stopped(victim.pid)
        assert switches() == []


def test_a_name_with_line_breaks_and_brackets_hides_nothing_from_the_switch(host: Host) -> None:
    code = "import time; open('/proc/self/comm', 'w').write('a) S 1\\n) T\\n'); print(flush=True); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as victim:
        try:
            assert victim.stdout is not None
            victim.stdout.readline()
            given = host.command(processes=[named(victim.pid)], lease_seconds=2)
            assert host.do(given).state is S.VERIFIED
            assert is_stopped(victim.pid)
            until(lambda: not is_stopped(victim.pid))
        finally:
            victim.kill()


def test_without_the_agent_the_lease_ends_all_the_same(host: Host) -> None:
    with child() as victim:
        host.do(host.command(processes=[named(victim.pid)], lease_seconds=2))
        # Nothing of the agent runs from here on.
        assert is_stopped(victim.pid)
        until(lambda: not is_stopped(victim.pid))
        until(lambda: switches() == [])
        host.clock.advance(3)
        host.tend()
        state, said = host.said()[-1]
        assert (state, said.data["restored"]) == (S.RELEASED, True)


def test_where_the_server_is_not_reached_any_more_it_is_taken_back(host: Host) -> None:
    host.reached = False
    with child() as victim:
        outcome = host.do(host.command(processes=[named(victim.pid)], lease_seconds=300))
        assert (outcome.state, outcome.data["rolled_back"]) == (S.FAILED, True)
        assert not is_stopped(victim.pid)


def test_who_wakes_it_sees_it_stopped_again(host: Host) -> None:
    with child() as victim:
        host.do(host.command(processes=[named(victim.pid)], lease_seconds=300))
        os.kill(victim.pid, signal.SIGCONT)
        until(lambda: not is_stopped(victim.pid))
        host.tend()
        assert is_stopped(victim.pid)
        # A shell that is about to become `sleep` looks like the one that began it, and may be gone by now.
        for pid in switches():
            if process := look(pid, SOURCE):
                send(pid, process.ticks, signal.SIGKILL, SOURCE)
        until(lambda: switches() == [])
        host.tend()
        until(lambda: len(switches()) == 1)


def test_a_process_that_ended_ends_its_lease_with_the_reason(host: Host) -> None:
    with child() as victim:
        host.do(host.command(processes=[named(victim.pid)], lease_seconds=300))
        victim.kill()
        victim.wait()
        host.tend()
        assert host.ledger.held("suspend_process") is None
        state, said = host.said()[-1]
        assert state is S.RELEASED
        assert "none of the processes" in said.detail
        until(lambda: switches() == [])


def test_a_renewal_of_what_has_ended_is_answered_as_its_end(host: Host) -> None:
    with child() as victim:
        host.do(host.command(processes=[named(victim.pid)], lease_seconds=300))
        victim.kill()
        victim.wait()
        assert host.do(host.command("c2", Verb.RENEW, lease_seconds=300)).state is S.RELEASED


def test_what_somebody_else_stopped_is_not_taken_over(host: Host) -> None:
    with child() as victim:
        os.kill(victim.pid, signal.SIGSTOP)
        until(lambda: is_stopped(victim.pid))
        outcome = host.do(host.command(processes=[named(victim.pid)], lease_seconds=300))
        assert outcome.state is S.REFUSED
        assert "not_stopped_yet" in outcome.detail
        assert is_stopped(victim.pid)


def test_a_lost_journal_leaves_a_switch_that_an_operator_can_fire(
    host: Host, tmp_path: Path
) -> None:
    with child() as victim:
        host.do(host.command(processes=[named(victim.pid)], lease_seconds=300))
        other = Host(tmp_path / "other", "suspend_process")
        outcome = other.kind.let_go(other.scene, other.ledger, "ann: free")
        assert outcome is not None
        assert outcome.state is S.RELEASED
        assert not is_stopped(victim.pid)
        until(lambda: switches() == [])
        other.close()


def test_a_pid_that_was_used_again_is_not_woken_by_the_switch() -> None:
    script = SuspendProcess()._switch._script
    with child() as other:
        os.kill(other.pid, signal.SIGSTOP)
        until(lambda: is_stopped(other.pid))
        process = look(other.pid, SOURCE)
        assert process is not None
        for ticks in (process.ticks + 1, process.ticks):
            subprocess.run(["/bin/sh", "-c", script, "x", f"{other.pid}:{ticks}"], check=True)
            assert is_stopped(other.pid) is (ticks != process.ticks)
