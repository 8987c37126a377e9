"""What calls exec of another file keeps its pid and its start: what it runs is looked at again directly before each signal."""

import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.agent.processes_host import SOURCE, Host, child, named
from tests.agent.test_kill_process import DEAF, until
from tests.agent.test_spared import Elsewhere

from vedette.agent.actions.processes import look
from vedette.agent.actions.suspend_process import SuspendProcess
from vedette.agent.collect.source import Source
from vedette.core import ActionState, Verb

pytestmark = pytest.mark.usefixtures("one_switch_at_a_time")
S = ActionState
BOOT_ID = "/proc/sys/kernel/random/boot_id"


def is_stopped(pid: int) -> bool:
    found = look(pid, SOURCE)
    return found is not None and found.stopped


class Turning:
    """A process that becomes `into` when told, under the same pid and start."""

    def __init__(self, running: subprocess.Popen[bytes]) -> None:
        self.pid = running.pid
        self._running = running

    def turn(self) -> None:
        """Comes back when it has."""
        assert self._running.stdin is not None
        before = Path(f"/proc/{self.pid}/exe").stat().st_ino
        self._running.stdin.write(b"\n")
        self._running.stdin.flush()
        until(lambda: Path(f"/proc/{self.pid}/exe").stat().st_ino != before)

    @property
    def alive(self) -> bool:
        return self._running.poll() is None

    @property
    def stopped(self) -> bool:
        return is_stopped(self.pid)


@contextmanager
def turning(program: str = "/bin/sh", first: str = "", into: str = "sleep") -> Iterator[Turning]:
    words = [program, "-c", f"trap '' TERM; echo; read x; {first} exec {into} 600"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe) as running:
        assert running.stdout is not None
        running.stdout.readline()
        try:
            yield Turning(running)
        finally:
            running.kill()


class Meanwhile(Source):
    """The machine as it is, on which something happens as one path is looked at for the n-th time."""

    def __init__(self, path: str, number: int, happens: Callable[[], None]) -> None:
        super().__init__()
        self._path, self._left, self._happens = path, number, happens

    def at(self, path: str) -> str:
        if path == self._path:
            self._left -= 1
            if self._left == 0:
                self._happens()
        return super().at(path)


def as_it_signals(host: Host, happens: Callable[[], None]) -> None:
    """The boot's id is read once for each process that is checked, and once before any is signalled."""
    host.source = Meanwhile(BOOT_ID, 2, happens)


def test_what_became_another_program_after_the_checks_is_refused_with_the_difference(
    kill: Host,
) -> None:
    with turning() as victim:
        before = named(victim.pid)
        as_it_signals(kill, victim.turn)
        outcome = kill.do(kill.command(processes=[before]))
        assert outcome.state is S.REFUSED
        assert "SIGTERM is not sent" in outcome.detail
        assert f"process {victim.pid} runs /" in outcome.detail
        assert f"sleep by now, not {before['path']}" in outcome.detail
        assert victim.alive
        assert kill.ledger.held("kill_process") is None


def test_another_program_at_the_same_path_is_told_by_its_digest(kill: Host, tmp_path: Path) -> None:
    shell, other = tmp_path / "program", tmp_path / "other"
    for name, path in (("sh", shell), ("sleep", other)):
        shutil.copy(shutil.which(name) or "", path)
    found = hashlib.sha256(other.read_bytes()).hexdigest()
    with turning(str(shell), first=f"mv {other} {shell};", into=str(shell)) as victim:
        as_it_signals(kill, victim.turn)
        outcome = kill.do(kill.command(processes=[named(victim.pid)]))
        assert outcome.state is S.REFUSED
        assert f"runs another program file by now: sha256 {found}" in outcome.detail
        assert victim.alive


def test_one_that_became_another_keeps_all_of_them_from_the_first_signal(kill: Host) -> None:
    with turning() as victim, child() as second:
        both = [named(victim.pid), named(second.pid)]
        kill.source = Meanwhile(BOOT_ID, 3, victim.turn)
        assert kill.do(kill.command(processes=both)).state is S.REFUSED
        assert second.poll() is None


def test_within_the_grace_what_became_another_is_not_made_to_end_and_the_others_are(
    kill: Host,
) -> None:
    with turning() as victim, child(*DEAF) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        both = [named(victim.pid), named(deaf.pid)]
        assert kill.do(kill.command(processes=both)).state is S.APPLIED
        victim.turn()
        kill.clock.advance(11)
        kill.tend()
        deaf.wait(60)
        assert victim.alive
        ((state, said),) = kill.said()
        assert state is S.FAILED
        assert "the rest is refused: SIGKILL was sent to 1 processes" in said.detail
        assert f"process {victim.pid} runs /" in said.detail
        assert kill.ledger.held("kill_process") is None


def test_one_that_becomes_another_while_the_next_is_looked_at_gets_no_signal(kill: Host) -> None:
    with turning() as victim, child() as second:
        both = [named(victim.pid), named(second.pid)]
        # Read when the second is checked, then when it is looked at again, after the first was.
        kill.source = Meanwhile(
            f"/proc/{second.pid}/exe", reads(kill, both, second.pid) + 1, victim.turn
        )
        outcome = kill.do(kill.command(processes=both))
        assert outcome.state is S.REFUSED
        assert "SIGTERM is not sent: process" in outcome.detail
        assert victim.alive
        assert second.poll() is None


