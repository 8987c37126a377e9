"""What hosts tell each other, kept in memory: as a replay makes it while it merges hosts by time."""

from datetime import datetime

from vedette.core import Host, Record, Snapshot
from vedette.detect import (
    FLEET,
    Contribution,
    Group,
    Knowledge,
    Part,
    cohort_name,
    cut,
    interval_of,
    standing,
    visible_at,
)

__all__ = ["Memory", "Remembered", "cohort_of"]

_KEPT = 32  # versions of a group, for hosts whose clocks are behind


class Remembered(Record, frozen=True, kw_only=True):
    """All that a memory holds, to go on with later."""

    closed: int = 0
    pending: tuple[tuple[str, int, bytes], ...] = ()
    groups: dict[str, tuple[bytes, ...]] = {}


class Memory:
    """Publishes versions as the store does, by the same functions, for hosts that come in order of time."""

    def __init__(self, before: Remembered | None = None) -> None:
        before = before or Remembered()
        self._closed = before.closed
        self._pending = [
            Part(cohort=cohort, interval=interval, told=Contribution.decode(blob))
            for cohort, interval, blob in before.pending
        ]
        self._groups = {
            cohort: [Group.decode(blob) for blob in blobs]
            for cohort, blobs in before.groups.items()
        }

    def tell(self, cohort: str, taken_at: datetime, told: Contribution) -> None:
        """What a snapshot tells; it is seen once its interval has closed."""
        if told:
            self._pending.append(Part(cohort=cohort, interval=interval_of(taken_at), told=told))

    def at(self, cohort: str, taken_at: datetime) -> Knowledge:
        """The version that a snapshot of this cohort sees. Closes what is closed by then."""
        visible = visible_at(taken_at)
        if visible > self._closed:
            self._close(visible)
        fleet = self._group(FLEET, visible)
        return Knowledge(version=fleet.version, cohort=self._group(cohort, visible), fleet=fleet)

    def remember(self) -> Remembered:
        """Everything, as bytes."""
        return Remembered(
            closed=self._closed,
            pending=tuple((one.cohort, one.interval, one.told.encode()) for one in self._pending),
            groups={
                cohort: tuple(group.encode() for group in groups)
                for cohort, groups in sorted(self._groups.items())
            },
        )

    def _group(self, cohort: str, visible: int) -> Group:
        return standing(self._groups.get(cohort, ()), visible)

    def _close(self, upto: int) -> None:
        for part in cut(self._pending, closed=self._closed, upto=upto):
            groups = self._groups.setdefault(part.cohort, [Group()])
            groups.append(groups[-1].after(part.told, part.interval))
            del groups[:-_KEPT]
        self._pending = [one for one in self._pending if one.interval > upto]
        self._closed = upto


def cohort_of(snapshot: Snapshot, host: Host) -> str:
    """By the `role` label: the one that enrolment or an earlier snapshot gave, or else this snapshot's own."""
    return cohort_name(host.labels.get("role", "") or snapshot.host.cohort)
