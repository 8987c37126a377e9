"""A database's file is made once, and never opened beside SQLite."""

import fcntl
import stat
import subprocess
import sys
from pathlib import Path

from vedette.core import made_private

_TRY = """
import fcntl, sys
with open(sys.argv[1], "rb+") as file:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("locked")
"""


def is_locked(path: Path) -> bool:
    """By this process, as another one finds it."""
    done = subprocess.run(
        [sys.executable, "-c", _TRY, str(path)], capture_output=True, text=True, check=True
    )
    return done.stdout == "locked\n"


def test_it_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "made.sqlite"
    made_private(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_size == 0


def test_what_is_there_keeps_its_content_its_rights_and_the_locks_that_this_process_has_on_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "kept.sqlite"
    path.write_bytes(b"kept")
    path.chmod(0o640)
    with path.open("rb+") as file:
        fcntl.lockf(file, fcntl.LOCK_SH)
        assert is_locked(path)
        made_private(path)
        assert is_locked(path)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"kept", 0o640)
