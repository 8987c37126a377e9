"""What an action may know of its host, and what it answers."""

import ipaddress
import shutil
import socket
import subprocess
from typing import Any, Protocol

from vedette.agent.collect.source import Source
from vedette.core import ActionState, Record

__all__ = ["Address", "Outcome", "Ran", "Scene", "System", "ThisMachine"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_RUN_SECONDS = 20.0


class Outcome(Record, frozen=True, kw_only=True):
    """How a command ended, in which words, and with what found."""

    state: ActionState
    detail: str
    data: dict[str, Any] = {}


class Ran(Record, frozen=True, kw_only=True):
    """A program's exit status and what it wrote on stderr."""

    status: int
    stderr: str


class System(Protocol):
    """What of the machine an action uses beyond its files."""

    def find(self, program: str) -> str | None:
        """Where the program is, if it is installed."""

    def run(self, command: list[str], stdin: str) -> Ran:
        """Runs a program to its end. Raises OSError or subprocess.TimeoutExpired."""

    def resolve(self, name: str, port: int) -> list[Address]:
        """The addresses of a name, sorted. Raises OSError."""

    def capable(self, capability: int) -> bool:
        """Whether this process has the Linux capability of that number."""


class ThisMachine:
    """The machine itself."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def find(self, program: str) -> str | None:
        """Looks where administration programs are, whatever PATH says."""
        return shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin")

    def run(self, command: list[str], stdin: str) -> Ran:
        """With an empty environment and a time limit."""
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_RUN_SECONDS,
            env={"LC_ALL": "C"},
            check=False,
        )
        return Ran(status=done.returncode, stderr=done.stderr)

    def resolve(self, name: str, port: int) -> list[Address]:
        """Asks the system's resolver."""
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        texts = {str(entry[4][0]).partition("%")[0] for entry in found}
        return sorted(map(ipaddress.ip_address, texts), key=lambda one: (one.version, int(one)))

    def capable(self, capability: int) -> bool:
        """Reads the effective set in /proc/self/status (capabilities(7))."""
        for line in self._source.lines("/proc/self/status"):
            if line.startswith("CapEff:"):
                return bool(int(line.split()[1], 16) >> capability & 1)
        return False


class Scene(Record, frozen=True, kw_only=True):
    """`server` is the URL that must stay reachable."""

    server: str
    source: Source
    system: System
