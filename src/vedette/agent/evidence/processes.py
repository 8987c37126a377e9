"""What is to be known of a process: as /proc has it, bounded; one that ends meanwhile is told, and stops nothing."""

import contextlib
import hashlib
import os
import posixpath
import stat
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from vedette.agent.actions.processes import Process, look, started_at
from vedette.agent.actions.spared import runs
from vedette.agent.collect.source import Source, Unreadable, text
from vedette.agent.evidence.archive import Archive
from vedette.agent.evidence.budget import Budget
from vedette.agent.evidence.gate import Gate
from vedette.agent.evidence.mounts import without_options
from vedette.agent.evidence.reading import LeftOut, piece_of
from vedette.agent.evidence.request import Named, Request
from vedette.agent.permission import Permission, Untouchable
from vedette.core import Clock

__all__ = ["Processes", "identified"]

# Snapshots give whole seconds, from a boot time that trembles by as much as two.
_SLACK_SECONDS: Final = 3.0
_MOST_FDS: Final = 1_024
_PIECE: Final = 1 << 20
_BARE: Final = "of options only ro, rw, nosuid, nodev and noexec; the rest may hold passwords"
_STATE: Final = ("status", "cmdline", "maps", "limits", "cgroup", "mountinfo")


def identified(one: Named, source: Source, permission: Permission) -> Process:
    """The process that is meant.

    Raises:
        LeftOut: it is not there any more, another has its pid, or this host keeps it back.
    """
    process = look(one.pid, source)
    if process is None or process.gone:
        raise LeftOut("there is no such process (any more)")
    if one.start_time is not None:
        try:
            began = started_at(process, source)
        except (OSError, Unreadable) as error:
            raise LeftOut(f"when it started can't be told: {error}") from error
        if abs(began - one.start_time) > _SLACK_SECONDS:
            raise LeftOut(
                f"it started at {began:.0f}, not at {one.start_time:.0f}: the pid was used again"
            )
    if one.path is not None and process.path != one.path:
        raise LeftOut(f"it runs {process.path or 'nothing that can be read'}, not {one.path}")
    for sort, what in permission.never_touch:
        if sort is Untouchable.PROCESS and (what == process.path or runs(process, what, source)):
            raise LeftOut(f"it runs {what}, which never_touch names")
    if process.pid == os.getpid():
        raise LeftOut("it is the agent itself")
    return process


