"""Many different hosts for a batch: the recorded ones many times over from other starts, and big made-up ones."""

import gzip
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import msgspec

from vedette.agent import Sameness
from vedette.app.bench.chance import chance
from vedette.app.bench.hosts.sessions import Recordings
from vedette.app.bench.simulated import HostSize, SimulatedHost
from vedette.core import (
    Epoch,
    HostId,
    Row,
    Snapshot,
    decode_snapshot,
    derived_id,
    encode_snapshot,
)
from vedette.detect import Arrival, Detector

__all__ = ["EPOCH", "BigFleet", "Fleet", "RecordedFleet"]

EPOCH = Epoch("bench")
Told = Callable[[int], None]
"""Told how many more steps are done."""
_WITH_PIDS = ("processes", "listening_ports", "process_open_sockets")
_APART = 10_000  # pids of one copy of a host are so far from the next one's
_FULL_EVERY = 60
_YOUNG = 0.45  # of a recorded life is over before any copy parts from it


class Fleet(Protocol):
    """Hosts that each have a next snapshot, freshly decoded as they come from an agent."""

    def aged(self, detector: Detector, told: Told) -> dict[HostId, bytes | None]:
        """The states of its hosts after a life long enough that none is young, to be gone on with. Taken once, before a batch."""
        ...

    def batch(self) -> list[Snapshot]:
        """The next snapshot of each host."""
        ...


