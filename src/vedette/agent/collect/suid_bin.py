"""osquery's `suid_bin`: programs that run as somebody else, wherever they hide."""

import os
import stat
from collections import deque

from vedette.agent.collect.mounts import foreign_mounts
from vedette.agent.collect.source import Source, text
from vedette.agent.collect.table import Misses, Table
from vedette.agent.collect.users import users
from vedette.core import Clock, Row

__all__ = ["SuidBin"]

# Real places before the links to them, so that rows bear the real names.
_SLOW = (
    "/usr/bin",
    "/usr/sbin",
    "/usr/lib",
    "/usr/lib64",
    "/usr/libexec",
    "/usr/local",
    "/usr/games",
    "/bin",
    "/sbin",
    "/lib",
    "/lib64",
    "/opt",
    "/home",
)
# Where an intruder can write, and drops things.
_FAST = ("/tmp", "/var/tmp", "/dev/shm", "/root")  # noqa: S108 - these are watched, not used
_SHARES = 8
_MARKS = stat.S_ISUID | stat.S_ISGID


class SuidBin:
    """Walks everything once, and again every `slow_seconds`; what an intruder can write to, at each look.

    The first walk is made at once; the later ones are spread over looks. The walk of each look goes by depth and ends
    after about `fast_entries` files. Files once found are looked at each time. Only a thorough walk that ends early,
    after `slow_entries` files, leaves the table partly read.
    """

    def __init__(
        self,
        source: Source,
        clock: Clock,
        *,
        slow_seconds: float,
        fast_entries: int,
        slow_entries: int,
    ) -> None:
        self._source = source
        self._clock = clock
        self._slow_seconds = slow_seconds
        self._fast_entries = fast_entries
        self._slow_entries = slow_entries
        self._paths: set[str] = set()
        self._partly = ""
        self._walk: _Walk | None = None
        self._walked_at: float | None = None
        self._total = 0

    def collect(self) -> Table:
        """One row per file with a setuid (S) or setgid (G) bit: path, username of its owner, permissions."""
        names = {user.uid: user.username for user in reversed(users(self._source))}
        foreign = _Foreign(self._source)
        now = self._clock.monotonic()
        if self._walked_at is None:
            self._walked_at = now
            self._walk = _Walk(self._source, _FAST + _SLOW, foreign)
            self._go_on(self._walk, self._slow_entries)
        else:
            fast = _Walk(self._source, _FAST, foreign)
            fast.advance(self._fast_entries)
            self._paths |= fast.found
            if self._walk is None and now - self._walked_at >= self._slow_seconds:
                self._walked_at = now
                self._walk = _Walk(self._source, _FAST + _SLOW, foreign)
            if self._walk is not None:
                self._go_on(self._walk, max(self._total // _SHARES, self._fast_entries))
        return Table(rows=self._rows(names), partly=self._partly)

    def _go_on(self, walk: "_Walk", files: int) -> None:
        """Takes the thorough walk further, and ends it when it is through or at its bound."""
        through = walk.advance(files)
        self._paths |= walk.found
        cut = not through and walk.files >= self._slow_entries
        if cut:
            walk.misses.add("the rest", f"more than {self._slow_entries} files")
        if through or cut:
            self._partly = str(walk.misses)
            self._total = walk.files
            self._walk = None

    def _rows(self, names: dict[int, str]) -> list[Row]:
        rows: list[Row] = []
        for path in sorted(self._paths):
            row = self._row(path, names)
            if row is None:
                self._paths.discard(path)
            else:
                rows.append(row)
        return rows

    def _row(self, path: str, names: dict[int, str]) -> Row | None:
        try:
            about = self._source.lstat(path)
        except OSError:
            # Gone, or no longer reachable: the thorough walk will say which.
            return None
        if not stat.S_ISREG(about.st_mode) or not about.st_mode & _MARKS:
            return None
        letters = "S" if about.st_mode & stat.S_ISUID else ""
        if about.st_mode & stat.S_ISGID:
            letters += "G"
        owner = names.get(about.st_uid, str(about.st_uid))
        return {"path": text(path), "username": owner, "permissions": letters}


class _Walk:
    """A walk that can stop and go on: shallow places first, no link followed, foreign file systems left out."""

    def __init__(self, source: Source, tops: tuple[str, ...], foreign: "_Foreign") -> None:
        self._source = source
        self._foreign = foreign
        self._visited: set[tuple[int, int]] = set()
        self._pending = deque(tops)
        self.found: set[str] = set()
        self.misses = Misses()
        self.files = 0

    def advance(self, files: int) -> bool:
        """Looks at about so many more files. True when there is nothing left."""
        until = self.files + files
        while self._pending and self.files < until:
            directory = self._pending.popleft()
            with self.misses.noting(directory):
                self._visit(directory)
        return not self._pending

    def _visit(self, directory: str) -> None:
        # Before anything is asked of it: a dead file server does not answer, and a look at an automount mounts it.
        if directory in self._foreign.paths:
            return
        about = self._source.stat(directory)
        place = (about.st_dev, about.st_ino)
        if place in self._visited or about.st_dev in self._foreign.devices:
            return
        self._visited.add(place)
        with os.scandir(self._source.at(directory)) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    self._pending.append(f"{directory}/{entry.name}")
                elif entry.is_file(follow_symlinks=False):
                    self.files += 1
                    if _marked(entry):
                        self.found.add(f"{directory}/{entry.name}")


def _marked(entry: os.DirEntry[str]) -> bool:
    try:
        return bool(entry.stat(follow_symlinks=False).st_mode & _MARKS)
    except FileNotFoundError:
        return False


class _Foreign:
    """Network and pseudo file systems, which the walk stays out of: where they are mounted, and their device numbers."""

    def __init__(self, source: Source) -> None:
        mounts = foreign_mounts(source)
        self.paths = {path for path, _ in mounts}
        self.devices = {device for _, device in mounts}
