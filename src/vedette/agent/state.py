"""The agent's folder: the names in it, and the lock that keeps it to one agent."""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from vedette.core import Conflict
from vedette.seal import sweep_unfinished

__all__ = ["EVIDENCE", "JOURNAL", "LEASES_LOCK", "SPOOL", "StateLock", "holder"]

JOURNAL = "journal.sqlite"
SPOOL = "spool"
EVIDENCE = "evidence"
LEASES_LOCK = "leases.lock"
_LOCK = "lock"
_INSTANT = 0.1


class StateLock:
    """Held by whoever changes the folder. The system lets go of it when the process ends, however it ends."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._fd = -1

    def __enter__(self) -> Self:
        """Takes the lock, and removes what a killed process left half written.

        Raises:
            Conflict: another process has it.
            OSError: the folder can't be used.
        """
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(self._state / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # Whoever asks whether it is held takes it for an instant; that must not stop an agent from starting.
        if not (_take(fd, fcntl.LOCK_EX) or (_rest() and _take(fd, fcntl.LOCK_EX))):
            os.close(fd)
            raise Conflict(
                f"another agent works with {self._state}; stop it first, or give this one its own state_dir",
                kind="agent-runs",
            )
        try:
            sweep_unfinished(self._state)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Gives it back."""
        os.close(self._fd)

    @staticmethod
    def held(state: Path) -> bool:
        """Whether some process has it now. Changes nothing; needs the right to read.

        Raises:
            OSError: it can't be looked at.
        """
        try:
            fd = os.open(state / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            return not _take(fd, fcntl.LOCK_SH)
        finally:
            os.close(fd)


def holder(state: Path) -> int | None:
    """The process that holds the folder's lock, as the kernel tells it; None where it does not: in another container, say.

    Raises:
        OSError: it can't be looked at.
    """
    about = (state / _LOCK).stat()
    place = f"{os.major(about.st_dev):02x}:{os.minor(about.st_dev):02x}:{about.st_ino}"
    for line in Path("/proc/locks").read_text("ascii").splitlines():
        fields = line.split()
        if len(fields) > 5 and fields[1] == "FLOCK" and fields[5] == place and int(fields[4]) > 0:
            return int(fields[4])
    return None


def _take(fd: int, how: int) -> bool:
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _rest() -> bool:
    time.sleep(_INSTANT)
    return True
