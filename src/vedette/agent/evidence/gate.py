"""The one gate through which every content goes before it is in a bundle: by its path, by what it is, and by what is in it."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from vedette.agent.actions.processes import DELETED
from vedette.agent.collect.deadline import Deadlines
from vedette.agent.collect.source import Source, Unreadable
from vedette.agent.evidence.reading import LeftOut, found
from vedette.agent.evidence.secret import FILES, named_secret, secret_content
from vedette.agent.permission import Permission, Untouchable

__all__ = ["Gate"]

_PATIENCE: Final = 5.0
_MEMORY: Final = "/memfd:"
# A folder with all of one of these in it is the server's, or an agent's.
_OWN: Final = (("opening.ring",), ("keys/opening.ring",), ("enrolment.json", "host.key"))


class _Kept(LeftOut):
    """It is there, and this host does not give it."""


class Gate:
    """What this host gives. What it keeps is known by its path and, under another name, by device and number."""

    def __init__(self, source: Source, permission: Permission) -> None:
        self._source = source
        self._permission = permission
        self._kept = self._numbers()

    def path(self, path: str) -> None:
        """Raises LeftOut where no file of that path is given, whatever is in it."""
        if not self._permission.evidence.allows(path):
            raise LeftOut("this host does not allow it (its setting `evidence.paths`)")
        if why := named_secret(path, self._permission.own, self._permission.never_touch):
            raise LeftOut(why)

    def passes(self, fd: int) -> None:
        """For each folder on the way to a file, and for the file. Raises LeftOut where it is one that is kept back."""
        about = os.fstat(fd)
        if why := self._kept.get((about.st_dev, about.st_ino), ""):
            raise _Kept(why)
        if stat.S_ISDIR(about.st_mode) and any(_has_all(fd, names) for names in _OWN):
            raise _Kept("it is Vedette's own")

    def program(self, fd: int) -> None:
        """For a program that runs, opened through the kernel's own link; also where its file is gone.

        What runs from memory alone has no path: it is judged by its content.

        Raises:
            LeftOut: no copy of it is given.
        """
        self.passes(fd)
        written = str(Path(f"/proc/self/fd/{fd}").readlink()).removeprefix(self._source.at(""))
        path = written.removesuffix(DELETED)
        if path.startswith(_MEMORY) and path != written and not os.fstat(fd).st_nlink:
            return
        self.path(path)
        try:
            with found(path, self._source, self.passes):
                pass
        except _Kept:
            raise
        except LeftOut:
            # Its file is gone. Its folders, as far as they are there, were looked at.
            return

    def content(self, data: bytes) -> None:
        """Raises LeftOut where a secret is seen in it."""
        if why := secret_content(data):
            raise LeftOut(why)

    def _numbers(self) -> dict[tuple[int, int], str]:
        """Device and number of what is kept back, and why; what does not answer in time is known by its path alone."""
        whys = dict.fromkeys(FILES, "it is the file of passwords' hashes, under another name")
        for sort, what in self._permission.never_touch:
            if sort is Untouchable.FILE:
                whys[what] = f"never_touch names {what}"
        if self._permission.own:
            whys[self._permission.own] = "it is the agent's own"
        looks = {path: lambda path=path: self._source.stat(path) for path in whys}
        ran = Deadlines(_PATIENCE).run(looks)
        kept = {}
        for path, why in whys.items():
            with suppress(OSError, Unreadable):
                about = ran.outcomes[path].take()
                kept[about.st_dev, about.st_ino] = why
        return kept


def _has_all(folder: int, names: tuple[str, ...]) -> bool:
    try:
        for name in names:
            os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return False
    return True
