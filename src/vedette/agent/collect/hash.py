"""osquery's `hash` over the files an intruder changes first."""

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from vedette.agent.collect.source import Source, text
from vedette.agent.collect.table import Misses, Table

if TYPE_CHECKING:
    from vedette.core import Row

__all__ = ["Hash"]

_FILES = (
    "/etc/passwd", "/etc/group", "/etc/shadow", "/etc/sudoers", "/etc/crontab", "/etc/ld.so.preload",
    "/etc/rc.local", "/etc/hosts", "/etc/resolv.conf", "/etc/profile", "/etc/environment",
    "/etc/bash.bashrc", "/etc/ssh/sshd_config",
    "/root/.bashrc", "/root/.bash_profile", "/root/.bash_login", "/root/.bash_logout",
    "/root/.profile", "/root/.zshrc",
    "/root/.ssh/authorized_keys", "/root/.ssh/authorized_keys2", "/root/.ssh/config", "/root/.ssh/rc",
    "/root/.ssh/environment",
    "/usr/sbin/sshd", "/usr/bin/sudo", "/usr/bin/su", "/usr/bin/login", "/usr/bin/ps", "/usr/bin/ls",
    "/usr/bin/ss", "/usr/bin/ssh", "/usr/bin/bash", "/usr/bin/passwd", "/usr/bin/curl",
)  # fmt: skip
_DIRECTORIES = (
    "/etc/pam.d", "/etc/sudoers.d", "/etc/cron.d", "/etc/profile.d", "/etc/ssh/sshd_config.d",
    "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly", "/etc/cron.monthly",
)  # fmt: skip
# Systems whose /bin is not /usr/bin keep the programs there.
_BEFORE_MERGE = ("/bin/su", "/bin/login", "/bin/ps", "/bin/ls", "/bin/ss", "/bin/bash")
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
        paths = list(_FILES)
        with misses.noting("/bin"):
            if self._source.link("/bin") is None:
                paths.extend(_BEFORE_MERGE)
        for directory in _DIRECTORIES:
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
