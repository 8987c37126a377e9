"""The agent's folder after a process that was killed amid a write."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from vedette.agent.state import StateLock
from vedette.core import Conflict

_KILLED = """
import os, signal, sys
from pathlib import Path
from vedette.agent.state import StateLock
from vedette.seal import write_file
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
state = Path(sys.argv[1])
with StateLock(state):
    write_file(state / sys.argv[2], b"half")
"""


@pytest.mark.parametrize("name", ["health.json", "host.key"])
def test_what_a_killed_process_left_half_written_is_swept(tmp_path: Path, name: str) -> None:
    kept = {"lock", "health.json", ".hidden", ".health.json.bak"}
    for one in kept:
        (tmp_path / one).write_bytes(b"")
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path), name], check=False)
        assert done.returncode == -signal.SIGKILL
    left = {path.name for path in tmp_path.iterdir()} - kept
    # Each start sweeps what the one before left.
    assert len(left) == 1
    with StateLock(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == kept


def test_nothing_is_swept_under_a_running_agents_feet(tmp_path: Path) -> None:
    with StateLock(tmp_path):
        begun = tmp_path / ".health.json.0123456789abcdef"
        begun.write_bytes(b"")
        with pytest.raises(Conflict), StateLock(tmp_path):
            pass
        assert begun.exists()
