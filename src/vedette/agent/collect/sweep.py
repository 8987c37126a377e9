"""One pass over /proc: every process, and which process owns which socket."""

# ruff: noqa: PTH115, PTH208 - thousands of links in each pass; making a Path of each doubles its cost

import os
from collections.abc import Iterable

from vedette.agent.collect.source import Source, Unreadable, text
from vedette.core import Row

__all__ = ["Sweep", "steady_boot_time"]

_TICKS = os.sysconf("SC_CLK_TCK")
_DELETED = " (deleted)"
_SOCKET = "socket:["
_STEP_SECONDS = 2.0
_ALL_COMMANDS, _SHORTEST = 8 * 1024 * 1024, 256


class Sweep:
    """What one pass saw. Built anew for each snapshot.

    `rows` are of osquery's `processes`; `owners` maps a socket's inode to the lowest pid that holds it; `denied` counts
    processes whose open files could not be listed; `hidden` counts those listed but not readable at all.
    """

    def __init__(self, source: Source, *, boot_time: float, cmdline_limit: int) -> None:
        self._boot_time = boot_time
        self.rows: list[Row] = []
        self.owners: dict[int, int] = {}
        self.denied = 0
        self.hidden = 0
        proc = source.at("/proc")
        pids = sorted(int(name) for name in os.listdir(proc) if name.isdecimal())
        if not pids:
            raise Unreadable("no process is listed under /proc; is it mounted?")
        self._cmdline_limit = _share(cmdline_limit, len(pids))
        for pid in pids:
            self._visit(f"{proc}/{pid}", pid)
        self.first_process_seen = pids[0] == 1

    def _visit(self, base: str, pid: int) -> None:
        try:
            row = self._row(base, pid)
        except (FileNotFoundError, ProcessLookupError):
            return
        except PermissionError:
            self.hidden += 1
            return
        self.rows.append(row)
        try:
            descriptors = os.listdir(f"{base}/fd")
        except PermissionError:
            self.denied += 1
        except OSError:
            # It ended while being read: its sockets are closed with it.
            return
        else:
            self._own(f"{base}/fd", descriptors, pid)

    def _own(self, base: str, descriptors: Iterable[str], pid: int) -> None:
        for descriptor in descriptors:
            try:
                target = os.readlink(f"{base}/{descriptor}")
            except PermissionError:
                self.denied += 1
                return
            except OSError:
                # Closed since it was listed.
                continue
            if target.startswith(_SOCKET):
                self.owners.setdefault(int(target[len(_SOCKET) : -1]), pid)

    def _row(self, base: str, pid: int) -> Row:
        stat = _slurp(f"{base}/stat", 4096)
        opened, closed = stat.index(b"("), stat.rindex(b")")
        after = stat[closed + 2 :].split()
        status = _slurp(f"{base}/status", 8192)
        uid, euid, gid = _owners(status)
        path, on_disk = _program(f"{base}/exe")
        return {
            "pid": pid,
            "parent": int(after[1]),
            "name": text(stat[opened + 1 : closed]),
            "path": path,
            "cmdline": self._cmdline(base),
            "cwd": _link(f"{base}/cwd"),
            "uid": uid,
            "gid": gid,
            "euid": euid,
            "state": text(after[0]),
            "start_time": int(self._boot_time + int(after[19]) / _TICKS),
            "resident_size": _resident(status),
            "total_size": int(after[20]),
            "user_time": int(after[11]) * 1000 // _TICKS,
            "system_time": int(after[12]) * 1000 // _TICKS,
            "threads": int(after[17]),
            "on_disk": on_disk,
        }

    def _cmdline(self, base: str) -> str:
        raw = _slurp(f"{base}/cmdline", self._cmdline_limit + 1)
        whole = text(raw[: self._cmdline_limit].rstrip(b"\0").replace(b"\0", b" "))
        return whole + "…" if len(raw) > self._cmdline_limit else whole


def _share(limit: int, processes: int) -> int:
    """Bytes of each command line, so that all of them together stay in bounds. In steps, lest it tremble with the count."""
    while limit > _SHORTEST and limit * processes > _ALL_COMMANDS:
        limit //= 2
    return limit


def steady_boot_time(previous: float | None, now: float) -> float:
    """The boot time to use: the kernel's figure trembles by a second, and start times must not tremble with it."""
    if previous is not None and abs(previous - now) <= _STEP_SECONDS:
        return previous
    return now


def _owners(status: bytes) -> tuple[int, int, int]:
    """Real uid, effective uid and real gid."""
    uid = status.index(b"\nUid:\t") + 6
    gid = status.index(b"\nGid:\t", uid) + 6
    real, effective = status[uid : uid + 48].split(None, 2)[:2]
    return int(real), int(effective), int(status[gid : gid + 24].split(None, 1)[0])


def _resident(status: bytes) -> int:
    """Bytes in memory; none for kernel threads and zombies. The figure in `stat` is inaccurate by design: proc(5)."""
    at = status.find(b"\nVmRSS:")
    return int(status[at + 7 : at + 40].split(None, 1)[0]) * 1024 if at >= 0 else 0


def _program(link: str) -> tuple[str, int]:
    """The program's path, and osquery's `on_disk`: 1 there, 0 deleted, -1 not known (kernel threads, zombies, denied)."""
    try:
        target = os.readlink(link)
    except OSError:
        return "", -1
    # The kernel's own mark. It holds in every mount namespace, where a look at the path would not.
    if target.endswith(_DELETED):
        return text(target[: -len(_DELETED)]), 0
    return text(target), 1


def _link(path: str) -> str:
    try:
        return text(os.readlink(path))
    except OSError:
        return ""


def _slurp(path: str, limit: int) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, limit)
    finally:
        os.close(fd)
