"""Processes that are left alone are known by what they are: a name, or a path of its own making, spares nobody."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.processes_host import SOURCE, Host, child, named
from tests.agent.test_kill_process import until
from tests.fixtures.services import require

from vedette.agent.actions import spared
from vedette.agent.actions.processes import look
from vedette.agent.actions.scene import Ran, ThisMachine
from vedette.agent.collect.source import Source
from vedette.agent.permission import Permission, Untouchable
from vedette.core import ActionState

S = ActionState
DOOR = "by which people reach the host"
NOBODY = 65_534


class Booted(Source):
    """A machine that systemd runs."""

    def is_dir(self, path: str) -> bool:
        return path == "/run/systemd/system" or super().is_dir(path)


class Elsewhere(Source):
    """That process has mounts of its own, and so would have a file there that nobody else sees."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self.pid = pid

    def stat(self, path: str) -> os.stat_result:
        places = {f"/proc/{self.pid}/ns/mnt": "/", "/proc/1/ns/mnt": "/proc"}
        return super().stat(places.get(path, path))


class Systemd(ThisMachine):
    """Its word on the main processes of units; None: it gives none."""

    def __init__(self, *mains: int | None) -> None:
        super().__init__(SOURCE)
        self.mains = mains

    def find(self, program: str) -> str | None:
        return f"/usr/bin/{program}"

    def run(self, command: list[str], stdin: str) -> Ran:
        del stdin
        assert command[:4] == ["/usr/bin/systemctl", "show", "--property=MainPID", "--value"]
        if None in self.mains:
            raise OSError("no bus")
        return Ran(status=0, stderr="", stdout="\n\n".join(map(str, self.mains)) + "\n")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path, "kill_process")
    yield made
    made.close()


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The host's own ssh server: a program at the path where the host has it."""
    made = copy_of("/bin/sh", tmp_path / "own" / "sshd")
    monkeypatch.setattr(spared, "_PROGRAMS", (str(made),))
    return made


def copy_of(program: str, path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(Path(program).read_bytes())
    path.chmod(0o755)
    path.parent.chmod(0o755)
    return path


def against(host: Host, pid: int) -> str:
    """What a dry run of killing it finds against that; empty where nothing is."""
    outcome = host.kind.carry_out(
        host.command(dry_run=True, processes=[named(pid)]), host.scene, host.ledger
    )
    assert outcome.state is S.SIMULATED, outcome
    return "; ".join(one["detail"] for one in outcome.data["checks"] if not one["ok"])


def waiting(program: Path) -> tuple[str, ...]:
    """A shell of that file, that waits for a word that never comes."""
    pipe = program.with_name("pipe")
    os.mkfifo(pipe)
    return (str(program), "-c", f"read word <{pipe}; :")


def test_an_intruders_program_of_that_name_is_killed(host: Host, tmp_path: Path) -> None:
    copy = copy_of("/bin/sleep", tmp_path / "tmp" / "sshd")
    with child(str(copy), "600") as intruder:
        outcome = host.do(host.command(processes=[named(intruder.pid)]))
        assert outcome.state is S.APPLIED
        assert intruder.wait(60) == -15


def test_the_hosts_own_server_is_left_alone_and_one_session_of_it_is_not(
    host: Host, server: Path, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    session = f"{server} -c 'echo $$; read word <{pipe}; :' & wait"
    with child(str(server), "-c", session) as main:
        assert main.stdout is not None
        begun = int(main.stdout.readline())
        try:
            assert DOOR in against(host, main.pid)
            assert against(host, begun) == ""
        finally:
            pipe.write_text("end\n")


def test_it_is_left_alone_after_its_file_was_renewed(host: Host, server: Path) -> None:
    with child(*waiting(server)) as main:
        copy_of("/bin/sleep", server.with_name("sshd.new")).replace(server)
        assert DOOR in against(host, main.pid)
        server.unlink()
        assert DOOR in against(host, main.pid)
        host.source = Elsewhere(main.pid)
        assert against(host, main.pid) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be somebody else")
def test_that_program_run_by_somebody_else_is_not_the_server(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    with subprocess.Popen(["sleep", "600"], user=NOBODY) as other:
        try:
            monkeypatch.setattr(spared, "_PROGRAMS", (named(other.pid)["path"],))
            assert against(host, other.pid) == ""
        finally:
            other.kill()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount")
def test_a_path_in_a_namespace_of_its_own_is_not_the_hosts(
    host: Host, server: Path, tmp_path: Path
) -> None:
    evil = copy_of("/bin/sleep", tmp_path / "tmp" / "evil")
    script = f"mount --bind {evil} {server} && exec {server} 600"
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-m", "true"], check=False).returncode:
        require("unshare", "this machine makes no mount namespace")
    kept = (Untouchable.PROCESS, str(server))
    host.permission = Permission(kinds=frozenset({"kill_process"}), never_touch=(kept,))
    with child(unshare, "-m", "/bin/sh", "-c", script) as intruder:
        until(
            lambda: (found := look(intruder.pid, SOURCE)) is not None and found.path == str(server)
        )
        assert against(host, intruder.pid) == ""


def test_where_systemd_keeps_the_server_its_main_process_is_it_and_no_other(
    host: Host, server: Path
) -> None:
    host.source = Booted()
    with child() as main, child(*waiting(server)) as other:
        host.system = Systemd(0, main.pid, 0)
        assert DOOR in against(host, main.pid)
        assert against(host, other.pid) == ""


@pytest.mark.parametrize("mains", [(0, 0, 0), (None,)])
def test_where_systemd_knows_of_none_the_program_tells(
    host: Host, server: Path, mains: tuple[int | None, ...]
) -> None:
    host.source, host.system = Booted(), Systemd(*mains)
    with child(*waiting(server)) as main:
        assert DOOR in against(host, main.pid)


def test_what_the_host_names_in_never_touch_is_left_alone(host: Host) -> None:
    with child() as victim:
        kept = ((Untouchable.PROCESS, named(victim.pid)["path"]),)
        host.permission = Permission(kinds=frozenset({"kill_process"}), never_touch=kept)
        assert "never_touch" in against(host, victim.pid)


def test_what_can_not_be_looked_into_is_not_taken_for_anything() -> None:
    with child() as victim:
        found = look(victim.pid, SOURCE)
    assert found is not None
    assert not spared._is_server(found, SOURCE)
    assert not spared.runs(found, found.path, SOURCE)
