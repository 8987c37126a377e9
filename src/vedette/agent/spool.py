"""Sealed snapshots on disk, from their making until the server has them."""

import contextlib
import errno
import hashlib
import os
import re
import threading
from pathlib import Path

import msgspec
import structlog

from vedette.core import Epoch, Record
from vedette.seal import write_file

__all__ = ["Spool", "SpoolSize", "Spooled"]

_log = structlog.get_logger()
_MAGIC = b"VSPOOL1\n"
_NAME = re.compile(r"(\d{16})-([A-Za-z0-9._]+)-(\d+)\.sealed")
_COUNTERS = "counters.json"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR, errno.EAGAIN})
"""What keeps a file from being read and is no fault of the file."""
_ENOUGH = 4
"""Times its own size that a snapshot may free on a full disk. If it does not fit then, someone else takes the room."""
_ASIDE = ".unreadable"


class Spooled(Record, frozen=True, kw_only=True):
    """One snapshot in the spool. `size` is of its file, in bytes."""

    ordinal: int
    epoch: Epoch
    seq: int
    size: int

    @property
    def name(self) -> str:
        """Its file's name, which sorts in the order of making."""
        return f"{self.ordinal:016d}-{self.epoch}-{self.seq}.sealed"


class _Counters(Record, frozen=True, kw_only=True):
    dropped: int = 0
    torn: int = 0


class SpoolSize(Record, frozen=True, kw_only=True):
    """What waits in a spool, and what it lost."""

    depth: int
    size: int
    dropped: int
    torn: int


