"""The kernel's socket tables: one pass over /proc/net, from which ports, connections and counts are made."""

import struct
from collections import Counter
from collections.abc import Iterator
from socket import AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP, inet_ntop

from vedette.agent.collect.source import Source
from vedette.core import Record

__all__ = ["LISTEN", "Socket", "Sockets"]

_TCP_STATES = {
    "01": "ESTABLISHED",
    "02": "SYN_SENT",
    "03": "SYN_RECV",
    "04": "FIN_WAIT1",
    "05": "FIN_WAIT2",
    "06": "TIME_WAIT",
    "07": "CLOSED",
    "08": "CLOSE_WAIT",
    "09": "LAST_ACK",
    "0A": "LISTEN",
    "0B": "CLOSING",
    "0C": "SYN_RECV",
}
LISTEN = "LISTEN"
_TABLES = (
    ("tcp", AF_INET, IPPROTO_TCP),
    ("udp", AF_INET, IPPROTO_UDP),
    ("tcp6", AF_INET6, IPPROTO_TCP),
    ("udp6", AF_INET6, IPPROTO_UDP),
)


class Socket(Record, frozen=True, kw_only=True):
    """`state` is TCP's, empty for UDP. `inode` is 0 where no process holds it any more."""

    family: int
    protocol: int
    local_address: str
    local_port: int
    remote_address: str
    remote_port: int
    state: str
    inode: int

    @property
    def listening(self) -> bool:
        """Whether it takes what comes from anywhere: a TCP listener, or UDP bound to no peer."""
        if self.protocol == IPPROTO_TCP:
            return self.state == LISTEN
        return self.remote_port == 0


class Sockets:
    """`held` are sockets of processes; `states` counts all TCP sockets by state, those in TIME_WAIT too."""

    def __init__(self, source: Source) -> None:
        self.held: list[Socket] = []
        self.states: Counter[str] = Counter()
        for name, family, protocol in _TABLES:
            raw = source.read_if_there(f"/proc/net/{name}")
            if raw is None and name == "tcp":
                raise FileNotFoundError(2, "No such file or directory", "/proc/net/tcp")
            self.held.extend(self._parse(raw or b"", int(family), int(protocol)))

    def _parse(self, raw: bytes, family: int, protocol: int) -> Iterator[Socket]:
        for line in raw.decode("ascii", "replace").split("\n")[1:]:
            fields = line.split(None, 10)
            if len(fields) < 10:
                continue
            state = ""
            if protocol == IPPROTO_TCP:
                state = _TCP_STATES.get(fields[3].upper(), "UNKNOWN")
                self.states[state] += 1
            # Decoding tens of thousands of addresses in TIME_WAIT would be for nothing.
            if fields[9] == "0":
                continue
            local_address, local_port = _endpoint(fields[1], family)
            remote_address, remote_port = _endpoint(fields[2], family)
            yield Socket(
                family=family,
                protocol=protocol,
                local_address=local_address,
                local_port=local_port,
                remote_address=remote_address,
                remote_port=remote_port,
                state=state,
                inode=int(fields[9]),
            )


def _endpoint(field: str, family: int) -> tuple[str, int]:
    """`0100007F:1F90` as an address and a port. Address words are in the machine's byte order."""
    address, _, port = field.partition(":")
    words = [int(address[at : at + 8], 16) for at in range(0, len(address), 8)]
    return inet_ntop(family, struct.pack(f"={len(words)}I", *words)), int(port, 16)