def test_one_that_becomes_another_after_the_first_signal_is_left_alone_and_it_fails(
    kill: Host, tmp_path: Path
) -> None:
    with child() as first, child() as last:
        other = Host(tmp_path / "other", "kill_process")
        both = [named(first.pid), named(last.pid)]
        looks = reads(other, both, last.pid, dry=False)
        other.close()
    with child(*DEAF) as first, turning() as victim:
        assert first.stdout is not None
        first.stdout.readline()
        both = [named(first.pid), named(victim.pid)]
        # The last look but one asks where the link is that the last one follows.
        kill.source = Meanwhile(f"/proc/{victim.pid}/exe", looks - 1, victim.turn)
        outcome = kill.do(kill.command(processes=both))
        assert outcome.state is S.APPLIED, outcome
        words = f"SIGTERM was sent to 1 processes, and not where process {victim.pid} runs /"
        assert words in outcome.detail
        kill.source = SOURCE
        kill.clock.advance(11)
        kill.tend()
        assert first.wait(60) == -9
        assert victim.alive
        ((state, said),) = kill.said()
        assert state is S.FAILED
        assert f"process {victim.pid} runs /" in said.detail


def reads(host: Host, processes: list[dict[str, Any]], pid: int, *, dry: bool = True) -> int:
    """How often it is looked at what a process runs, by the checks alone or up to the signal."""
    counted = Meanwhile(f"/proc/{pid}/exe", 0, lambda: None)
    host.source = counted
    host.do(host.command("counted", processes=processes, dry_run=dry))
    return -counted._left


class Closed(Meanwhile):
    """From the checks on it can't be told which file a process runs, or (`content`) anything of what it runs."""

    def __init__(self, *, content: bool) -> None:
        super().__init__(BOOT_ID, 2, self.close)
        self._content, self._closed = content, False

    def close(self) -> None:
        self._closed = True

    def at(self, path: str) -> str:
        if self._closed and self._content and path.endswith("/exe"):
            raise PermissionError(13, "made by the test")
        return super().at(path)

    def stat(self, path: str) -> os.stat_result:
        if self._closed and path.endswith("/exe"):
            raise PermissionError(13, "made by the test")
        return super().stat(path)


def test_what_can_not_be_read_any_more_is_not_signalled(kill: Host) -> None:
    with child() as victim:
        kill.source = Closed(content=True)
        outcome = kill.do(kill.command(processes=[named(victim.pid)]))
        assert outcome.state is S.REFUSED
        assert f"process {victim.pid} runs what can't be read any more: " in outcome.detail
        assert victim.poll() is None
        kill.source = Closed(content=False)
        assert kill.do(kill.command("c2", processes=[named(victim.pid)])).state is S.APPLIED
        victim.wait(60)


def test_a_suspension_of_what_became_another_program_is_refused_and_nothing_stands_still(
    suspend: Host,
) -> None:
    with turning() as victim:
        before = named(victim.pid)
        # Once in the check, in each look at what has not ended, and then as it signals.
        happened: list[int] = []

        def turn() -> None:
            if not happened:
                happened.append(1)
                victim.turn()

        suspend.source = Meanwhile(BOOT_ID, 4, turn)
        outcome = suspend.do(suspend.command(processes=[before], lease_seconds=300))
        assert happened
        assert outcome.state is S.REFUSED, outcome
        assert "SIGSTOP is not sent" in outcome.detail
        assert not victim.stopped
        assert suspend.ledger.held("suspend_process") is None


def test_what_stands_still_is_looked_at_once_more(suspend: Host) -> None:
    measure = SuspendProcess()
    with child() as victim:
        plan = measure.plan(suspend.command(processes=[named(victim.pid)]), suspend.scene)
        (found,) = [
            one for one in measure.probe(plan.data, suspend.scene) if one.name == "is_the_one"
        ]
        assert found.ok
        (process,) = plan.data["processes"]
        other = {"processes": [process | {"sha256": "0" * 64}]}
        (found,) = [one for one in measure.probe(other, suspend.scene) if one.name == "is_the_one"]
        assert not found.ok
        assert f"not {'0' * 64}" in found.detail


@pytest.mark.parametrize("renewed", [False, True])
def test_what_is_woken_and_became_another_program_ends_its_lease_with_the_reason(
    suspend: Host, renewed: bool
) -> None:
    with turning() as victim:
        given = suspend.command(processes=[named(victim.pid)], lease_seconds=300)
        assert suspend.do(given).state is S.VERIFIED
        os.kill(victim.pid, signal.SIGCONT)
        victim.turn()
        if renewed:
            outcome = suspend.do(suspend.command("c2", Verb.RENEW, lease_seconds=300))
            assert outcome.state is S.RELEASED
        suspend.tend()
        state, said = suspend.said()[-1]
        assert state is S.RELEASED
        assert "none of the processes is what was suspended: process" in said.detail
        assert not victim.stopped
        assert suspend.ledger.held("suspend_process") is None


def test_the_digest_of_the_hosts_file_says_nothing_of_another_mount_namespace(kill: Host) -> None:
    """As of a shell in a container, whose path is the host's shell's too."""
    with child() as victim:
        given = kill.command(processes=[named(victim.pid, sha256="0" * 64)])
        assert f"not {'0' * 64}" in kill.do(given).detail
        kill.source = Elsewhere(victim.pid)
        again = kill.command("c2", processes=[named(victim.pid, sha256="0" * 64)])
        assert kill.do(again).state is S.APPLIED
        victim.wait(60)
