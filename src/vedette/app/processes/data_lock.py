"""One user of a data folder at a time."""

import fcntl
from pathlib import Path
from typing import IO, Self

from vedette.core import ConfigError

__all__ = ["DataLock"]


class DataLock:
    """Held by a server for its life, and by commands that work on its files. The end of the process ends it."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._file: IO[bytes] | None = None

    def take(self) -> None:
        """Takes it.

        Raises:
            ConfigError: another process has it, or the folder can't be used.
        """
        run = self._data / "run"
        try:
            run.mkdir(mode=0o700, exist_ok=True)
            self._file = (run / "lock").open("ab")
        except OSError as error:
            raise ConfigError(f"data_dir {self._data} can't be used: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise ConfigError(
                f"another server uses {self._data}; stop it or choose another data_dir"
            ) from error

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
