"""Which program a process runs: known by the very file, never by its path, which a rename changes."""

import hashlib
import os
from typing import NamedTuple

from vedette.agent.actions.processes import program
from vedette.agent.collect.source import Source, Unreadable

__all__ = ["Programs", "Version", "version"]

_LARGEST = 1 << 30
_PIECE = 1 << 20
_MOST_KNOWN = 64


class Version(NamedTuple):
    """A file as it was at some moment. `modified` and `changed` (the inode) are in Unix nanoseconds.

    Nobody but the kernel sets `changed`, so that a file made later under the same number is told from it.
    """

    device: int
    inode: int
    size: int
    modified: int
    changed: int


def version(pid: int, source: Source) -> Version | None:
    """Of the file that it runs, which exec of another one changes. None when it can't be told."""
    try:
        return _version(source.stat(program(pid, source)))
    except (OSError, Unreadable):
        return None


class Programs:
    """The digests of what processes run. A file is read again only when it is another, or is not what it was.

    All of it lies in memory: after a start each file is read once.
    """

    def __init__(self) -> None:
        self._known: dict[Version, str] = {}

    def sha256(self, pid: int, source: Source) -> str:
        """Of what it runs, through the kernel's own link: also where the file was deleted, renamed or replaced since.

        Raises:
            OSError: it can't be read.
            Unreadable: it has more than a GiB.
        """
        fd = os.open(source.at(program(pid, source)), os.O_RDONLY | os.O_CLOEXEC)
        try:
            before = _version(os.fstat(fd))
            if known := self._known.get(before):
                return known
            found = _sha256(fd, pid)
            if _version(os.fstat(fd)) == before:
                self._note(before, found)
        finally:
            os.close(fd)
        return found

    def _note(self, seen: Version, found: str) -> None:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[seen] = found


def _version(about: os.stat_result) -> Version:
    return Version(
        device=about.st_dev,
        inode=about.st_ino,
        size=about.st_size,
        modified=about.st_mtime_ns,
        changed=about.st_ctime_ns,
    )


def _sha256(fd: int, pid: int) -> str:
    found, size = hashlib.sha256(), 0
    while data := os.read(fd, _PIECE):
        size += len(data)
        if size > _LARGEST:
            raise Unreadable(f"the program of process {pid} has more than {_LARGEST} bytes")
        found.update(data)
    return found.hexdigest()
