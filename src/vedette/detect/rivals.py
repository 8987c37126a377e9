"""Former epochs that go on: the sign of two agents with one identity."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec

from vedette.core import Snapshot

__all__ = ["SHARED", "Rival", "is_near", "next_of", "takes_over"]

SHARED = (
    "identity",
    """\
Two agents report under this host's identity: the machine, or its agent's folder, was copied. Enroll one of them anew \
(vedette agent enroll --again TOKEN), or revoke this host and enroll both""",
)

_LEAST_SECONDS = 300.0
_INTERVALS = 5
_OWN = 3  # snapshots of the running epoch
_MOST_OWN = 1_440
_ROW = 3
_ALONE_SECONDS = 1_800.0


class Rival(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """An epoch that has ended, as last heard of: `seq` and `taken_at` are of its newest snapshot.

    `times` counts those that came after its end, `row` those of them since the running epoch's last, `at` is the host's
    count when it was last heard; `proven` says that its agent was alive beside the running epoch's. `alone_at` is when the
    first of `row` was taken.
    """

    epoch: str
    seq: int
    taken_at: datetime
    times: int = 0
    row: int = 0
    at: int = -1
    proven: bool = False
    alone_at: datetime | None = None


def next_of(
    before: Rival, snapshot: Snapshot, *, count: int, began_at: datetime | None
) -> Rival | None:
    """The rival once this snapshot of its epoch has come; None when it only brings what is older than its newest.

    An agent whose journal was made anew never uses the old one again, and its spool is sent in order. So a snapshot of a
    former epoch that was taken after the running one began proves a second agent, and so does an epoch that went on twice
    after its end, whatever the clocks of the two say.
    """
    if snapshot.seq <= before.seq:
        return None
    later = began_at is not None and snapshot.taken_at > began_at
    goes_on = before.at == count and before.alone_at is not None
    return Rival(
        epoch=before.epoch,
        seq=snapshot.seq,
        taken_at=snapshot.taken_at,
        times=before.times + 1,
        row=before.row + 1 if before.at == count else 1,
        at=count,
        proven=before.proven or before.times > 0 or later,
        alone_at=before.alone_at if goes_on else snapshot.taken_at,
    )


def is_near(rivals: Iterable[Rival], now: datetime, *, count: int, elapsed: float | None) -> bool:
    """Whether a proven rival was heard lately, seen from a snapshot of the running epoch taken at `now`.

    Lately is by `taken_at`, five intervals or five minutes, so that a backlog is told by when it was taken; and by three
    snapshots, so that clocks which differ do not hide it. A clock far ahead is believed for no more than 1,440 snapshots.
    """
    window = _window(elapsed or 0.0)
    return any(
        rival.proven
        and (
            count - rival.at < _OWN
            or (now <= rival.taken_at + window and count - rival.at < _MOST_OWN)
        )
        for rival in rivals
    )


def takes_over(before: Rival, now: Rival, last_taken_at: datetime | None) -> bool:
    """Whether the running epoch's agent has fallen silent while this one goes on, so that it is the host's again.

    Else an agent whose copy was switched off would come late for ever. That the clock of the running one was ahead hides
    its silence from a comparison of the two: so half an hour of the other's alone, by its own clock, is enough.
    """
    if last_taken_at is None or not now.proven or now.row < _ROW:
        return False
    pace = (now.taken_at - before.taken_at).total_seconds()
    if now.taken_at > last_taken_at + _window(pace):
        return True
    alone = (now.taken_at - now.alone_at).total_seconds() if now.alone_at else 0.0
    return alone > max(_ALONE_SECONDS, _INTERVALS * pace)


def _window(interval: float) -> timedelta:
    return timedelta(seconds=max(_LEAST_SECONDS, _INTERVALS * interval))
