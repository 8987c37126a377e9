"""What a snapshot says of its host: name, system, boot time."""

import platform
import shlex

from vedette.agent.collect.source import Source, Unreadable, text
from vedette.core import HostDescription, HostId, OperatingSystem, derived_id

__all__ = ["boot_time", "describe", "provisional_id"]


def describe(source: Source, host: HostId, labels: dict[str, str]) -> HostDescription:
    """The host as it presents itself. What the system does not say stays empty."""
    release = _release(source)
    return HostDescription(
        id=host,
        hostname=_line(source, "/proc/sys/kernel/hostname") or platform.node(),
        os=OperatingSystem(
            name=release.get("NAME", ""),
            version=release.get("VERSION_ID", ""),
            kernel=_line(source, "/proc/sys/kernel/osrelease"),
            arch=platform.machine(),
        ),
        boot_time=boot_time(source),
        labels=labels,
    )


def boot_time(source: Source) -> float:
    """Unix seconds at which the kernel started, by its own account.

    Raises:
        Unreadable: /proc/stat does not say.
    """
    for line in source.read("/proc/stat").split(b"\n"):
        if line.startswith(b"btime "):
            return float(line.split()[1])
    raise Unreadable("/proc/stat has no boot time")


def provisional_id(source: Source) -> HostId:
    """An id for a host that is not enrolled: derived from machine-id(5), so that it stays the same. The server gives the real one."""
    machine = _line(source, "/etc/machine-id") or _line(source, "/proc/sys/kernel/hostname")
    return HostId(derived_id("unenrolled", machine))


def _line(source: Source, path: str) -> str:
    return text(source.read_if_there(path) or b"").strip()


def _release(source: Source) -> dict[str, str]:
    """os-release(5): shell assignments."""
    raw = source.read_if_there("/etc/os-release") or source.read_if_there("/usr/lib/os-release")
    found = {}
    for line in text(raw or b"").split("\n"):
        name, assigned, value = line.strip().partition("=")
        if not assigned or name.startswith("#"):
            continue
        try:
            found[name] = "".join(shlex.split(value))
        except ValueError:
            # An open quote: the line says nothing that can be used.
            continue
    return found
