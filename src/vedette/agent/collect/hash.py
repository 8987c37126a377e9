"""osquery's `hash` over the files an intruder changes first."""

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from vedette.agent.collect.mounts import foreign_paths
from vedette.agent.collect.source import Source, text
from vedette.agent.collect.table import Misses, Table
from vedette.agent.collect.users import users
from vedette.agent.collect.watched import BEFORE_MERGE, DIRECTORIES, DROP_INS, FILES, HOMES

if TYPE_CHECKING:
    from vedette.core import Row

__all__ = ["Hash"]

_MOST_HOMES = 200
_NO_LOGIN = frozenset({"", "nologin", "false", "sync", "true", "halt", "shutdown"})
_MAX_BYTES = 256 * 1024 * 1024

_Key = tuple[int, int, int, int, int]


class Hash:
    """Hashes a file again only when its inode, size, mtime or ctime has changed."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: dict[str, tuple[_Key, str]] = {}

    def forget(self) -> None:
        """Hashes every file anew next time."""
        self._known = {}

    def collect(self) -> Table:
        """One row per file that is there: path, sha256 of its content (of the target's, for a link)."""
        misses = Misses()
        paths = [*FILES, *self._home_files(misses)]
        with misses.noting("/bin"):
            if self._source.link("/bin") is None:
                paths.extend(BEFORE_MERGE)
        directories = list(DIRECTORIES)
        with misses.noting(DROP_INS):
            names = self._source.names(DROP_INS)
            directories += [f"{DROP_INS}/{name}" for name in names if name.endswith(".d")]
        for directory in directories:
            with misses.noting(directory):
                paths.extend(f"{directory}/{name}" for name in self._source.names(directory))
        rows: list[Row] = []
        known: dict[str, tuple[_Key, str]] = {}
        for path in sorted(set(paths)):
            with misses.noting(path):
                found = self._of(path, misses)
                if found is not None:
                    known[path] = found
                    rows.append({"path": text(path), "sha256": found[1]})
        self._known = known
        return Table(rows=rows, partly=str(misses))

    def _home_files(self, misses: Misses) -> list[str]:
        """What a shell or sshd reads of those who can log in. Homes on other machines are left alone."""
        homes: list[str] = []
        with misses.noting("/etc/passwd"):
            afar = foreign_paths(self._source)
            homes = [
                user.directory.rstrip("/")
                for user in users(self._source)
                if user.directory.startswith("/")
                and user.uid != 0
                and user.shell.rpartition("/")[2] not in _NO_LOGIN
                and not any(f"{user.directory}/".startswith(f"{path}/") for path in afar)
            ]
        return [f"{home}/{name}" for home in dict.fromkeys(homes[:_MOST_HOMES]) for name in HOMES]

    def _of(self, path: str, misses: Misses) -> tuple[_Key, str] | None:
        about = self._source.stat(path)
        if not stat.S_ISREG(about.st_mode):
            return None
        key = _key(about)
        known = self._known.get(path)
        if known is not None and known[0] == key:
            return known
        if about.st_size > _MAX_BYTES:
            misses.add(path, f"more than {_MAX_BYTES} bytes")
            return None
        fd = os.open(self._source.at(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            # The key is taken before reading: what is written meanwhile changes it, and is hashed next time.
            key = _key(os.fstat(file.fileno()))
            return key, hashlib.file_digest(file, "sha256").hexdigest()


def _key(about: os.stat_result) -> _Key:
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns
