"""Root's word at the machine: what can be ended is ended and said, whatever is wrong with something else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.agent.processes_host import SOURCE, Host, child, named
from tests.agent.recorded_shutdown import make_shutdown
from tests.agent.test_suspend_process import is_stopped
from typer.testing import CliRunner

from vedette.agent import keeper
from vedette.agent.actions import ACTIONS
from vedette.agent.actions.scene import ThisMachine
from vedette.agent.collect.source import Source
from vedette.agent.lease import Lease
from vedette.app import agent_logs
from vedette.app.cli.agent import app
from vedette.core import ActionId, ActionState, CommandId

pytestmark = pytest.mark.usefixtures("one_switch_at_a_time")
S = ActionState
BROKEN = "#!/bin/sh\necho 'netlink: Error: cache initialization failed' >&2; exit 1\n"


class Console:
    """A host on which several things are in force, and `vedette agent release` on it; its nft fails."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.host = Host(folder, "suspend_process")
        root, programs = folder / "root", folder / "programs"
        for one in (root, programs):
            one.mkdir()
        (root / "proc").symlink_to("/proc")
        shutdown = make_shutdown(root, programs)
        nft = programs / "nft"
        nft.write_text(BROKEN)
        nft.chmod(0o755)
        found = {"shutdown": str(shutdown), "nft": str(nft)}
        monkeypatch.setattr(ThisMachine, "find", lambda _, program: found.get(program))
        monkeypatch.setattr(keeper, "_only_root", lambda: None)
        monkeypatch.setattr(agent_logs, "configure_agent_logs", lambda *_: None)
        self.below = Source(str(root))
        self.scheduled = root / "run/systemd/shutdown/scheduled"
        self.config = folder / "agent.toml"
        state = self.host.tree.path("/state")
        self.config.write_text(f'state_dir = "{state}"\nroot = "{root}"\n')

    def begin(self, kind: str, source: Source = SOURCE, **parameters: Any) -> None:
        self.host.kind, self.host.source = ACTIONS[kind], source
        command = self.host.command(f"of-{kind}", action=ActionId(kind), **parameters)
        assert self.host.do(command).state in {S.VERIFIED, S.APPLIED}

    def quarantine(self) -> None:
        """As its journal has it."""
        at = self.host.ledger.moment
        self.host.ledger.keep(
            Lease(
                kind="quarantine",
                action=ActionId("quarantine"),
                command=CommandId("of-quarantine"),
                plan={"rules": "", "allowed": []},
                began_at=at.wall,
                boot=at.boot,
                ends=at.seconds + 600,
                left=600,
                noted_at=at.wall,
            )
        )

    def release(self) -> tuple[int, str, str]:
        done = CliRunner().invoke(app, ["release", "--config", str(self.config), "-m", "a drill"])
        return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Console]:
    made = Console(tmp_path, monkeypatch)
    yield made
    made.host.kind, made.host.source = ACTIONS["suspend_process"], SOURCE
    made.host.kind.let_go(made.host.scene, made.host.ledger, "the test is over")
    made.host.close()


def test_trouble_with_one_kind_leaves_no_other_in_force(console: Console) -> None:
    with child() as victim, child() as quick:
        console.quarantine()
        console.begin("suspend_process", processes=[named(victim.pid)], lease_seconds=600)
        console.begin("kill_process", processes=[named(quick.pid)], grace_seconds=60.0)
        quick.wait()
        console.begin("shutdown", console.below, grace_seconds=600)
        assert console.scheduled.exists()
        code, out, err = console.release()
        assert not is_stopped(victim.pid)
    assert not console.scheduled.exists()
    assert code == 1
    assert "suspend_process: released: released at the host by root: a drill; all is as" in out
    assert "shutdown: cancelled: released at the host by root: a drill; the schedule was" in out
    assert "quarantine: not released: it could not be taken away: netlink: Error: cache" in err
    assert "kill_process: not released: too late: the processes have ended" in err


def test_what_nobody_thought_of_leaves_no_other_in_force_either(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError("out of order")

    monkeypatch.setattr(ACTIONS["quarantine"], "let_go", breaks)
    with child() as victim:
        console.begin("suspend_process", processes=[named(victim.pid)], lease_seconds=600)
        code, _, err = console.release()
        assert not is_stopped(victim.pid)
    assert code == 1
    assert "quarantine: not released: RuntimeError: out of order" in err


def test_a_shutdown_that_is_called_off_is_no_failure(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ACTIONS["quarantine"], "let_go", lambda *_: None)
    assert console.release() == (0, "nothing is in force on this host\n", "")
    console.begin("shutdown", console.below, grace_seconds=600)
    code, out, err = console.release()
    assert (code, err) == (0, "")
    assert out.startswith("shutdown: cancelled: ")
