"""What is suspended and becomes another program is left out of its lease, and the others stand still for as long as before."""

import os
import signal

import msgspec
import pytest
from tests.agent.processes_host import SOURCE, Host, child, named
from tests.agent.test_another_program import BOOT_ID, Meanwhile, Turning, is_stopped, turning
from tests.agent.test_kill_process import until

from vedette.agent.actions.scene import Check
from vedette.agent.actions.suspend_process import SuspendProcess
from vedette.core import ActionState, Verb

pytestmark = pytest.mark.usefixtures("one_switch_at_a_time")
S = ActionState


def wake(pid: int) -> None:
    os.kill(pid, signal.SIGCONT)
    until(lambda: not is_stopped(pid))


@pytest.mark.parametrize("renewed", [False, True])
def test_one_that_is_woken_and_became_another_is_left_out_and_the_others_are_stopped_again(
    suspend: Host, renewed: bool
) -> None:
    with turning() as victim, child() as second:
        both = [named(victim.pid), named(second.pid)]
        assert suspend.do(suspend.command(processes=both, lease_seconds=300)).state is S.VERIFIED
        wake(victim.pid)
        wake(second.pid)
        victim.turn()
        if not renewed:
            suspend.tend()
        else:
            assert told_of(suspend, victim) is S.VERIFIED
        assert is_stopped(second.pid)
        assert not victim.stopped
        assert [state for state, _ in suspend.said()] == [S.APPLIED]
        assert told_of(suspend, victim, "c3") is S.VERIFIED
        over = suspend.do(suspend.command("c4", Verb.RELEASE))
        assert (over.state, over.data["restored"]) == (S.RELEASED, True)
        assert f"left out since: process {victim.pid} runs /" in over.detail
        assert not is_stopped(second.pid)


def told_of(host: Host, left_out: Turning, name: str = "c2") -> ActionState:
    """How a renewal went that says what it is without."""
    outcome = host.do(host.command(name, Verb.RENEW, lease_seconds=300))
    assert f"left out since: process {left_out.pid} runs /" in outcome.detail
    (why,) = outcome.data["left_out"]
    assert why in outcome.detail
    return outcome.state


def test_one_that_stands_still_as_another_frees_the_others_no_more_than_itself(
    suspend: Host,
) -> None:
    with turning() as victim, child() as second:
        both = [named(victim.pid), named(second.pid)]
        assert suspend.do(suspend.command(processes=both, lease_seconds=300)).state is S.VERIFIED
        wake(victim.pid)
        victim.turn()
        os.kill(victim.pid, signal.SIGSTOP)
        until(lambda: victim.stopped)
        assert told_of(suspend, victim) is S.VERIFIED
        assert is_stopped(second.pid)
        assert not victim.stopped


def test_one_that_becomes_another_as_it_is_stopped_again_is_left_out_too(suspend: Host) -> None:
    with turning() as victim, child() as second:
        both = [named(victim.pid), named(second.pid)]
        assert suspend.do(suspend.command(processes=both, lease_seconds=300)).state is S.VERIFIED
        wake(victim.pid)
        wake(second.pid)
        # Once for what is another, once for what is there yet, and then as it signals.
        suspend.source = Meanwhile(BOOT_ID, 3, victim.turn)
        suspend.tend()
        suspend.source = SOURCE
        assert is_stopped(second.pid)
        assert not victim.stopped
        assert told_of(suspend, victim) is S.VERIFIED


@pytest.mark.parametrize("as_it", ["looks at the program", "reaches the server"])
def test_what_is_woken_while_it_is_tested_is_not_in_force(suspend: Host, as_it: str) -> None:
    """As by the switch of the trial, where what is to be read is large or the server is slow."""
    measure = SuspendProcess()
    with child() as victim:
        plan = measure.plan(suspend.command(processes=[named(victim.pid)]), suspend.scene)
        measure.put(plan.data, 300, suspend.scene)

        def reached() -> Check:
            wake(victim.pid)
            return Check(name="server_reached", ok=True, detail="after a while")

        try:
            if as_it == "reaches the server":
                scene = msgspec.structs.replace(suspend.scene, reach=reached)
            else:
                third = Meanwhile(f"/proc/{victim.pid}/exe", 3, lambda: wake(victim.pid))
                scene = msgspec.structs.replace(suspend.scene, source=third)
            found = {one.name: one.ok for one in measure.probe(plan.data, scene)}
            assert found == found | {"is_the_one": True, "stopped": False}
        finally:
            measure.undo(plan.data, suspend.scene)
