"""What the last snapshot of a host showed and was all usual: while its rows stay the same, they need not be read again."""

from collections.abc import Iterable, Mapping
from struct import Struct
from typing import NamedTuple

import msgspec

__all__ = ["Kind", "Recent", "Remembered", "remember"]

_MOST_ROWS, _MOST_WIRES, _MOST_PORTS = 1_000, 500, 500
_ROW = Struct("<10sH")
_KIND = Struct("<QQQ??")
_WIRE = Struct("<QQQ")


class Kind(NamedTuple):
    """What is known of a process that was read before.

    The fingerprints of its shape, of its program and of the service it is (0 where it has none), whether its parent was not
    there, and whether it is a shell, which must be read when it gets any connection.
    """

    shape: int = 0
    program: int = 0
    service: int = 0
    orphan: bool = False
    shell: bool = False


class Remembered(NamedTuple):
    """Rows of processes by id, and what they talk to by fingerprint, with the contact's and its port's; the open ports."""

    rows: Mapping[bytes, Kind]
    wires: Mapping[int, tuple[int, int]]
    ports: frozenset[int]


NOTHING = Remembered({}, {}, frozenset())


class Recent(msgspec.Struct, array_like=True, gc=False):
    """Packed, as most of it is only carried from snapshot to snapshot.

    `around` is the fingerprint of all else that the rows were read with: where it has changed, nothing here holds.
    """

    around: int = 0
    rows: bytes = b""
    kinds: bytes = b""
    wires: bytes = b""
    ports: list[int] = []

    def open(self, around: int) -> Remembered:
        """What is remembered, if it still holds."""
        if around != self.around:
            return NOTHING
        kinds = [Kind(*fields) for fields in _KIND.iter_unpack(_whole(self.kinds, _KIND))]
        rows = {row: kinds[kind] for row, kind in _ROW.iter_unpack(_whole(self.rows, _ROW))}
        wires = {
            wire: (contact, port)
            for wire, contact, port in _WIRE.iter_unpack(_whole(self.wires, _WIRE))
        }
        return Remembered(rows, wires, frozenset(self.ports))


def remember(
    around: int,
    rows: Iterable[tuple[bytes, Kind]],
    wires: Iterable[tuple[int, tuple[int, int]]],
    ports: Iterable[int],
) -> Recent:
    """What the next snapshot need not read again, as far as there is room for it."""
    kept = sorted(rows)[:_MOST_ROWS]
    kinds: dict[Kind, int] = {}
    packed = b"".join([_ROW.pack(row, kinds.setdefault(kind, len(kinds))) for row, kind in kept])
    return Recent(
        around=around,
        rows=packed,
        kinds=b"".join([_KIND.pack(*kind) for kind in kinds]),
        wires=b"".join(
            [_WIRE.pack(wire, *more) for wire, more in sorted(set(wires))[:_MOST_WIRES]]
        ),
        ports=sorted(ports)[:_MOST_PORTS],
    )


def _whole(data: bytes, form: Struct) -> memoryview:
    return memoryview(data)[: len(data) - len(data) % form.size]
