"""The agent's folder: the names in it, and the lock that keeps it to one agent."""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from vedette.core import Conflict

__all__ = ["JOURNAL", "SPOOL", "StateLock"]

JOURNAL = "journal.sqlite"
SPOOL = "spool"
_LOCK = "lock"


class StateLock:
    """Held by whoever changes the folder. The system lets go of it when the process ends, however it ends."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._fd = -1

    def __enter__(self) -> Self:
        """Takes the lock.

        Raises:
            Conflict: another process has it.
            OSError: the folder can't be used.
        """
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(self._state / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(fd)
            raise Conflict(
                f"another agent works with {self._state}; stop it first, or give this one its own state_dir",
                kind="agent-runs",
            ) from error
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

    @classmethod
    def held(cls, state: Path) -> bool:
        """Whether some process has it now."""
        if not (state / _LOCK).exists():
            return False
        try:
            with cls(state):
                return False
        except Conflict:
            return True
