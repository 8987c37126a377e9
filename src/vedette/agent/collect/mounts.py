"""osquery's `mounts`: what is mounted where, as the first process sees it."""

import os
import re

from vedette.agent.collect.source import Source, text
from vedette.agent.collect.table import Table
from vedette.core import Row

__all__ = ["FLAGS", "collect", "foreign_mounts", "foreign_paths", "mount_lines", "unescape"]

_ESCAPE = re.compile(rb"\\([0-7]{3})")


_FOREIGN = (
    b"nfs", b"nfs4", b"cifs", b"smb3", b"smbfs", b"9p", b"afs", b"ceph", b"glusterfs", b"lustre",
    b"ncpfs", b"fuse", b"autofs", b"proc", b"sysfs", b"devpts", b"cgroup", b"cgroup2", b"debugfs",
    b"tracefs", b"securityfs", b"pstore", b"bpf", b"mqueue", b"hugetlbfs", b"configfs",
)  # fmt: skip
# What a mount allows. Other options may hold names and passwords of file servers, and sizes that change by themselves.
FLAGS = (b"ro", b"rw", b"nosuid", b"nodev", b"noexec")


def mount_lines(source: Source, name: str) -> list[list[bytes]]:
    """The fields of `/proc/1/<name>`, or of this process's own where that may not be read.

    A confined agent has a mount namespace of its own; the host's is that of process 1.
    """
    try:
        raw = source.read(f"/proc/1/{name}")
    except (PermissionError, FileNotFoundError):
        raw = source.read(f"/proc/self/{name}")
    return [line.split() for line in raw.split(b"\n") if line]


def collect(source: Source) -> Table:
    """One row per mount, in mount order. `flags` are those of read-only, nosuid, nodev and noexec that are set."""
    rows: list[Row] = [
        {
            "path": text(unescape(fields[1])),
            "device": text(unescape(fields[0])),
            "type": text(fields[2]),
            **_flags(fields),
        }
        for fields in mount_lines(source, "mounts")
        if len(fields) >= 3
    ]
    return Table(rows=rows)


def _flags(fields: list[bytes]) -> Row:
    if len(fields) < 4:
        return {}
    options = fields[3].split(b",")
    return {"flags": ",".join(text(flag) for flag in FLAGS if flag in options)}


def foreign_mounts(source: Source) -> list[tuple[str, int]]:
    """Network and pseudo file systems: where they are mounted, and their device numbers."""
    found = []
    for fields in mount_lines(source, "mountinfo"):
        kind = fields[fields.index(b"-") + 1] if b"-" in fields[:-1] else b""
        if kind in _FOREIGN or kind.startswith(b"fuse."):
            major, _, minor = fields[2].partition(b":")
            path = os.fsdecode(unescape(fields[4])).rstrip("/") or "/"
            found.append((path, os.makedev(int(major), int(minor))))
    return found


def foreign_paths(source: Source) -> list[str]:
    """Where network and pseudo file systems are mounted."""
    return [path for path, _ in foreign_mounts(source)]


def unescape(field: bytes) -> bytes:
    """Undoes the octal escapes of fstab(5)."""
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), field)
