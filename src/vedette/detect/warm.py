"""States of hosts as the last step left them, so that the next need not make them from their bytes again."""

from vedette.core import HostId
from vedette.detect.hoststate import HostState

__all__ = ["WARM", "Warm"]

WARM = 24 * 1024 * 1024
"""Bytes of encoded states that a detector holds if it is not told otherwise: of some 550 hosts, in some 85 MB."""

_ROUNDS = 16  # times `most` that come before what nobody asked for in the meantime is let go of


class Warm:
    """States, each beside the bytes that it was encoded as: for these it stands, and for no others of its host.

    `most` bytes of encoded states at once; what a state takes besides is about two and a half times as much again.
    Hosts come in turn, so where there is no room newcomers stay out: each would drive out the one that is needed next.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[HostId, tuple[bytes, HostState]] = {}
        self._size, self._came = 0, 0
        self._used: set[HostId] = set()

    def __len__(self) -> int:
        return len(self._held)

    def take(self, host: HostId, blob: bytes | None) -> HostState | None:
        """The state of these bytes, if it is held. From then on it is not, for whoever steps it changes it."""
        held = self._held.pop(host, None)
        if held is None:
            return None
        self._size -= len(held[0])
        if held[0] != blob:
            return None
        self._used.add(host)
        return held[1]

    def keep(self, host: HostId, blob: bytes, state: HostState) -> None:
        """Holds a state that nobody changes from now on, if there is room."""
        self._came += len(blob)
        if self._came > _ROUNDS * self._most:
            self._let_go()
        if self._size + len(blob) <= self._most:
            self._held[host] = blob, state
            self._size += len(blob)

    def _let_go(self) -> None:
        self._held = {host: held for host, held in self._held.items() if host in self._used}
        self._size = sum(len(blob) for blob, _ in self._held.values())
        self._came, self._used = 0, set()
