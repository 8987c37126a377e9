"""Processes that are ended: the very ones that were named, asked first, and told as gone only when they are."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from tests.agent.processes_host import SOURCE, Host, child, named

from vedette.agent.actions.processes import look
from vedette.core import ActionId, ActionState, Verb

S = ActionState
DEAF = (
    "python3",
    "-c",
    "import signal,time; signal.signal(15, 1); print(1, flush=True); time.sleep(600)",
)


# Its first thread ends when a line comes, by the call that ends one thread alone; another goes on.
HEADLESS = """
import ctypes, platform, signal, sys, threading, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
threading.Thread(target=time.sleep, args=(600,)).start()
print(1, flush=True)
sys.stdin.readline()
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[platform.machine()], 0)
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path, "kill_process")
    yield made
    made.close()


def until(holds: Callable[[], bool]) -> None:
    """Waits for the kernel, a minute at most."""
    for _ in range(6_000):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came to be")


def failed(host: Host, process: dict[str, object]) -> str:
    outcome = host.do(host.command(processes=[process]))
    assert outcome.state is S.REFUSED, outcome
    assert host.ledger.held("kill_process") is None
    return outcome.detail


def test_a_process_whose_first_thread_alone_has_ended_is_not_gone(host: Host) -> None:
    pipe = subprocess.PIPE
    words = [sys.executable, "-c", HEADLESS]
    with subprocess.Popen(words, stdin=pipe, stdout=pipe) as victim:
        try:
            assert victim.stdin is not None
            assert victim.stdout is not None
            victim.stdout.readline()
            given = host.command(processes=[named(victim.pid)], grace_seconds=10)
            assert host.do(given).state is S.APPLIED
            victim.stdin.write(b"\n")
            victim.stdin.flush()
            until(lambda: (found := look(victim.pid, SOURCE)) is not None and found.state == "Z")
            host.tend()
            assert host.said() == []
            host.clock.advance(11)
            host.tend()
            victim.wait(60)
            host.tend()
            assert host.said()[-1][0] is S.VERIFIED
        finally:
            victim.kill()


def test_a_process_that_obeys_ends_at_the_first_signal_and_is_verified_when_it_is_gone(
    host: Host,
) -> None:
    with child() as victim, child() as bystander:
        outcome = host.do(host.command(processes=[named(victim.pid)], grace_seconds=10))
        assert outcome.state is S.APPLIED
        assert f"SIGTERM to pid {victim.pid}" in outcome.data["plan"]
        victim.wait()
        host.tend()
        (said,) = host.said()
        assert said[0] is S.VERIFIED
        assert str(victim.pid) in said[1].data["probe"]["gone"]
        assert host.ledger.held("kill_process") is None
        assert bystander.poll() is None


def test_a_process_that_does_not_obey_is_made_to_when_the_grace_is_over(host: Host) -> None:
    with child(*DEAF) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        assert host.do(host.command(processes=[named(victim.pid)])).state is S.APPLIED
        host.clock.advance(9)
        host.tend()
        assert victim.poll() is None
        assert host.said() == []
        host.clock.advance(2)
        host.tend()
        victim.wait()
        host.tend()
        assert [state for state, _ in host.said()] == [S.VERIFIED]


def test_a_dead_process_that_nobody_waits_for_counts_as_gone(host: Host) -> None:
    with child() as victim:
        host.do(host.command(processes=[named(victim.pid)]))
        until(lambda: os.waitid(os.P_PID, victim.pid, os.WEXITED | os.WNOWAIT) is not None)
        host.tend()
        assert [state for state, _ in host.said()] == [S.VERIFIED]


def test_called_off_within_the_grace_nothing_is_made_to_end(host: Host) -> None:
    with child(*DEAF) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        host.do(host.command(processes=[named(victim.pid)]))
        outcome = host.do(host.command("c2", Verb.CANCEL))
        assert outcome.state is S.CANCELLED
        assert "SIGTERM was" in outcome.detail
        host.clock.advance(60)
        host.tend()
        assert victim.poll() is None
        assert host.said() == []


def test_called_off_too_late_it_is_refused_and_told_as_what_it_came_to(host: Host) -> None:
    with child() as victim:
        host.do(host.command(processes=[named(victim.pid)]))
        victim.wait()
        outcome = host.do(host.command("c2", Verb.CANCEL))
        assert (outcome.state, "too late" in outcome.detail) == (S.REFUSED, True)
        host.tend()
        assert [state for state, _ in host.said()] == [S.VERIFIED]
        assert host.do(host.command("c3", Verb.CANCEL)).state is S.REFUSED


