"""osquery's `mounts`: what is mounted where, as the first process sees it."""

import re
from typing import TYPE_CHECKING

from vedette.agent.collect.source import Source, text
from vedette.agent.collect.table import Table

if TYPE_CHECKING:
    from vedette.core import Row

__all__ = ["collect", "mount_lines", "unescape"]

_ESCAPE = re.compile(rb"\\([0-7]{3})")


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
    """One row per mount, in mount order."""
    rows: list[Row] = [
        {
            "path": text(unescape(fields[1])),
            "device": text(unescape(fields[0])),
            "type": text(fields[2]),
        }
        for fields in mount_lines(source, "mounts")
        if len(fields) >= 3
    ]
    return Table(rows=rows)


def unescape(field: bytes) -> bytes:
    """Undoes the octal escapes of fstab(5)."""
    return _ESCAPE.sub(lambda found: bytes([int(found[1], 8) & 0xFF]), field)
