"""The file system that a snapshot is taken of: the machine's own, or a made tree."""

import errno
import os
import stat
from pathlib import Path

from vedette.core import Unavailable

__all__ = ["MAX_FILE_BYTES", "Source", "Unreadable", "text"]

MAX_FILE_BYTES = 64 * 1024 * 1024
_PIECE = 64 * 1024
_LARGE_PIECE = 4 * 1024 * 1024
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR})


class Unreadable(Unavailable):
    """A table can't be read now. The detail is what `unread` says of it."""

    default_kind = "unreadable"


def text(raw: bytes | str) -> str:
    r"""Any bytes or file name as text that JSON and MessagePack can carry; what is not UTF-8 becomes `\xNN`."""
    data = os.fsencode(raw) if isinstance(raw, str) else raw
    return data.decode("utf-8", "backslashreplace")


class Source:
    """Paths are given as the host names them (`/etc/passwd`) and looked up under `root`."""

    def __init__(self, root: str = "/") -> None:
        self._root = root.rstrip("/")

    def at(self, path: str) -> str:
        """Where a path of the host is for this process."""
        return self._root + path

    def read(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes:
        """A whole file.

        Raises:
            OSError: it can't be opened or read.
            Unreadable: it has more than `limit` bytes or is no regular file (a pipe would never end).
        """
        fd = os.open(self.at(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            about = os.fstat(fd)
            if not stat.S_ISREG(about.st_mode):
                raise Unreadable(f"{text(path)} is not a regular file")
            # Files under /proc claim to be empty, and some refuse to be read in large pieces.
            piece = min(max(about.st_size + 1, _PIECE), _LARGE_PIECE)
            pieces, size = [], 0
            while data := os.read(fd, piece):
                pieces.append(data)
                size += len(data)
                if size > limit:
                    raise Unreadable(f"{text(path)} has more than {limit} bytes")
        finally:
            os.close(fd)
        return b"".join(pieces)

    def read_if_there(self, path: str, limit: int = MAX_FILE_BYTES) -> bytes | None:
        """A whole file, or None where no such file is. Other errors are raised as by `read`."""
        try:
            return self.read(path, limit)
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise

    def stat(self, path: str) -> os.stat_result:
        """Of the file itself, or of what a link leads to. Raises OSError."""
        return Path(self.at(path)).stat()

    def lstat(self, path: str) -> os.stat_result:
        """Of the file or the link itself. Raises OSError."""
        return Path(self.at(path)).lstat()

    def link(self, path: str) -> str | None:
        """Where a link points, as it is written; None for what is no link. Raises OSError."""
        try:
            return str(Path(self.at(path)).readlink())
        except OSError as error:
            if error.errno == errno.EINVAL:
                return None
            raise

    def is_dir(self, path: str) -> bool:
        """Whether it is, or leads to, a directory."""
        return Path(self.at(path)).is_dir()

    def exists(self, path: str) -> bool:
        """Whether it is there, and what it leads to is."""
        return Path(self.at(path)).exists()

    def lines(self, path: str) -> list[str]:
        """The lines of a text file, decoded, without their ends. Raises as `read` does."""
        return [text(line) for line in self.read(path).split(b"\n")]

    def names(self, directory: str) -> list[str]:
        """The names in a directory, sorted; none where no such directory is."""
        try:
            with os.scandir(self.at(directory)) as entries:
                return sorted(entry.name for entry in entries)
        except OSError as error:
            if error.errno in _ABSENT:
                return []
            raise
