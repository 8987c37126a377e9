"""A made host: files under a folder, laid out as Linux lays them out."""

import struct
from pathlib import Path

from vedette.agent import Source

__all__ = ["Tree"]

_UTMP = struct.Struct("=h2xi32s4s32s256s2hiii16s20s")
_PASSWD = "root:x:0:0:root:/root:/bin/bash\nana:x:1000:1000:Ana,,,:/home/ana:/bin/zsh\n"


class Tree:
    """Writes files of the made host. A fresh one has /proc with one process, and /etc/passwd with two users."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.source = Source(str(root))
        self.write("/etc/passwd", _PASSWD)
        self.write(
            "/proc/stat",
            "cpu  100 0 100 800 0 0 0 0 0 0\nctxt 1000\nbtime 1700000000\nprocesses 50\n",
        )
        self.write("/proc/loadavg", "0.10 0.20 0.30 1/100 999\n")
        self.write("/proc/uptime", "1234.50 2000.00\n")
        self.write("/proc/meminfo", "MemTotal: 1000 kB\nMemAvailable: 250 kB\n")
        self.write("/proc/vmstat", "pgfault 5\npgmajfault 10\n")
        self.write("/proc/diskstats", "   8 0 sda 10 0 100 0 20 0 200 0 0 0 0\n")
        self.mkdir("/sys/block/sda/device")
        self.write("/proc/net/dev", "head\nhead\n  lo: 9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0\n")
        self.write("/proc/net/tcp", "  sl local\n")
        self.write("/proc/sys/fs/file-nr", "128\t0\t999\n")
        self.write("/proc/sys/kernel/hostname", "made-1\n")
        self.write("/proc/sys/kernel/osrelease", "6.1.0\n")
        self.write("/proc/1/mounts", "/dev/sda1 / ext4 rw 0 0\n")
        self.write("/proc/1/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
        self.write("/etc/os-release", 'NAME="Made Linux"\nVERSION_ID="7"\nBROKEN="open\n')
        self.process(1, comm="init", exe="/usr/sbin/init", cmdline=b"/sbin/init\0")

    def path(self, path: str) -> Path:
        """Where a path of the made host is."""
        return self.root / path.lstrip("/")

    def mkdir(self, path: str) -> Path:
        """Makes a folder."""
        where = self.path(path)
        where.mkdir(parents=True, exist_ok=True)
        return where

    def write(self, path: str, content: str | bytes, mode: int = 0o644) -> Path:
        """Writes a file."""
        where = self.path(path)
        where.parent.mkdir(parents=True, exist_ok=True)
        where.write_bytes(content.encode() if isinstance(content, str) else content)
        where.chmod(mode)
        return where

    def link(self, path: str, target: str) -> None:
        """Makes a symbolic link."""
        where = self.path(path)
        where.parent.mkdir(parents=True, exist_ok=True)
        where.symlink_to(target)

    def process(
        self,
        pid: int,
        *,
        comm: str | bytes = "sleep",
        exe: str | None = "/usr/bin/sleep",
        cmdline: bytes = b"sleep\x001\0",
        uid: int = 0,
        euid: int | None = None,
        state: str = "S",
        parent: int = 0,
        ticks: tuple[int, int] = (0, 0),
        start: int = 0,
        sockets: tuple[int, ...] = (),
    ) -> None:
        """Adds a process to /proc."""
        base = f"/proc/{pid}"
        name = comm.encode() if isinstance(comm, str) else comm
        after = f"{state} {parent} 1 1 0 -1 4194560 0 0 3 0 {ticks[0]} {ticks[1]} 0 0 20 0 2 0 {start} 4096000 25 0"
        self.write(f"{base}/stat", str(pid).encode() + b" (" + name + b") " + after.encode())
        real = uid if euid is None else euid
        self.write(
            f"{base}/status",
            f"Name:\tx\nUid:\t{uid}\t{real}\t{real}\t{real}\nGid:\t{uid}\t0\t0\t0\nVmRSS:\t     100 kB\nThreads:\t2\n",
        )
        self.write(f"{base}/cmdline", cmdline)
        if exe is not None:
            self.link(f"{base}/exe", exe)
        self.link(f"{base}/cwd", "/")
        self.mkdir(f"{base}/fd")
        for number, inode in enumerate(sockets):
            self.link(f"{base}/fd/{number}", f"socket:[{inode}]")

    def tcp(self, *rows: str, name: str = "tcp") -> None:
        """Writes a socket table: rows of `local remote state inode` as /proc/net has them."""
        lines = ["  sl  local_address rem_address st"]
        for number, row in enumerate(rows):
            local, remote, state, inode = row.split()
            lines.append(
                f"   {number}: {local} {remote} {state} 00000000:00000000 00:00000000 00000000 0 0 {inode} 1 0"
            )
        self.write(f"/proc/net/{name}", "\n".join(lines) + "\n")

    def utmp(self, *records: tuple[int, str, str, str, int]) -> None:
        """Writes a utmp of x86-64: (type, line, user, host, seconds)."""
        packed = b""
        for kind, line, user, host, at in records:
            names = (line.encode(), b"", user.encode(), host.encode())
            packed += _UTMP.pack(kind, 1, *names, 0, 0, 0, at, 0, b"", b"")
        self.write("/run/utmp", packed)
