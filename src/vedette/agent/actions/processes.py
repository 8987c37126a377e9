"""Processes of this host, each known by its pid and its start, so that a pid used again is never taken for what it was."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from vedette.agent.collect.source import Source, Unreadable, text
from vedette.core import Record

__all__ = [
    "DELETED",
    "Process",
    "ancestors",
    "deliver",
    "held",
    "look",
    "pids",
    "program",
    "send",
    "started_at",
]

_TICKS = os.sysconf("SC_CLK_TCK")
# PF_KTHREAD of the kernel's sched.h: the flags are the ninth field of /proc/PID/stat (proc(5)).
_KERNEL_THREAD = 0x0020_0000
DELETED: Final = " (deleted)"
"""What the kernel writes after the path of a file that is there no more."""


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
        path = text(source.link(program(pid, source)) or "").removesuffix(DELETED)
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


def program(pid: int, source: Source) -> str:
    """The kernel's link to what it runs: its first thread's, or, where that alone has ended, that of another."""
    first = f"/proc/{pid}/exe"
    with suppress(OSError):
        source.link(first)
        return first
    with suppress(OSError, Unreadable):
        for thread in source.names(f"/proc/{pid}/task"):
            with suppress(OSError):
                link = f"/proc/{pid}/task/{thread}/exe"
                source.link(link)
                return link
    return first


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


@contextmanager
def held(pid: int, ticks: int, source: Source) -> Iterator[int | None]:
    """A descriptor of that very process, which nobody else gets while the block runs; None when it is gone.

    The descriptor is taken first and the start compared after it: whoever gets the pid later is not what it stands for.
    """
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        found = look(pid, source)
        yield None if found is None or found.ticks != ticks or found.gone else fd
    finally:
        os.close(fd)


def deliver(fd: int, which: signal.Signals) -> bool:
    """Sends a signal through a descriptor of a process. Gives False when it is gone.

    Raises:
        PermissionError: this agent may not.
    """
    try:
        signal.pidfd_send_signal(fd, which)
    except ProcessLookupError:
        return False
    return True


def send(pid: int, ticks: int, which: signal.Signals, source: Source) -> bool:
    """Sends a signal to that very process, whatever it runs. Gives False when it is gone.

    Raises:
        PermissionError: this agent may not.
    """
    with held(pid, ticks, source) as fd:
        return fd is not None and deliver(fd, which)