class RecordedFleet:
    """So many hosts out of the recorded ones: copies under ids and pids of their own, each from another moment of its life.

    With `reduced`, unchanged tables come as digests, as agents send them; else in full, as they were recorded.
    """

    def __init__(
        self, recordings: Recordings, *, hosts: int, snapshots: int, reduced: bool
    ) -> None:
        self._lines = _lives(recordings)
        names = sorted(self._lines)
        copies = -(-hosts // len(names))
        self._copies = []
        for at in range(hosts):
            name = names[at % len(names)]
            latest = max(len(self._lines[name]) - snapshots, 0)
            start = int(latest * (_YOUNG + (1.0 - _YOUNG) * (at // len(names) + 1) / copies))
            self._copies.append(_Copy(name, self._lines[name], at, start, reduced=reduced))

    def aged(self, detector: Detector, told: Told) -> dict[HostId, bytes | None]:
        """Each copy has the state that the recorded host had when the copy parts from it."""
        states: dict[HostId, bytes | None] = {}
        for name, lines in self._lines.items():
            starts: dict[int, list[HostId]] = defaultdict(list)
            for copy in self._copies:
                if copy.name == name:
                    starts[copy.at].append(copy.host)
            state: bytes | None = None
            for at, line in enumerate(lines[: max(starts) + 1]):
                states.update(dict.fromkeys(starts.get(at, ()), state))
                state = _step(detector, decode_snapshot(line), state)
                told(1)
        return states

    def batch(self) -> list[Snapshot]:
        """The next snapshot of each host."""
        return [copy.next() for copy in self._copies]


def _lives(recordings: Recordings) -> dict[str, list[bytes]]:
    lines: dict[str, list[bytes]] = defaultdict(list)
    for session in recordings.by_time():
        with gzip.open(session.path, "rb") as file:
            lines[session.host] += file.readlines()
    return dict(lines)


def _step(detector: Detector, snapshot: Snapshot, state: bytes | None) -> bytes | None:
    arrival = Arrival(epoch=EPOCH, snapshot=snapshot)
    [scored] = detector.step([arrival], {snapshot.host.id: state})
    return scored.state or state


class _Copy:
    def __init__(
        self, name: str, lines: Sequence[bytes], number: int, start: int, *, reduced: bool
    ) -> None:
        self.name, self.at = name, start
        self.host = HostId(derived_id("bench", f"{name} {number}"))
        self._lines, self._number = lines, number
        self._sameness = Sameness(_FULL_EVERY) if reduced else None

    def next(self) -> Snapshot:
        snapshot = decode_snapshot(self._lines[self.at % len(self._lines)])
        self.at += 1
        for table in _WITH_PIDS:
            for row in snapshot.tables.get(table, ()):
                _shift(row, self._number * _APART)
        named = msgspec.structs.replace(snapshot.host, id=self.host)
        moved = msgspec.structs.replace(snapshot, host=named)
        return self._sameness.reduce(EPOCH, moved) if self._sameness else moved


def _shift(row: Row, by: int) -> None:
    for column in ("pid", "parent"):
        value = row.get(column)
        if isinstance(value, int) and value > 1:
            row[column] = value + by


class BigFleet:
    """Hosts of 200 processes, 60 sockets and 1,500 packages; each snapshot changes one in twenty rows of each table."""

    def __init__(self, *, hosts: int, snapshots: int, age: int) -> None:
        self._age = age
        self._hosts = [_Big(number, age, snapshots) for number in range(hosts)]

    def aged(self, detector: Detector, told: Told) -> dict[HostId, bytes | None]:
        """One host's state after its first snapshots, for each."""
        state: bytes | None = None
        first = _Big(0, 0, self._age)
        for _ in range(self._age):
            state = _step(detector, first.next(), state)
            told(1)
        return {host.host: state for host in self._hosts}

    def batch(self) -> list[Snapshot]:
        """The next snapshot of each host."""
        return [host.next() for host in self._hosts]


class _Big:
    _SIZE = HostSize(processes=200, packages=1500)
    _SOCKETS, _CHANGED = 60, 0.05

    def __init__(self, number: int, age: int, snapshots: int) -> None:
        host = SimulatedHost(
            number, self._SIZE, datetime(2026, 1, 1, tzinfo=UTC), timedelta(minutes=1)
        )
        self.host = HostId(derived_id("bench", f"big {number}"))
        self._coming = host.snapshots(self.host, first=age + 1, count=snapshots)
        self._random, self._turn = chance(number), 0
        self._changed: dict[tuple[str, int], int] = {}
        self._shift = number * _APART

    def next(self) -> Snapshot:
        snapshot = next(self._coming)
        self._turn += 1
        tables = dict(snapshot.tables)
        sockets = [
            row | {"pid": 300 + at, "remote_port": 20_000 + at, "remote_address": f"10.0.1.{at}"}
            for at, row in enumerate(tables["process_open_sockets"] * 5)
        ]
        tables["process_open_sockets"] = sockets[: self._SOCKETS]
        for table in ("processes", "process_open_sockets", "deb_packages"):
            tables[table] = self._moved(table, tables[table])
        for table in ("processes", "process_open_sockets"):
            for row in tables[table]:
                _shift(row, self._shift)
        changed = msgspec.structs.replace(snapshot, tables=tables)
        # Through bytes, so that no row and no text is the very object that an earlier snapshot had.
        return decode_snapshot(
            encode_snapshot(changed, "application/msgpack"), "application/msgpack"
        )

    def _moved(self, table: str, rows: list[Row]) -> list[Row]:
        for at in self._random.sample(range(len(rows)), int(len(rows) * self._CHANGED)):
            self._changed[table, at] = self._turn
        return [
            row | _change(table, row, self._changed[table, at])
            if (table, at) in self._changed
            else dict(row)
            for at, row in enumerate(rows)
        ]


def _change(table: str, row: Row, turn: int) -> Row:
    """The row as another thing of its kind: a process started anew, a socket to another port, a package's new version."""
    if table == "deb_packages":
        return {"version": f"{row['version']}+{turn}"}
    if table == "processes":
        pid = int(str(row["pid"]))
        return {
            "pid": pid + 1000 * turn if pid > 1 else pid,
            "start_time": int(str(row["start_time"])) + 60 * turn,
        }
    return {"remote_port": int(str(row["remote_port"])) + turn}
