"""A signal that one of several processes can't be sent: who got it is said, and who did not."""

import signal

import pytest
from tests.agent.processes_host import Host, child, named
from tests.agent.test_kill_process import DEAF
from tests.agent.test_suspend_process import is_stopped

from vedette.agent.actions import targets
from vedette.agent.actions.processes import deliver
from vedette.core import ActionState

S = ActionState


class Kernel:
    """Lets the `barred` of the signals through to nobody, by their number in the order of sending."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *barred: int) -> None:
        self.barred = barred
        self.sent = 0
        monkeypatch.setattr(targets, "deliver", self)

    def __call__(self, fd: int, which: signal.Signals) -> bool:
        self.sent += 1
        if self.sent in self.barred:
            raise PermissionError(1, "Operation not permitted")
        return deliver(fd, which)


def test_one_that_can_not_be_asked_after_another_was_is_said(
    kill: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    with child(*DEAF) as first, child() as other, child() as last:
        assert first.stdout is not None
        first.stdout.readline()
        # Of three asked the second, and of two made to end the second again.
        Kernel(monkeypatch, 2, 5)
        three = [named(one.pid) for one in (first, other, last)]
        outcome = kill.do(kill.command(processes=three, grace_seconds=5.0))
        assert outcome.state is S.APPLIED, outcome
        words = f"and not where process {other.pid} can't be sent it: [Errno 1] Operation not"
        assert f"SIGTERM was sent to 2 processes, {words}" in outcome.detail
        assert last.wait(60) == -signal.SIGTERM
        kill.clock.advance(6)
        kill.tend()
        assert first.wait(60) == -signal.SIGKILL
        assert other.poll() is None
        ((state, said),) = kill.said()
        assert state is S.FAILED
        assert f"SIGKILL was sent to 1 processes, {words}" in said.detail


def test_where_the_first_can_not_be_asked_none_is(
    kill: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    with child() as first, child() as other:
        Kernel(monkeypatch, 1)
        outcome = kill.do(kill.command(processes=[named(first.pid), named(other.pid)]))
        assert (outcome.state, "SIGTERM can't be sent" in outcome.detail) == (S.FAILED, True)
        assert other.poll() is None
        assert kill.ledger.held("kill_process") is None


def test_one_that_can_not_be_made_to_end_keeps_no_other_from_it(
    kill: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    with child(*DEAF) as first, child(*DEAF) as other:
        for one in (first, other):
            assert one.stdout is not None
            one.stdout.readline()
        Kernel(monkeypatch, 3)
        kill.do(kill.command(processes=[named(first.pid), named(other.pid)], grace_seconds=5.0))
        kill.clock.advance(6)
        kill.tend()
        assert other.wait(60) == -signal.SIGKILL
        ((state, said),) = kill.said()
        assert (state, f"process {first.pid} can't" in said.detail) == (S.FAILED, True)


@pytest.mark.usefixtures("one_switch_at_a_time")
def test_one_that_can_not_be_stopped_lets_the_others_go_on(
    suspend: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    with child() as first, child() as other:
        Kernel(monkeypatch, 2)
        both = [named(first.pid), named(other.pid)]
        outcome = suspend.do(suspend.command(processes=both, lease_seconds=300))
        assert (outcome.state, f"{other.pid} still run" in outcome.detail) == (S.FAILED, True)
        assert not is_stopped(first.pid)