def test_an_operator_at_the_host_calls_it_off(host: Host) -> None:
    assert host.kind.let_go(host.scene, host.ledger, "ann: mine") is None
    with child(*DEAF) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        host.do(host.command(processes=[named(victim.pid)]))
        outcome = host.kind.let_go(host.scene, host.ledger, "ann: mine")
        assert outcome is not None
        assert outcome.state is S.CANCELLED
        ((state, said),) = host.said()
        assert (state, said.command) == (S.CANCELLED, "c1")
        assert said.detail.startswith("ann: mine")


def test_a_pid_that_was_used_again_is_not_the_one(host: Host) -> None:
    with child() as other:
        assert "used again" in failed(host, named(other.pid, start_time=1_000))
        assert "runs" in failed(host, named(other.pid, path="/tmp/evil"))
        assert "another program" in failed(host, named(other.pid, sha256="0" * 64))
        assert other.poll() is None


def test_what_ended_before_is_refused(host: Host) -> None:
    with child() as victim:
        given = named(victim.pid)
        victim.kill()
        victim.wait()
    assert "no process" in failed(host, given)


@pytest.mark.parametrize("who", ["itself", "parent", "first"])
def test_the_agent_what_it_runs_in_and_the_first_process_are_never_touched(
    host: Host, who: str
) -> None:
    pid = {"itself": os.getpid(), "parent": os.getppid(), "first": 1}[who]
    assert "may_be_touched" in failed(host, named(pid))


def test_one_wrong_process_keeps_all_of_them_alive(host: Host) -> None:
    with child() as victim:
        both = [named(victim.pid), named(os.getpid())]
        assert host.do(host.command(processes=both)).state is S.REFUSED
        assert victim.poll() is None


def test_a_second_is_refused_while_one_is_on_its_way(host: Host) -> None:
    with child(*DEAF) as victim, child() as other:
        assert victim.stdout is not None
        victim.stdout.readline()
        host.do(host.command(processes=[named(victim.pid)]))
        again = host.command("c2", action=ActionId("a2"), processes=[named(other.pid)])
        outcome = host.do(again)
        assert (outcome.state, outcome.data) == (S.REFUSED, {"in_force": "a1"})
        assert other.poll() is None


def test_what_can_not_be_made_to_end_is_failed_after_its_time(host: Host) -> None:
    with child(*DEAF) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        host.do(host.command(processes=[named(victim.pid)]))
        host.clock.advance(41)
        host.tend()
        ((state, said),) = host.said()
        assert state is S.FAILED
        assert "was not seen" in said.detail


def test_after_a_reboot_it_is_told_as_gone_with_the_reason(host: Host) -> None:
    with child(*DEAF) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        host.do(host.command(processes=[named(victim.pid)]))
        host.boot("boot-2")
        host.tend(first=True)
        ((state, said),) = host.said()
        assert state is S.VERIFIED
        assert "started anew" in said.detail
        assert victim.poll() is None


def test_stopped_between_writing_down_and_the_end_nothing_more_is_sent(host: Host) -> None:
    with child(*DEAF) as victim:
        assert victim.stdout is not None
        victim.stdout.readline()
        command = host.command(processes=[named(victim.pid)])
        host.journal.begin(command)
        host.kind.carry_out(command, host.scene, host.ledger)
        host.boot("boot-1")
        host.tend(first=True)
        host.clock.advance(60)
        host.tend()
        assert victim.poll() is None
        assert host.ledger.held("kill_process") is None
        # The commander owns up to the command itself.
        assert host.journal.interrupted() == ["c1"]


def test_stopped_after_the_process_was_gone_it_is_told_as_that(host: Host) -> None:
    with child() as victim:
        command = host.command(processes=[named(victim.pid)])
        host.journal.begin(command)
        host.kind.carry_out(command, host.scene, host.ledger)
        victim.wait()
        host.boot("boot-1")
        host.tend(first=True)
        (told,) = host.journal.unreported()
        assert told.state is S.VERIFIED


def test_a_cancel_that_the_agent_was_stopped_in_is_completed(host: Host) -> None:
    with child(*DEAF) as victim, child() as quick:
        assert victim.stdout is not None
        victim.stdout.readline()
        for name, pid, state in (("1", victim.pid, S.CANCELLED), ("2", quick.pid, S.REFUSED)):
            host.do(host.command(f"c{name}", processes=[named(pid)]))
            cancel = host.command(f"x{name}", Verb.CANCEL)
            host.journal.begin(cancel)
            lease = host.ledger.held("kill_process")
            assert lease is not None
            host.ledger.keep(msgspec.structs.replace(lease, closing=cancel.id))
            if state is S.REFUSED:
                quick.wait()
            host.boot("boot-1")
            host.tend(first=True)
            told = host.journal.result(cancel.id)
            assert told is not None
            assert told.state is state
