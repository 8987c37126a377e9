"""Which processes of a snapshot must be read, and which are as they were when they were found usual."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from vedette.core import Row
from vedette.detect.behaviour.form import Form
from vedette.detect.behaviour.recent import Kind, Remembered
from vedette.detect.behaviour.shape import form_of
from vedette.detect.behaviour.sockets import Peer, peer_of
from vedette.detect.behaviour.state import BehaviourState
from vedette.detect.fingerprint import fingerprint, known_print
from vedette.detect.view import View

__all__ = ["Forms", "Scope", "scope", "wire_of"]

_PORTS, _SOCKETS = "listening_ports", "process_open_sockets"


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

    `around` stands for all that rows are read with besides their parents and connections. `ids` has the processes' ids by
    process id (empty where these are not unique), `read` the processes to read, `kept` those that need not be, and
    `kept_wires` what these talk to. `still` says that nothing is to be read and nothing has gone.
    """

    around: int
    ids: Mapping[str, bytes]
    read: Sequence[str]
    kept: Sequence[tuple[bytes, Kind]]
    kept_wires: Sequence[tuple[int, tuple[int, int]]]
    still: bool = False


def scope(view: View, state: BehaviourState, locked: Iterable[int]) -> Scope:
    """A process is read when its row, its parent's row or whom it talks to is new, or what lies around has changed."""
    ports = view.digest(_PORTS) if _PORTS in view.seen else ""
    around = fingerprint(ports, *map(str, locked))
    rows, ids = view.by_pid, view.id_by_pid
    memory = state.recent.open(around)
    if not ids or not memory.rows:
        return Scope(around, ids, list(rows), (), ())
    talking = list(_talking(view, ids, memory))
    busy = {pid for pid, wire in talking if wire not in memory.wires}
    read, kept = _parted(rows, ids, memory, busy)
    if not read and len(kept) == len(memory.rows):
        return Scope(around, ids, (), kept, tuple(memory.wires.items()), still=True)
    reading = set(read)
    wires = [(wire, memory.wires[wire]) for pid, wire in talking if pid not in reading]
    return Scope(around, ids, read, kept, wires)


def wire_of(pid: str, peer: Peer) -> int:
    """The fingerprint of whom a process talks to."""
    return known_print(f"{pid} {peer.port} {peer.address}")


def _talking(view: View, ids: Mapping[str, bytes], memory: Remembered) -> Iterator[tuple[str, int]]:
    """The connections that belong to what is known of a process: those it opened, and any of a shell."""
    for row in view.rows(_SOCKETS):
        pid = str(row.get("pid"))
        kind = memory.rows.get(ids.get(pid, b""))
        if kind is None or not kind.shape:
            continue
        inbound = row.get("local_port") in memory.ports
        if inbound and not kind.shell:
            continue
        peer = peer_of(row)
        if peer is not None and (peer.port or kind.shell):
            yield pid, wire_of(pid, peer)


def _parted(
    rows: Mapping[str, Row], ids: Mapping[str, bytes], memory: Remembered, busy: set[str]
) -> tuple[list[str], list[tuple[bytes, Kind]]]:
    new = {pid for pid, key in ids.items() if key not in memory.rows}
    read, kept = [], []
    if not new and len(ids) == len(memory.rows):
        # All that were there are there, so no parent has gone.
        read = [pid for pid in ids if pid in busy]
        return read, [(key, memory.rows[key]) for pid, key in ids.items() if pid not in busy]
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
