"""What an action may know of its host, and what it answers."""

import errno
import ipaddress
import shutil
import socket
import subprocess
from collections.abc import Callable
from typing import Any, Protocol

from vedette.agent.collect.source import Source
from vedette.agent.permission import Permission
from vedette.core import ActionState, Record

__all__ = ["Address", "Check", "Outcome", "Ran", "Scene", "System", "ThisMachine"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_RUN_SECONDS = 20.0
# The discard port (RFC 863): whoever gets a datagram there throws it away.
_DISCARD = 9


class Check(Record, frozen=True, kw_only=True):
    """One thing that must hold, and what was found of it."""

    name: str
    ok: bool
    detail: str


class Outcome(Record, frozen=True, kw_only=True):
    """How a command ended, in which words, and with what found."""

    state: ActionState
    detail: str
    data: dict[str, Any] = {}


class Ran(Record, frozen=True, kw_only=True):
    """A program's exit status and what it wrote."""

    status: int
    stderr: str
    stdout: str = ""


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

    def interfaces(self) -> list[str]:
        """The network interfaces but loopback."""

    def knock(self, address: Address, interface: str = "") -> int:
        """Sends an empty datagram there, out of that interface if one is named. 0 when it left, else the errno."""


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
        return Ran(status=done.returncode, stderr=done.stderr, stdout=done.stdout)

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

    def interfaces(self) -> list[str]:
        """As the kernel lists them."""
        return [name for _, name in socket.if_nameindex() if name != "lo"]

    def knock(self, address: Address, interface: str = "") -> int:
        """A datagram that a rule drops on its way out is refused at once, with EPERM."""
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as knocking:
                if interface and not _bound(knocking, interface):
                    return errno.ENODEV
                knocking.sendto(b"", (str(address), _DISCARD))
        except OSError as error:
            return error.errno or errno.EIO
        return 0


def _bound(knocking: socket.socket, interface: str) -> bool:
    """Kernels before 5.7 want CAP_NET_RAW for that, and their EPERM must not be taken for a rule's."""
    try:
        knocking.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    except OSError:
        return False
    return True


class Scene(Record, frozen=True, kw_only=True):
    """`server` is the URL that must stay reachable, by way of `proxy` if there is one. `reach` tries that, over a fresh connection."""

    server: str
    source: Source
    system: System
    reach: Callable[[], Check]
    proxy: str | None = None
    permission: Permission = Permission()
