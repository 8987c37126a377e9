"""A state folder that can't be used as it should: a sentence and exit code 2, or work that goes on."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.enrolled import Agent
from tests.agent.server import Server
from tests.fixtures.disks import small_disk

from vedette.agent import AgentSettings, run, status
from vedette.agent.spool import Spool
from vedette.core import ConfigError, Epoch, SystemClock


@pytest.fixture
def agent(tmp_path: Path, server: Server) -> Iterator[Agent]:
    made = Agent(tmp_path / "state", server)
    made.fill(1)
    made.journal.close()
    yield made
    made.close()


def _vedette(command: str, state: Path) -> "subprocess.CompletedProcess[str]":
    code = "from vedette.app.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "agent", command, "--state-dir", str(state)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


def test_a_folder_that_can_only_be_read_is_told_by_run_and_read_by_status(server: Server) -> None:
    with small_disk() as disk:
        state = disk.folder / "state"
        made = Agent(state, server)
        made.fill(2)
        made.close()
        disk.remount("ro")
        told = _vedette("run", state)
        assert told.returncode == 2
        assert f"error: {state} can't be used: [Errno 30] Read-only file system" in told.stderr
        stands = _vedette("status", state)
        assert stands.returncode == 0, stands.stderr
        disk.remount("rw")


@pytest.mark.parametrize("name", ["journal.sqlite", "spool/counters.json", "lock"])
def test_a_file_that_can_not_be_read_is_told(agent: Agent, name: str) -> None:
    path = agent.state / name
    path.unlink(missing_ok=True)
    path.mkdir()
    with pytest.raises(ConfigError, match=f"can't be used.*{name}.*doctor says more"):
        run(AgentSettings(state_dir=str(agent.state)), SystemClock())


def test_status_tells_what_it_can_not_read(agent: Agent) -> None:
    (agent.state / "journal.sqlite").unlink()
    (agent.state / "journal.sqlite").mkdir()
    settings = AgentSettings(state_dir=str(agent.state))
    assert "can't be read now" in status(settings).journal
    (agent.state / "spool" / "counters.json").unlink(missing_ok=True)
    (agent.state / "spool" / "counters.json").mkdir()
    with pytest.raises(ConfigError, match="can't be read"):
        status(settings)


def test_a_stray_folder_in_the_spool_is_in_nobodys_way(agent: Agent) -> None:
    folder = agent.state / "spool"
    (folder / ".x").mkdir()
    (folder / "0000000000000009-e-9.sealed").mkdir()
    (folder / ".cut-short").write_bytes(b"x")
    spool = Spool(folder, max_bytes=10**8, max_count=1000)
    assert spool.depth == Spool.peek(folder).depth == 1
    assert not (folder / ".cut-short").exists()
    spool.put(Epoch("e"), 2, b"envelope")
    assert spool.depth == 2
    assert (folder / ".x").is_dir()
