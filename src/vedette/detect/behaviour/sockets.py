"""Which process talks to whom, and who waits for connections."""

from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

from vedette.core import Row
from vedette.detect.fingerprint import fingerprint
from vedette.detect.inventory.fact import number
from vedette.detect.view import View

__all__ = ["Peer", "Wires", "contact", "door", "peer_of", "wires"]

_LOCAL = ("127.", "::1", "::ffff:127.", "0.0.0.0", "localhost")  # noqa: S104 - compared, not bound
_PRIVATE = ("10.", "192.168.", "169.254.", "fd", "fe80", "::ffff:10.", "::ffff:192.168.", "100.64.")
_ADDRESS = 256  # letters that are kept
_REMEMBERED = 1_024  # letters of a program whose fingerprint is remembered
_BUSY = frozenset({"ESTABLISHED", "SYN_SENT", "SYN-SENT", "ESTAB", "CLOSE_WAIT", ""})


class Peer(NamedTuple):
    """The far end of an outgoing connection."""

    address: str
    port: int

    @property
    def private(self) -> bool:
        """Whether the address belongs to a private network."""
        address = self.address
        if address.startswith("172."):
            second = address[4:7].split(".")[0]
            return second.isdecimal() and 16 <= int(second) <= 31
        return address.startswith(_PRIVATE)


class Wires(NamedTuple):
    """By process id (as text): outgoing peers, ends of all its network connections, and ports it listens on."""

    outgoing: dict[str, set[Peer]]
    ends: dict[str, set[tuple[object, ...]]]
    doors: dict[str, set[int]]


def wires(view: View, pids: Collection[str], ports: Collection[int] = ()) -> Wires:
    """Reads what `process_open_sockets` and `listening_ports` say of these processes. Loopback is left out.

    On `ports` somebody lately waited for connections: what comes in on these while a service starts again goes not out.
    """
    if not pids:
        return Wires({}, {}, {})
    doors: dict[str, set[int]] = {}
    for row in view.rows("listening_ports"):
        port = number(row, "port", 0)
        if port:
            doors.setdefault(str(row.get("pid")), set()).add(port)
    open_ports = set(ports).union(*doors.values())
    outgoing: dict[str, set[Peer]] = {}
    ends: dict[str, set[tuple[object, ...]]] = {}
    for row in view.rows("process_open_sockets"):
        pid = str(row.get("pid"))
        if pid not in pids:
            continue
        peer = peer_of(row)
        if peer is None:
            continue
        local = number(row, "local_port", 0)
        ends.setdefault(pid, set()).add((local, peer.address, peer.port))
        if local not in open_ports and peer.port:
            outgoing.setdefault(pid, set()).add(peer)
    return Wires(outgoing, ends, doors)


def peer_of(row: Row) -> Peer | None:
    """The far end of a socket that is in use, with port 0 where it has none; None for others, and on this machine."""
    remote = row.get("remote_address")
    if not remote or not isinstance(remote, str) or remote.startswith(_LOCAL) or remote == "::":
        return None
    if str(row.get("state") or "") not in _BUSY:
        return None
    return Peer(remote[:_ADDRESS], number(row, "remote_port", 0))


def contact(program: str, address: str, port: int) -> int:
    """The fingerprint of a program's contact; of its use of the port alone with an empty address."""
    read = _contact if len(program) <= _REMEMBERED else _contact.__wrapped__
    return read(program, address, port)


@lru_cache(maxsize=16384)
def _contact(program: str, address: str, port: int) -> int:
    return fingerprint("contact", program, address, str(port))


def door(program: str, port: int) -> int:
    """The fingerprint of a program's door."""
    return (_door if len(program) <= _REMEMBERED else _door.__wrapped__)(program, port)


@lru_cache(maxsize=4096)
def _door(program: str, port: int) -> int:
    return fingerprint("door", program, str(port))