class Spool:
    """First in, first out, bounded by bytes and count; what doesn't fit pushes out the oldest, and is counted.

    One file per snapshot, written whole or not at all, with its SHA-256 in front. What was pushed out leaves a gap in
    seq, which tells the server that it is blind there. A file that the disk does not give is set aside under the suffix
    `.unreadable`, for people. Safe for one writer and one reader in two threads.
    """

    def __init__(self, directory: Path, *, max_bytes: int, max_count: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._max_count = max_count
        self._lock = threading.Lock()
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._counters = _read_counters(directory)
        self._items: dict[int, Spooled] = {}
        self._size = 0
        self._in_vain = False
        for path in sorted(directory.iterdir()):
            if path.is_dir():
                # Not of our making, and in nobody's way.
                _log.warning("spool.stray_folder", name=path.name)
            elif found := _NAME.fullmatch(path.name):
                self._add(
                    Spooled(
                        ordinal=int(found[1]),
                        epoch=Epoch(found[2]),
                        seq=int(found[3]),
                        size=_size(path),
                    )
                )
            elif path.name.startswith("."):
                # A write that a crash cut short.
                path.unlink()
        self._next = max(self._items, default=0) + 1

    @staticmethod
    def peek(directory: Path) -> SpoolSize:
        """What is in a spool that another process may be using. Changes nothing."""
        counters = _read_counters(directory)
        sizes = []
        for path in directory.iterdir() if directory.is_dir() else ():
            if _NAME.fullmatch(path.name) and not path.is_dir():
                with contextlib.suppress(FileNotFoundError):
                    sizes.append(path.stat().st_size)
        return SpoolSize(
            depth=len(sizes), size=sum(sizes), dropped=counters.dropped, torn=counters.torn
        )

    @staticmethod
    def first(directory: Path) -> bytes | None:
        """The oldest envelope of a spool that another process may be using; None where none is, or it is damaged."""
        names = [path.name for path in directory.iterdir()] if directory.is_dir() else []
        for name in sorted(filter(_NAME.fullmatch, names)):
            try:
                return _check((directory / name).read_bytes())
            except FileNotFoundError:
                continue
            except PermissionError:
                raise
            except OSError:
                return None
        return None

    @property
    def depth(self) -> int:
        """Snapshots waiting."""
        return len(self._items)

    @property
    def size(self) -> int:
        """Bytes of snapshots waiting."""
        return self._size

    @property
    def dropped(self) -> int:
        """Snapshots pushed out since the spool was made."""
        return self._counters.dropped

    @property
    def torn(self) -> int:
        """Files that were found damaged since the spool was made."""
        return self._counters.torn

    def put(self, epoch: Epoch, seq: int, envelope: bytes) -> tuple[Spooled, ...]:
        """Adds a snapshot, durable when it returns. Gives what it pushed out (the new one itself, if it is too large).

        Raises:
            OSError: it can't be written, on a full disk even after pushing out a few times its size. As long as that does
                not help, nothing more is pushed out.
        """
        data = _framed(envelope)
        with self._lock:
            item = Spooled(ordinal=self._next, epoch=epoch, seq=seq, size=len(data))
            pushed: list[Spooled] = []
            if item.size > self._max_bytes:
                self._count(dropped=1)
                return (item,)
            while self._items and (
                len(self._items) >= self._max_count or self._size + item.size > self._max_bytes
            ):
                pushed.append(self._push_out())
            pushed += self._write(item, data)
            self._add(item)
            self._next += 1
            return tuple(pushed)

    def replace(self, item: Spooled, envelope: bytes) -> None:
        """Puts another envelope in a waiting snapshot's place. One that was pushed out meanwhile is no error.

        Raises:
            OSError: it can't be written; what was there stays.
        """
        data = _framed(envelope)
        with self._lock:
            if item.ordinal in self._items:
                write_file(self._directory / item.name, data)
                self._size += len(data) - item.size
                self._items[item.ordinal] = msgspec.structs.replace(item, size=len(data))

    def head(self) -> tuple[Spooled, bytes] | None:
        """The oldest snapshot and its envelope; None when there is none.

        Files that are missing, damaged or can't be read are counted and passed over.

        Raises:
            OSError: it can't be read now, by no fault of its own (too many files are open, say).
        """
        while True:
            with self._lock:
                if not self._items:
                    return None
                item = next(iter(self._items.values()))
                envelope = self._read(item)
            if envelope is not None:
                return item, envelope

    def waiting(self) -> tuple[Spooled, ...]:
        """All that is in it, oldest first."""
        with self._lock:
            return tuple(self._items.values())

    def remove(self, item: Spooled) -> None:
        """Takes out a snapshot that is done with. One that was pushed out meanwhile is no error."""
        with self._lock:
            if found := self._items.get(item.ordinal):
                self._forget(found)

    def _write(self, item: Spooled, data: bytes) -> list[Spooled]:
        """Writes its file. Gives what a full disk made it push out."""
        pushed: list[Spooled] = []
        freed = 0
        while True:
            try:
                write_file(self._directory / item.name, data)
            except OSError as error:
                full = error.errno in _FULL
                if full and freed < _ENOUGH * item.size and self._can_make_room(item.size):
                    pushed.append(self._push_out())
                    freed += pushed[-1].size
                    continue
                self._in_vain |= full and bool(pushed)
                self._disown(item)
                raise
            self._in_vain = False
            return pushed

    def _read(self, item: Spooled) -> bytes | None:
        """Its envelope. None where the file is missing, damaged or can't be read: then it is counted, and out of the way."""
        aside = False
        problem = "it is damaged"
        try:
            envelope = _check((self._directory / item.name).read_bytes())
            if envelope is not None:
                return envelope
        except FileNotFoundError:
            problem = "it is missing"
        except OSError as error:
            if error.errno in _PASSING:
                raise
            aside, problem = True, str(error)
        self._count(torn=1)
        if aside:
            self._set_aside(item)
        else:
            self._forget(item)
        _log.error("spool.torn", epoch=item.epoch, seq=item.seq, problem=problem)
        return None

    def _can_make_room(self, size: int) -> bool:
        """Whether it is worth while to push out what waits, on a full disk."""
        if self._in_vain or not self._items:
            return False
        try:
            disk = os.statvfs(self._directory)
        except OSError:
            return True
        # A file takes whole blocks.
        most = self._size + len(self._items) * disk.f_frsize
        return disk.f_bavail * disk.f_frsize + most >= size

    def _push_out(self) -> Spooled:
        item = next(iter(self._items.values()))
        # Counted first: a crash in between counts one too many, never one too few.
        self._count(dropped=1)
        self._forget(item)
        _log.warning("spool.dropped", epoch=item.epoch, seq=item.seq)
        return item

    def _disown(self, item: Spooled) -> None:
        """A file whose sync was refused may be there or not; its place is never given to another."""
        self._next += 1
        with contextlib.suppress(OSError):
            (self._directory / item.name).unlink(missing_ok=True)

    def _add(self, item: Spooled) -> None:
        self._items[item.ordinal] = item
        self._size += item.size

    def _forget(self, item: Spooled) -> None:
        del self._items[item.ordinal]
        self._size -= item.size
        (self._directory / item.name).unlink(missing_ok=True)

    def _set_aside(self, item: Spooled) -> None:
        """Leaves a file to people that can't be read. One that can't even be renamed is tried again by the next run."""
        del self._items[item.ordinal]
        self._size -= item.size
        path = self._directory / item.name
        with contextlib.suppress(OSError):
            path.rename(path.with_name(path.name + _ASIDE))

    def _count(self, *, dropped: int = 0, torn: int = 0) -> None:
        self._counters = _Counters(
            dropped=self._counters.dropped + dropped, torn=self._counters.torn + torn
        )
        # On a full disk there is no room for the count; it stays in memory and is written with the next.
        with contextlib.suppress(OSError):
            write_file(self._directory / _COUNTERS, msgspec.json.encode(self._counters))


def _read_counters(directory: Path) -> _Counters:
    try:
        raw = (directory / _COUNTERS).read_bytes()
        return msgspec.json.decode(raw, type=_Counters)
    except FileNotFoundError:
        return _Counters()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        _log.exception("spool.counters_damaged")
        return _Counters()


def _size(path: Path) -> int:
    """In bytes; 0 where the disk does not even tell that: `head` finds out what else it does not tell."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _framed(envelope: bytes) -> bytes:
    return _MAGIC + hashlib.sha256(envelope).digest() + envelope


def _check(data: bytes) -> bytes | None:
    """The envelope, if the file is whole."""
    head = len(_MAGIC) + 32
    if data[: len(_MAGIC)] != _MAGIC:
        return None
    envelope = data[head:]
    return envelope if hashlib.sha256(envelope).digest() == data[len(_MAGIC) : head] else None
