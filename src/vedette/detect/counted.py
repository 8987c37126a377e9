"""Whether the table of processes is whole, by what else is known of them: how many were counted, and who holds ports.

A tool that reads only its own processes, or a table that was cut on its way, has neither an empty table nor a word about
it in `unread`. Both witnesses are held against what this host has always shown: an agent without privileges, or in a
container, may never have seen more.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from vedette.core import Row, Snapshot
from vedette.detect.magnitude import can_be

__all__ = ["Counted", "Known", "Tally", "is_held", "tally"]

_COUNT = "system.processes.count"
_LEAST = 4.0  # processes; fewer may end between the count and the table
_PART = 0.5  # of what was to be expected
_UP, _DOWN = 0.1, 1.0 / 720.0
_FLOOR_UP = 0.05


class Known(NamedTuple):
    """Of ports, or of processes with connections: how many belong to rows of the table of processes, and how many to none."""

    tied: int = 0
    loose: int = 0

    def parted(self, now: "Known") -> bool:
        """Whether most that had a row have none now, though they are still there."""
        lost = self.tied - now.tied
        return self.tied > 1 and now.tied < _PART * self.tied and now.loose - self.loose >= lost / 2


class Tally(NamedTuple):
    """Of one snapshot: rows of processes, how many were counted (0: not told), and who of others has a row."""

    rows: int
    counted: float
    doors: Known
    talking: Known


class Counted(msgspec.Struct, array_like=True, gc=False):
    """What a host shows as a rule. Learned only from tables that are not in doubt.

    `share` of the counted processes are rows of the table; `floor` follows the least rows at once and more of them slowly, as
    a burst of short-lived processes may lie between the count and the table. `doors` and `talking` are the last tally's.
    """

    share: float = 0.0
    floor: float = 0.0
    doors: Known = Known()
    talking: Known = Known()

    def doubts(self, now: Tally) -> str:
        """Why the table can't be whole; empty where nothing speaks against it."""
        wanted = self.share * now.counted
        few = now.rows < _PART * wanted and wanted - now.rows >= _LEAST
        if few and now.rows < _PART * self.floor:
            shown = f"{now.rows} row" if now.rows == 1 else f"{now.rows} rows"
            return f"The table processes has {shown} where {now.counted:.0f} processes were counted"
        if self.doors.parted(now.doors):
            return f"{now.doors.loose} listening ports belong to no row of the table processes"
        if self.talking.parted(now.talking):
            return f"{now.talking.loose} processes with connections are not in the table processes"
        return ""

    def learn(self, now: Tally) -> None:
        """Takes the tally of a table that is not in doubt."""
        if now.counted > 0.0:
            share = min(1.0, now.rows / now.counted)
            pace = 1.0 if not self.share else _UP if share > self.share else _DOWN
            self.share += pace * (share - self.share)
        pace = _FLOOR_UP if self.floor and now.rows > self.floor else 1.0
        self.floor += pace * (now.rows - self.floor)
        self.doors, self.talking = now.doors, now.talking


def tally(
    snapshot: Snapshot, pids: set[object], ports: Sequence[Row], sockets: Sequence[Row]
) -> Tally:
    """Counts; `pids` are those of the table. A port with several rows counts once, a process with many connections too."""
    doors = {(row.get("protocol"), row.get("port")) for row in ports if is_held(row, pids)}
    others = {(row.get("protocol"), row.get("port")) for row in ports} - doors
    counted = snapshot.metrics.get(_COUNT, 0.0)
    talking = {row.get("pid") for row in sockets} - {None, -1}
    known = len(talking & pids)
    return Tally(
        len(pids),
        counted if can_be(_COUNT, counted) else 0.0,
        Known(len(doors), len(others)),
        Known(known, len(talking) - known),
    )


def is_held(row: Row, pids: set[object]) -> bool:
    """Whether the process that holds this port is in the table."""
    return row.get("pid") in pids
