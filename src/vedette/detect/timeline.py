"""Where a snapshot stands in its host's life: late, in order, or after something was lost."""

from datetime import datetime

import msgspec

from vedette.core import Epoch, Snapshot

__all__ = ["YOUNG", "Place", "Timeline", "after_its_time", "place"]

YOUNG = 30
"""Snapshots of a host before anything may be called normal."""

_REMEMBERED_EPOCHS = 8


class Timeline(msgspec.Struct, kw_only=True, array_like=True):
    """The part of a host's state that orders its snapshots. Changed only by `advance`.

    `count` is over the host's whole life; `past` are its former epochs, newest last.
    """

    epoch: str = ""
    last_seq: int = 0
    last_taken_at: datetime | None = None
    count: int = 0
    past: list[str] = []
    lost_state: bool = False

    def advance(self, epoch: Epoch, snapshot: Snapshot) -> None:
        """Takes the snapshot as the host's last."""
        if self.epoch and epoch != self.epoch:
            self.past = [*self.past, self.epoch][-_REMEMBERED_EPOCHS:]
        self.epoch = epoch
        self.last_seq = snapshot.seq
        self.last_taken_at = snapshot.taken_at
        self.count += 1
        self.lost_state = False


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """`elapsed` is in seconds since the host's last snapshot, None where that can't be told.

    `blindness` holds (subject, text) for each thing that was not seen; `new_epoch` says that a known host began anew.
    """

    late: bool
    gap: bool
    new_epoch: bool
    elapsed: float | None
    blindness: tuple[tuple[str, str], ...]


def place(timeline: Timeline, epoch: Epoch, snapshot: Snapshot) -> Place:
    """Compares a snapshot with the host's last one.

    Late is a lower or equal `seq` of the running epoch, and whatever comes from an epoch that has ended: an epoch is
    never taken up again, so two agents with one identity can't take turns in the host's state. A higher `seq` whose
    `taken_at` is older is in order, as the journal says so; the clock was set back, and that is blindness once.
    """
    if timeline.lost_state:
        text = "The host's learned state could not be read, so it is learned anew"
        return _fresh((("state", text),))
    if not timeline.epoch:
        return _fresh(())
    if epoch in timeline.past or (epoch == timeline.epoch and snapshot.seq <= timeline.last_seq):
        text = f"Snapshot {snapshot.seq} came after later ones had been judged"
        return _late(text)
    return _in_order(timeline, epoch, snapshot)


def after_its_time(snapshot: Snapshot) -> Place:
    """The place of a snapshot that could be read only when it was replayed: late, whatever came since."""
    text = f"Snapshot {snapshot.seq} could be read only when it was replayed, after its time"
    return _late(text)


def _late(text: str) -> Place:
    return Place(late=True, gap=False, new_epoch=False, elapsed=None, blindness=(("late", text),))


def _fresh(blindness: tuple[tuple[str, str], ...]) -> Place:
    return Place(
        late=False, gap=bool(blindness), new_epoch=False, elapsed=None, blindness=blindness
    )


def _in_order(timeline: Timeline, epoch: Epoch, snapshot: Snapshot) -> Place:
    blindness = []
    new_epoch = epoch != timeline.epoch
    missing = 0 if new_epoch else snapshot.seq - timeline.last_seq - 1
    if new_epoch:
        text = (
            "The agent's journal was made anew: what happened since its last snapshot was not seen"
        )
        blindness.append(("epoch", text))
    if missing:
        many = "1 snapshot was" if missing == 1 else f"{missing} snapshots were"
        blindness.append((f"gap:{missing}", f"{many} lost before this one"))
    elapsed = _elapsed(timeline.last_taken_at, snapshot.taken_at)
    if elapsed is not None and elapsed < 0:
        blindness.append(("clock", f"The host's clock went back by {-elapsed:.0f} s"))
        elapsed = None
    return Place(
        late=False,
        gap=bool(blindness),
        new_epoch=new_epoch,
        elapsed=elapsed,
        blindness=tuple(blindness),
    )


def _elapsed(before: datetime | None, now: datetime) -> float | None:
    return None if before is None else (now - before).total_seconds()
