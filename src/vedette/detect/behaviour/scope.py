"""Which processes of a snapshot must be read, and which are as they were when they were found usual."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

import msgspec

from vedette.core import Row
from vedette.detect.behaviour.form import Form
from vedette.detect.behaviour.recent import NOTHING, Kind, Remembered
from vedette.detect.behaviour.shape import form_of
from vedette.detect.behaviour.state import BehaviourState
from vedette.detect.fingerprint import fingerprint
from vedette.detect.view import View

__all__ = ["Forms", "Scope", "scope"]

_PORTS, _SOCKETS = "listening_ports", "process_open_sockets"
_END = ("pid", "local_port", "remote_address", "remote_port", "state")
_cells = itemgetter(*_END)
_ENCODER = msgspec.json.Encoder()


class Forms(Mapping[str, Form]):
    """The forms of rows by process id, each made when it is first asked for."""

    def __init__(self, rows: Mapping[str, Row]) -> None:
        self._rows = rows
        self._made: dict[str, Form] = {}

    def __getitem__(self, pid: str) -> Form:
        made = self._made.get(pid)
        if made is None:
            made = self._made[pid] = form_of(self._rows[pid])
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class Scope(NamedTuple):
    """What is to be read of one view.

    `around` stands for all that rows are read with besides their parents and sockets. `ids` has the processes' ids by
    process id (empty where these are not unique), `read` the processes to read, `kept` those that need not be; `wires` the
    sockets' ids, owners and rows, and `kept_wires` those of kept processes with the fingerprints of their contacts.
    """

    around: int
    ids: Mapping[str, bytes]
    read: Sequence[str]
    kept: Sequence[tuple[bytes, Kind]]
    wires: Sequence[tuple[bytes, str, Row]]
    kept_wires: Sequence[tuple[bytes, tuple[int, int]]]


def scope(view: View, state: BehaviourState, locked: Iterable[int]) -> Scope:
    """A process is read when its row, its parent's row or one of its sockets is new, or what lies around has changed."""
    ports = view.digest(_PORTS) if _PORTS in view.seen else ""
    around = fingerprint(ports, *map(str, locked))
    rows = view.by_pid
    unique = len(rows) == len(view.rows("processes"))
    ids = dict(zip(rows, view.process_ids, strict=True)) if unique else {}
    wires = _wires(view.rows(_SOCKETS)) if ids else []
    memory = _memory(state, around)
    if not ids or not memory.rows:
        return Scope(around, ids, list(rows), (), wires, ())
    read, kept = _parted(
        rows, ids, memory, {pid for wire, pid, _ in wires if wire not in memory.wires}
    )
    reading = set(read)
    kept_wires = [
        (wire, memory.wires[wire])
        for wire, pid, _ in wires
        if pid not in reading and wire in memory.wires
    ]
    return Scope(around, ids, read, kept, wires, kept_wires)


def _memory(state: BehaviourState, around: int) -> Remembered:
    """What is remembered, unless some of it is no longer what the state calls usual."""
    memory = state.recent.open(around)
    shapes = {kind.shape for kind in memory.rows.values() if kind.shape}
    contacts = {one for pair in memory.wires.values() for one in pair if one}
    if all(state.shapes.holds(shapes)) and all(state.contacts.holds(contacts)):
        return memory
    return NOTHING


def _parted(
    rows: Mapping[str, Row], ids: Mapping[str, bytes], memory: Remembered, busy: set[str]
) -> tuple[list[str], list[tuple[bytes, Kind]]]:
    new = {pid for pid, key in ids.items() if key not in memory.rows}
    read, kept = [], []
    for pid, key in ids.items():
        kind = memory.rows.get(key)
        if kind is None or pid in busy:
            read.append(pid)
            continue
        above = str(rows[pid].get("parent"))
        if above in new or (above in rows) is kind.orphan:
            read.append(pid)
        else:
            kept.append((key, kind))
    return read, kept


def _wires(rows: Sequence[Row]) -> list[tuple[bytes, str, Row]]:
    """Eight bytes that stand for each socket, and whose it is."""
    try:
        ends = [_cells(row) for row in rows]
    except KeyError:
        ends = [tuple(row.get(name) for name in _END) for row in rows]
    lines = _ENCODER.encode_lines(ends).split(b"\n")
    return [
        (hashlib.blake2b(line, digest_size=8).digest(), str(end[0]), row)
        for line, end, row in zip(lines, ends, rows, strict=False)
    ]
