"""Processes of this host, each known by its pid and its start, so that a pid used again is never taken for what it was."""

import hashlib
import os
import signal
from contextlib import suppress

from vedette.agent.collect.source import Source, Unreadable, text
from vedette.core import Record

__all__ = ["Process", "ancestors", "look", "pids", "send", "sha256_of", "started_at"]

_TICKS = os.sysconf("SC_CLK_TCK")
# PF_KTHREAD of the kernel's sched.h: the flags are the ninth field of /proc/PID/stat (proc(5)).
_KERNEL_THREAD = 0x0020_0000
_DELETED = " (deleted)"
_LARGEST = 1 << 30
_PIECE = 1 << 20


class Process(Record, frozen=True, kw_only=True):
    """One process as /proc tells it.

    `ticks` is its start in clock ticks since the boot, `state` the kernel's letter of its first thread, `threads` how many it has.
    `path` is what it runs, without the kernel's mark for a deleted file; empty for kernel threads and zombies.
    """

    pid: int
    ticks: int
    name: str
    parent: int
    state: str
    threads: int
    uid: int
    kernel: bool
    path: str

    @property
    def gone(self) -> bool:
        """Dead, though its parent has not fetched its status yet. Where its first thread alone has ended, the others go on."""
        return self.state in {"X", "x"} or (self.state == "Z" and self.threads <= 1)

    @property
    def stopped(self) -> bool:
        """By a signal."""
        return self.state == "T"


def pids(source: Source) -> list[int]:
    """All that are listed."""
    return sorted(int(name) for name in source.names("/proc") if name.isdecimal())


def look(pid: int, source: Source) -> Process | None:
    """The process that has this pid now; None where there is none, or it may not be seen."""
    try:
        stat = source.read(f"/proc/{pid}/stat")
        about = source.stat(f"/proc/{pid}")
    except (OSError, Unreadable):
        return None
    opened, closed = stat.find(b"("), stat.rfind(b")")
    fields = stat[closed + 2 :].split()
    path = ""
    with suppress(OSError):
        path = text(source.link(f"/proc/{pid}/exe") or "").removesuffix(_DELETED)
    return Process(
        pid=pid,
        ticks=int(fields[19]),
        name=text(stat[opened + 1 : closed]),
        parent=int(fields[1]),
        state=text(fields[0]),
        threads=int(fields[17]),
        uid=about.st_uid,
        kernel=bool(int(fields[6]) & _KERNEL_THREAD),
        path=path,
    )


def _boot_time(source: Source) -> float:
    """When the machine started, in Unix seconds. Raises OSError or Unreadable."""
    for line in source.lines("/proc/stat"):
        if line.startswith("btime "):
            return float(line.split()[1])
    raise Unreadable("/proc/stat names no btime")


def started_at(process: Process, source: Source) -> float:
    """Unix seconds, as exact as the kernel's own figure of the boot."""
    return _boot_time(source) + process.ticks / _TICKS


def ancestors(source: Source) -> frozenset[int]:
    """This process and all that it descends from."""
    found: set[int] = set()
    pid = os.getpid()
    while pid > 0 and pid not in found:
        found.add(pid)
        process = look(pid, source)
        pid = process.parent if process else 0
    return frozenset(found)


def sha256_of(pid: int, source: Source) -> str:
    """Of the program that it runs, through the kernel's own link: also where the file was deleted or replaced since.

    Raises:
        OSError: it can't be read.
        Unreadable: it has more than a GiB.
    """
    found, size = hashlib.sha256(), 0
    fd = os.open(source.at(f"/proc/{pid}/exe"), os.O_RDONLY | os.O_CLOEXEC)
    try:
        while data := os.read(fd, _PIECE):
            size += len(data)
            if size > _LARGEST:
                raise Unreadable(f"the program of process {pid} has more than {_LARGEST} bytes")
            found.update(data)
    finally:
        os.close(fd)
    return found.hexdigest()


def send(pid: int, ticks: int, which: signal.Signals, source: Source) -> bool:
    """Sends a signal to that very process. Gives False when it is gone.

    The descriptor is taken first and the start compared after it: whoever gets the pid later is not what it stands for.

    Raises:
        PermissionError: this agent may not.
    """
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return False
    try:
        found = look(pid, source)
        if found is None or found.ticks != ticks or found.gone:
            return False
        signal.pidfd_send_signal(fd, which)
    except ProcessLookupError:
        return False
    finally:
        os.close(fd)
    return True
