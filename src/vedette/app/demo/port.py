"""A free port on the loopback address."""

import random
import socket
from pathlib import Path

__all__ = ["free_port"]

_LEAST = 15_000
_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """One that nobody listens on now, and that the system gives to no outgoing connection.

    So it stays free while a server that listens on it is started again.
    """
    most = _first_given() - 1
    for _ in range(100):
        port = random.SystemRandom().randint(_LEAST, most)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _first_given() -> int:
    """Where the ports of outgoing connections begin (Linux's ip(7)); its usual value where that can't be read."""
    try:
        first = int(_RANGE.read_text(encoding="ascii").split()[0])
    except (OSError, ValueError, IndexError):
        first = 32_768
    return max(first, _LEAST + 1_000)
