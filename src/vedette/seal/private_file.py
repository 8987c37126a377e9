"""Files that hold secrets: written whole or not at all, and only for their owner."""

import contextlib
import os
import re
import secrets
import stat
from pathlib import Path

from vedette.core import ConfigError

__all__ = ["read_private", "sweep_unfinished", "write_file"]

_UNFINISHED = re.compile(r"\..+\.[0-9a-f]{16}")


def write_file(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replaces the file atomically and durably: a reader sees the old content or the new, never a part.

    The mode is set before the first byte is written. Parent folders are made with mode 0700.

    Raises:
        OSError: it can't be written, or the disk refused to sync it: then the content is not to be relied on.
    """
    _make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        raise
    _sync_directory(path.parent)


def sweep_unfinished(folder: Path) -> int:
    """Removes what `write_file` left in this folder when its process was killed; how many files that were.

    Only for a folder in which nobody else writes now. Raises OSError.
    """
    found = [path for path in folder.iterdir() if _UNFINISHED.fullmatch(path.name)]
    for path in found:
        path.unlink()
    return len(found)


def read_private(path: Path) -> bytes:
    """The content of a secret's file.

    A group may read it (that is how Kubernetes mounts secrets); anyone else may not.

    Raises:
        ConfigError: it is missing, unreadable, or open to everybody.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & (stat.S_IRWXO | stat.S_IWGRP):
                raise ConfigError(
                    f"{path} holds a secret but others may reach it (mode {stat.S_IMODE(mode):04o}); run: chmod 600 {path}"
                )
            return file.read()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error


def _make_folder(folder: Path) -> None:
    """A folder that is new is on the disk only once the one above it was synced."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_directory(folder.parent)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