class Processes:
    """Adds processes to an archive."""

    def __init__(
        self,
        source: Source,
        permission: Permission,
        clock: Clock,
        budget: Budget,
        archive: Archive,
        gate: Gate,
    ) -> None:
        self._source = source
        self._permission = permission
        self._clock = clock
        self._budget = budget
        self._archive = archive
        self._gate = gate

    def add(self, one: Named, request: Request) -> None:
        """All of one. What can't be had is named in the archive."""
        what = f"process {one.pid}"
        try:
            process = identified(one, self._source, self._permission)
            self._about(process)
        except LeftOut as error:
            self._archive.leave_out(what, error.detail)
            return
        for name in (*_STATE, *(("environ",) if self._environ(what, request) else ())):
            self._proc(process, name)
        if request.executable:
            self._program(process)
        after = look(one.pid, self._source)
        if after is None or after.ticks != process.ticks or after.gone:
            self._archive.leave_out(f"{what}, the rest", "it ended while it was looked at")

    def _environ(self, what: str, request: Request) -> bool:
        if request.environ and not self._permission.evidence.environ:
            self._archive.leave_out(
                f"{what}, environ", "this host does not allow it (its setting `evidence.environ`)"
            )
        return request.environ and self._permission.evidence.environ

    def _about(self, process: Process) -> None:
        """Who it is, where it stands, what it has open, and the digest of what it runs."""
        self._budget.room()
        place = f"/proc/{process.pid}"
        about: dict[str, Any] = {
            name: getattr(process, name)
            for name in ("pid", "parent", "name", "state", "threads", "uid", "path", "ticks")
        }
        with contextlib.suppress(OSError, Unreadable):
            about["started_at"] = started_at(process, self._source)
        for name in ("exe", "cwd", "root"):
            about[name] = self._link(f"{place}/{name}")
        try:
            about["sha256"] = self._budget.timed(f"{place}/exe", lambda: self._digest(process.pid))
        except LeftOut as error:
            self._archive.leave_out(f"process {process.pid}, digest of its program", error.detail)
        about["open"] = self._open_files(process.pid)
        body = msgspec.json.format(msgspec.json.encode(about), indent=1)
        self._put(f"processes/{process.pid}/about.json", place, body)

    def _digest(self, pid: int) -> str:
        """SHA-256 of the program that it runs, also where the file was deleted or replaced since."""
        found = hashlib.sha256()
        with self._opened(f"/proc/{pid}/exe") as fd:
            while data := os.read(fd, _PIECE):
                found.update(data)
                if self._budget.late:
                    raise LeftOut("the time for collecting was over while it was read")
        return found.hexdigest()

    @contextlib.contextmanager
    def _opened(self, path: str) -> Iterator[int]:
        fd = os.open(self._source.at(path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield fd
        finally:
            os.close(fd)

    def _open_files(self, pid: int) -> dict[str, str]:
        try:
            names = sorted(self._source.names(f"/proc/{pid}/fd"), key=lambda one: (len(one), one))
        except OSError as error:
            self._archive.leave_out(f"process {pid}, open files", f"{error.strerror}")
            return {}
        if len(names) > _MOST_FDS:
            self._archive.leave_out(
                f"process {pid}, open files", f"the first {_MOST_FDS} of {len(names)} are listed"
            )
        return {name: self._link(f"/proc/{pid}/fd/{name}") for name in names[:_MOST_FDS]}

    def _link(self, path: str) -> str:
        try:
            return text(self._source.link(path) or "")
        except OSError as error:
            return f"(can't be read: {error.strerror})"

    def _proc(self, process: Process, name: str) -> None:
        """A file of /proc, whose size nobody knows before it is read."""
        path = f"/proc/{process.pid}/{name}"
        try:
            most = self._budget.room()
            data = self._budget.timed(path, lambda: self._piece(path, most + 1))
            self._gate.content(data)
        except LeftOut as error:
            self._archive.leave_out(path, error.detail)
            return
        note = f"the first {most} bytes; there are more" if len(data) > most else ""
        data = data[:most]
        if name == "mountinfo":
            data, note = without_options(data), f"{note}; {_BARE}" if note else _BARE
        self._put(f"processes/{process.pid}/{name}", path, data, note=note)

    def _piece(self, path: str, most: int) -> bytes:
        with self._opened(path) as fd:
            return piece_of(fd, most, late=lambda: self._budget.late)

    def _whole(self, path: str, most: int) -> bytes:
        with self._opened(path) as fd:
            about = os.fstat(fd)
            if not stat.S_ISREG(about.st_mode):
                raise LeftOut("it is no regular file")
            self._gate.program(fd)
            if about.st_size > most:
                raise LeftOut(
                    f"it has {about.st_size} bytes, and {most} were left for it; its digest is here"
                )
            return piece_of(fd, about.st_size, late=lambda: self._budget.late)

    def _program(self, process: Process) -> None:
        """A copy of what it runs, through the kernel's own link: whole or not at all."""
        path = f"/proc/{process.pid}/exe"
        what = f"process {process.pid}, its program {process.path}"
        if not self._permission.evidence.executables:
            why = "this host does not allow it (its setting `evidence.executables`)"
            self._archive.leave_out(what, why)
            return
        try:
            most = self._budget.room(file=True)
            data = self._budget.timed(path, lambda: self._whole(path, most))
            self._gate.content(data)
        except LeftOut as error:
            self._archive.leave_out(what, error.detail)
            return
        name = posixpath.basename(process.path) or "program"
        self._put(f"processes/{process.pid}/exe/{name}", path, data, file=True)

    def _put(self, name: str, of: str, data: bytes, *, note: str = "", file: bool = False) -> None:
        self._budget.take(len(data), file=file)
        self._archive.add(name, of, data, self._clock.now(), note=note)
