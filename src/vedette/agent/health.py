"""How the agent is doing, for `status`: written to a file after every step, read by whoever asks."""

import threading
from datetime import datetime
from pathlib import Path

import msgspec

from vedette.core import Clock, Record
from vedette.seal import write_file

__all__ = ["Cost", "Health", "Report"]

_FILE = "health.json"


class Cost(Record, frozen=True, kw_only=True):
    """What one collection took: CPU and wall seconds; memory of the whole process after it, and its peak, in bytes."""

    cpu_seconds: float
    wall_seconds: float
    rss_bytes: int
    peak_rss_bytes: int


class Report(Record, frozen=True, kw_only=True):
    """`refused` are snapshots that the server would not take, `conflicts` those whose seq it had with other content.

    `lost` never came into the spool. `last_loss_at` is when one was refused or lost.
    `cpu_percent` is the agent's own share of one core since the look before; `over_ceiling` is empty while it keeps to
    its settings.
    """

    last_taken_at: datetime | None = None
    last_seq: int = 0
    last_success_at: datetime | None = None
    last_error: str = ""
    last_error_at: datetime | None = None
    shipped: int = 0
    refused: int = 0
    conflicts: int = 0
    last_conflict_at: datetime | None = None
    lost: int = 0
    last_loss_at: datetime | None = None
    unread: dict[str, str] = {}
    cost: Cost | None = None
    cpu_percent: float | None = None
    over_ceiling: str = ""


class Health:
    """The report in the making. Safe for use by several threads."""

    def __init__(self, state: Path, clock: Clock) -> None:
        self._path = state / _FILE
        self._clock = clock
        self._lock = threading.Lock()
        self._report = self.read(state)

    @property
    def report(self) -> Report:
        """As it stands."""
        return self._report

    def taken(self, at: datetime, seq: int, unread: dict[str, str], cost: Cost) -> None:
        """A snapshot was taken and is in the spool."""
        self._update(last_taken_at=at, last_seq=seq, unread=unread, cost=cost)

    def stands(self, cpu_percent: float, over_ceiling: str) -> None:
        """What the agent itself takes of the host, and which of its ceilings it is over."""
        self._update(cpu_percent=cpu_percent, over_ceiling=over_ceiling)

    def shipped(self) -> None:
        """The server has a snapshot."""
        self._update(last_success_at=self._clock.now(), shipped=self._report.shipped + 1)

    def failed(self, error: str, *, refused: int = 0, conflicts: int = 0, lost: int = 0) -> None:
        """Something went wrong, and snapshots may be gone by it: refused, in conflict, or lost before the spool."""
        now = self._report
        self._update(
            last_error=error,
            last_error_at=self._clock.now(),
            refused=now.refused + refused,
            conflicts=now.conflicts + conflicts,
            last_loss_at=self._clock.now() if refused or lost else now.last_loss_at,
            last_conflict_at=self._clock.now() if conflicts else now.last_conflict_at,
            lost=now.lost + lost,
        )

    @staticmethod
    def read(state: Path) -> Report:
        """The last written report; an empty one where there is none that can be read."""
        try:
            return msgspec.json.decode((state / _FILE).read_bytes(), type=Report)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return Report()

    def write(self) -> None:
        """Puts the report where `status` finds it. Raises OSError."""
        write_file(self._path, msgspec.json.encode(self._report))

    def _update(self, **changes: object) -> None:
        with self._lock:
            self._report = msgspec.structs.replace(self._report, **changes)
