"""A database's file, as its disk and the last one who read it have it: writable, with room, undamaged."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from vedette.core.errors import Unavailable

__all__ = ["DataFile", "made_private"]

ROOM_BYTES: Final = 16 * 1024 * 1024
"""Room that is left for finishing what was begun: one write-ahead log before it is folded into its database."""


def made_private(path: Path) -> None:
    """Makes an empty file that only its owner may read, if there is none; what SQLite writes beside it takes over its rights.

    One that is there is never opened: to close a descriptor of a file drops all locks that the process has on it (POSIX), SQLite's too,
    and the next process that closes the database then takes itself for the last one, and deletes the write-ahead log that this one goes on writing to.

    Raises:
        OSError: it can't be made.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))


class DataFile:
    """One file that several processes share.

    A process that finds it damaged leaves a mark beside it, `<file>-damaged`, with what it found. From then on none of
    them writes to it, through restarts too, until the file was checked or salvaged: what is written over damage may be
    lost with it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.mark = path.with_name(f"{path.name}-damaged")
        self._found = ""

    def look(self) -> None:
        """Whether something new should be written; a few system calls, and no write.

        Raises:
            Unavailable: (damaged-data, read-only, disk-full, io-error) it should not, and why.
        """
        self.refuse_damaged()
        try:
            disk = os.statvfs(self.path.parent)
        except OSError as error:
            raise Unavailable(
                f"the disk of {self.path.name} does not answer ({error.strerror})",
                kind="io-error",
                retry_after=1.0,
            ) from error
        if disk.f_flag & os.ST_RDONLY:
            raise Unavailable(
                f"the file system of {self.path.name} is read-only",
                kind="read-only",
                retry_after=1.0,
            )
        if disk.f_bavail * disk.f_frsize < ROOM_BYTES:
            raise Unavailable(
                f"the disk of {self.path.name} has less than {ROOM_BYTES >> 20} MiB left",
                kind="disk-full",
                retry_after=1.0,
            )

    def refuse_damaged(self) -> None:
        """Raises Unavailable (damaged-data) once any process found the file damaged."""
        if self._found or self.mark.exists():
            raise Unavailable(
                f"{self.path.name} is damaged ({self._found or _text(self.mark)}); "
                "stop Vedette and run `vedette data check`, then `vedette data salvage`",
                kind="damaged-data",
                retry_after=60.0,
            )

    def mark_damaged(self, found: str) -> bool:
        """Keeps what was found, here and for others; False where the mark could not be written."""
        self._found = found
        try:
            descriptor = os.open(self.mark, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError:
            return False
        with os.fdopen(descriptor, "w") as file:
            file.write(found)
        return True


def _text(mark: Path) -> str:
    try:
        return mark.read_text("utf-8", "replace")
    except OSError:
        return "see its mark"
