"""The switch that ends a lease in time: no action may hit it, and one that stands still is not taken for one that waits."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.processes_host import SOURCE, Host, child, named
from tests.agent.test_spared import against, copy_of
from tests.agent.test_suspend_process import is_stopped, switches, until

from vedette.agent.actions.processes import look, pids
from vedette.agent.actions.suspend_process import _WAKE
from vedette.agent.actions.switch import _WAIT
from vedette.core import ActionState, Verb

pytestmark = pytest.mark.usefixtures("one_switch_at_a_time")
S = ActionState
NEVER = "99999999999"
SPARED = "is of the switch that ends in time what this agent began"


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "other", "kill_process")
    yield made
    made.close()


def stop_the_switch() -> int:
    (switch,) = switches()
    os.kill(switch, signal.SIGSTOP)
    until(lambda: is_stopped(switch))
    return switch


def begun_by(parent: int) -> list[int]:
    found = (look(pid, SOURCE) for pid in pids(SOURCE))
    return [one.pid for one in found if one is not None and one.parent == parent and one.path]


def test_it_is_neither_killed_nor_suspended_nor_what_it_waits_for(
    suspend: Host, other: Host
) -> None:
    with child() as victim:
        first = suspend.command(processes=[named(victim.pid)], lease_seconds=300)
        assert suspend.do(first).state is S.VERIFIED
        (switch,) = switches()
        refused = other.do(other.command(processes=[named(switch)], grace_seconds=0.0))
        assert (refused.state, SPARED in refused.detail) == (S.REFUSED, True)
        assert SPARED in against(suspend, switch)
        until(lambda: bool(begun_by(switch)))
        # One `sleep` of a second follows another.
        until(lambda: any(SPARED in against(other, pid) for pid in begun_by(switch)))
        assert switches() == [switch]


@pytest.mark.parametrize("script", ["while :; do sleep 1; done", _WAIT + "evil\n" + _WAKE])
def test_what_only_bears_its_name_is_killed(other: Host, script: str) -> None:
    with child("/bin/sh", "-c", script, "vedette-switch-suspend_process", NEVER) as pretender:
        assert against(other, pretender.pid) == ""


def test_what_only_bears_its_script_is_killed(other: Host, tmp_path: Path) -> None:
    """Arguments anybody can write, and a program of one's own need not do what they say."""
    copy = copy_of("/bin/sh", tmp_path / "tmp" / "sh")
    words = ("-c", _WAIT + _WAKE, "vedette-switch-suspend_process", NEVER, "1:1")
    with child("/bin/sh", *words, executable=str(copy)) as pretender:
        assert against(other, pretender.pid) == ""


def test_one_that_is_stopped_is_replaced_and_ends_the_lease_in_time(suspend: Host) -> None:
    with child() as victim:
        first = suspend.command(processes=[named(victim.pid)], lease_seconds=300)
        assert suspend.do(first).state is S.VERIFIED
        stopped = stop_the_switch()
        suspend.tend()
        (switch,) = switches()
        assert switch != stopped
        assert not is_stopped(switch)
        assert is_stopped(victim.pid)
        renewed = suspend.do(suspend.command("c2", Verb.RENEW, lease_seconds=2))
        assert (renewed.state, len(renewed.data["put_back"])) == (S.VERIFIED, 1)
        # Nothing of the agent runs from here on.
        until(lambda: not is_stopped(victim.pid))


def test_one_that_is_stopped_and_of_which_no_journal_knows_is_fired(
    suspend: Host, tmp_path: Path
) -> None:
    with child() as victim:
        first = suspend.command(processes=[named(victim.pid)], lease_seconds=300)
        assert suspend.do(first).state is S.VERIFIED
        stop_the_switch()
        lost = Host(tmp_path / "lost", "suspend_process")
        lost.tend(first=True)
        lost.close()
        assert not is_stopped(victim.pid)
        until(lambda: switches() == [])
