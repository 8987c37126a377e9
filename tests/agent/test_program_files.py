"""What a process runs is told by the very file: a rename makes no other program of it, and what was read is not read again."""

import os
import shutil
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from tests.agent.processes_host import SOURCE, Host, child, named
from tests.agent.test_another_program import BOOT_ID, Meanwhile, as_it_signals, turning
from tests.agent.test_kill_process import until

from vedette.agent.actions.programs import Programs
from vedette.core import ActionState, Verb

pytestmark = pytest.mark.usefixtures("one_switch_at_a_time")
S = ActionState
SIZE = 16 << 20


@pytest.fixture
def shell(tmp_path: Path) -> Path:
    """A program of the test's own, which can be moved while it runs."""
    path = tmp_path / "program"
    shutil.copy(shutil.which("sh") or "", path)
    return path


def move(path: Path) -> None:
    """By its owner, without exec; and another program takes its place."""
    path.rename(path.with_name("moved"))
    shutil.copy(shutil.which("sleep") or "", path)


def test_a_process_whose_file_is_renamed_within_the_grace_is_made_to_end(
    kill: Host, shell: Path
) -> None:
    with turning(str(shell)) as victim:
        assert kill.do(kill.command(processes=[named(victim.pid)])).state is S.APPLIED
        move(shell)
        kill.clock.advance(11)
        kill.tend()
        assert kill.said() == []
        until(lambda: not victim.alive)
        kill.tend()
        assert [state for state, _ in kill.said()] == [S.VERIFIED]


def test_a_process_whose_file_is_renamed_before_the_first_signal_gets_it(
    kill: Host, shell: Path
) -> None:
    with child(str(shell), "-c", "echo; read x; sleep 600") as victim:
        as_it_signals(kill, lambda: move(shell))
        outcome = kill.do(kill.command(processes=[named(victim.pid)]))
        assert shell.with_name("moved").exists()
        assert outcome.state is S.APPLIED, outcome
        victim.wait(60)


def test_a_suspension_of_what_was_renamed_begins(suspend: Host, shell: Path) -> None:
    with turning(str(shell)) as victim:
        before, moved = named(victim.pid), shell.with_name("moved")
        suspend.source = Meanwhile(BOOT_ID, 4, lambda: move(shell))
        outcome = suspend.do(suspend.command(processes=[before], lease_seconds=300))
        assert moved.exists()
        assert outcome.state is S.VERIFIED, outcome
        assert victim.stopped


def test_a_suspension_of_what_was_renamed_is_renewed(suspend: Host, shell: Path) -> None:
    with turning(str(shell)) as victim:
        given = suspend.command(processes=[named(victim.pid)], lease_seconds=300)
        assert suspend.do(given).state is S.VERIFIED
        move(shell)
        outcome = suspend.do(suspend.command("c2", Verb.RENEW, lease_seconds=300))
        assert outcome.state is S.VERIFIED, outcome
        assert "left_out" not in outcome.data
        assert victim.stopped


def test_a_suspension_of_what_was_woken_and_renamed_is_put_back(suspend: Host, shell: Path) -> None:
    with turning(str(shell)) as victim:
        given = suspend.command(processes=[named(victim.pid)], lease_seconds=300)
        assert suspend.do(given).state is S.VERIFIED
        os.kill(victim.pid, signal.SIGCONT)
        until(lambda: not victim.stopped)
        move(shell)
        suspend.tend()
        assert victim.stopped
        assert [state for state, _ in suspend.said()] == [S.APPLIED]
        assert suspend.ledger.held("suspend_process") is not None


def read_in(act: Callable[[], object]) -> int:
    """How many bytes this thread reads meanwhile."""

    def so_far() -> int:
        return int(Path("/proc/thread-self/io").read_text(encoding="ascii").split()[1])

    before = so_far()
    act()
    return so_far() - before


def test_a_program_is_read_again_only_when_its_file_is_not_what_it_was(
    suspend: Host, tmp_path: Path
) -> None:
    large = tmp_path / "large"
    shutil.copy(shutil.which("sleep") or "", large)
    os.truncate(large, SIZE)
    with child(str(large), "600") as victim:
        given = suspend.command(processes=[named(victim.pid)], lease_seconds=300)
        # By the plan, which holds no lock; not as it is stopped, and not as that is looked at.
        assert SIZE <= read_in(lambda: suspend.do(given)) < 2 * SIZE
        renewals = (
            suspend.command(f"r{number}", Verb.RENEW, lease_seconds=300) for number in range(3)
        )
        assert read_in(lambda: suspend.do(next(renewals))) < SIZE
        large.rename(large.with_name("moved"))
        assert SIZE <= read_in(lambda: suspend.do(next(renewals))) < 2 * SIZE
        assert read_in(lambda: suspend.do(next(renewals))) < SIZE


def test_after_a_start_of_the_agent_it_is_read_once(tmp_path: Path) -> None:
    large = tmp_path / "large"
    shutil.copy(shutil.which("sleep") or "", large)
    os.truncate(large, SIZE)
    with child(str(large), "600") as victim:
        for started in (Programs(), Programs()):
            look = partial(started.sha256, victim.pid, SOURCE)
            assert read_in(look) >= SIZE
            assert read_in(look) < SIZE
