"""Reads a part of a file that may be anybody's trap: no link is followed, nothing but a regular file is opened."""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from vedette.agent.collect.source import Source, text
from vedette.core import Record, Unavailable

__all__ = ["LeftOut", "Part", "found", "looked_at", "part_of", "piece_of"]

_PIECE = 256 * 1024
_SORTS = (
    (stat.S_ISLNK, "a symbolic link, which is not followed"),
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
Pass = Callable[[int], None]
# Of what is read from its end, the beginning is looked at, too: it tells what a file is.
_HEAD = 4_096


class LeftOut(Unavailable):
    """It is not collected; the detail is why, for people."""


class Part(Record, frozen=True, kw_only=True):
    """What was read of a file, and how that file was when it was opened. `note` says what of it is not whole.

    `head` is how it begins, where `data` is of its end.
    """

    data: bytes
    about: os.stat_result
    note: str = ""
    head: bytes = b""


@contextmanager
def found(path: str, source: Source, passes: Pass = lambda _: None) -> Iterator[int]:
    """A descriptor that only names the file: nothing is opened yet, so that no device or FIFO notices.

    `passes` is called with one for each folder on the way, and for the file.

    Raises:
        LeftOut: there is none, or a link stands in its path; or as `passes` does.
    """
    parts = path.split("/")
    if parts[0] or len(parts) < 2 or not {"", ".", ".."}.isdisjoint(parts[1:]) or "\0" in path:
        raise LeftOut("it is no absolute path without . and ..")
    here = os.open(source.at("/"), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for number, part in enumerate(parts[1:], 2):
            last = number == len(parts)
            flags = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC | (0 if last else os.O_DIRECTORY)
            following = _step(part, flags, here, "/".join(parts[:number]))
            os.close(here)
            here = following
            passes(here)
        yield here
    finally:
        os.close(here)


def looked_at(path: str, source: Source, passes: Pass = lambda _: None) -> os.stat_result:
    """How a regular file stands, without opening it. Raises LeftOut where it is none."""
    with found(path, source, passes) as named:
        about = os.fstat(named)
    if sort := _sort(about):
        raise LeftOut(f"it is {sort}")
    return about


def piece_of(
    fd: int, most: int, *, start: int = 0, late: Callable[[], bool] = lambda: False
) -> bytes:
    """At most so many bytes from there on; fewer at the file's end. Raises OSError, and LeftOut when it is late."""
    pieces, size = [], 0
    while size < most:
        if late():
            raise LeftOut("the time for collecting was over while it was read")
        data = os.pread(fd, min(_PIECE, most - size), start + size)
        if not data:
            break
        pieces.append(data)
        size += len(data)
    return b"".join(pieces)


def part_of(
    path: str,
    source: Source,
    most: int,
    *,
    tail: bool = False,
    passes: Pass = lambda _: None,
    late: Callable[[], bool] = lambda: False,
) -> Part:
    """A regular file's first (or, `tail`, last) bytes, at most `most`, as far as it went when it was opened.

    Raises:
        LeftOut: it is nothing that is collected, or can't be read.
    """
    with found(path, source, passes) as named:
        about = os.fstat(named)
        if sort := _sort(about):
            raise LeftOut(f"it is {sort}")
        fd = _opened(named)
        try:
            start = max(0, about.st_size - most) if tail else 0
            head = piece_of(fd, min(start, _HEAD), late=late)
            data = piece_of(fd, min(about.st_size, most), start=start, late=late)
            after = os.fstat(fd)
        except OSError as error:
            raise LeftOut(f"it can't be read: {error.strerror}") from error
        finally:
            os.close(fd)
    return Part(data=data, about=about, note=_note(data, about, after, tail=tail), head=head)


def _step(part: str, flags: int, here: int, so_far: str) -> int:
    try:
        return os.open(part, flags, dir_fd=here)
    except OSError as error:
        link = False
        with suppress(OSError):
            link = stat.S_ISLNK(os.stat(part, dir_fd=here, follow_symlinks=False).st_mode)
        if link and error.errno in {errno.ENOTDIR, errno.ELOOP}:
            raise LeftOut(f"{text(so_far)} is a symbolic link, which is not followed") from error
        raise LeftOut(f"{text(so_far)}: {error.strerror}") from error


def _opened(named: int) -> int:
    """The very file that was looked at, whoever put another in its place; its time of access stays where that is allowed."""
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    place = f"/proc/self/fd/{named}"
    try:
        return os.open(place, flags | os.O_NOATIME)
    except PermissionError:
        pass
    except OSError as error:
        raise LeftOut(f"it can't be opened: {error.strerror}") from error
    try:
        return os.open(place, flags)
    except OSError as error:
        raise LeftOut(f"it can't be opened: {error.strerror}") from error


def _sort(about: os.stat_result) -> str:
    if stat.S_ISREG(about.st_mode):
        return ""
    return next((name for holds, name in _SORTS if holds(about.st_mode)), "no regular file")


def _note(data: bytes, before: os.stat_result, after: os.stat_result, *, tail: bool) -> str:
    notes = []
    if len(data) < before.st_size:
        which = "last" if tail else "first"
        notes.append(f"the {which} {len(data)} of {before.st_size} bytes")
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        notes.append("it was changed while it was read")
    return "; ".join(notes)
