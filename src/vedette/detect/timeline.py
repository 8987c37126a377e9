"""Where a snapshot stands in its host's life: late, in order, or after something was lost."""

from datetime import datetime

import msgspec

from vedette.core import Epoch, Snapshot
from vedette.detect.rivals import SHARED, Rival, is_near, next_of, takes_over

__all__ = ["YOUNG", "Place", "Timeline", "after_its_time", "place"]

YOUNG = 30
"""Snapshots of a host before anything may be called normal."""

_REMEMBERED_EPOCHS = 32
_PAUSE_SECONDS, _PAUSE_INTERVALS = 300.0, 3.0
_HOUR = 3_600
_STANDS, _STANDS_SECONDS = 0.01, 1.0  # of the usual spacing; who restarts his agent waits longer
_ANEW = "The agent's journal was made anew: what happened since its last snapshot was not seen"
_RETURNED = "Of two agents with this host's identity one has fallen silent; the other's snapshots are followed again from here"


class Timeline(msgspec.Struct, kw_only=True, array_like=True, gc=False):
    """The part of a host's state that orders its snapshots. Changed only by `advance` and `hear`.

    `count` is over the host's whole life; `past` are its former epochs, newest last, and `rivals` what is known of each.
    `began_at` is when the running epoch's first snapshot was taken; `shared` whether the last one that came was told to
    share its identity. `spacing` is how many seconds usually lie between two looks, 0 until two were seen.
    """

    epoch: str = ""
    last_seq: int = 0
    last_taken_at: datetime | None = None
    count: int = 0
    past: list[str] = []
    lost_state: bool = False
    began_at: datetime | None = None
    rivals: list[Rival] = []
    shared: bool = False
    spacing: float = 0.0

    def advance(self, epoch: Epoch, snapshot: Snapshot, *, shared: bool = False) -> None:
        """Takes the snapshot as the host's last."""
        if epoch != self.epoch:
            # The copy's first one under an epoch of its own ends no episode: it is a part of it.
            shared = shared or self.shared
            if self.epoch:
                self._end_epoch()
            self.past = [one for one in self.past if one != epoch][-_REMEMBERED_EPOCHS:]
            self.rivals = [one for one in self.rivals if one.epoch in self.past]
            self.began_at = snapshot.taken_at
        else:
            self._learn_spacing(snapshot)
        self.epoch = epoch
        self.last_seq = snapshot.seq
        self.last_taken_at = snapshot.taken_at
        self.count += 1
        self.lost_state = False
        self.shared = shared

    def _learn_spacing(self, snapshot: Snapshot) -> None:
        elapsed = _elapsed(self.last_taken_at, snapshot.taken_at)
        looks = snapshot.seq - self.last_seq
        if elapsed is None or elapsed <= 0 or looks < 1:
            return
        now = elapsed / looks
        if self.spacing:
            # One pause, or one look out of turn, moves it little; an interval that was set anew is learned in a few looks.
            now = (self.spacing + min(max(now, self.spacing / 2), self.spacing * 2)) / 2
        self.spacing = now

    def hear(self, rival: Rival) -> None:
        """Keeps what became known of a former epoch."""
        self.rivals = [*(one for one in self.rivals if one.epoch != rival.epoch), rival]
        self.shared = self.shared or rival.proven

    def rival(self, epoch: Epoch, snapshot: Snapshot) -> Rival:
        """What is known of a former epoch; a state of before these were kept has nothing."""
        unknown = Rival(epoch=epoch, seq=0, taken_at=snapshot.taken_at)
        return next((one for one in self.rivals if one.epoch == epoch), unknown)

    def _end_epoch(self) -> None:
        self.past = [*self.past, self.epoch]
        if self.last_taken_at is not None:
            ended = Rival(epoch=self.epoch, seq=self.last_seq, taken_at=self.last_taken_at)
            self.rivals = [*self.rivals, ended]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """`elapsed` is in seconds since the host's last snapshot, None where that can't be told.

    `blindness` holds (subject, text) for each thing that was not seen; `new_epoch` says that a known host began anew.
    `rival` is what a late snapshot made known of its former epoch; `shared` says that two agents have this identity.
    `stopped` says that the clock went on so little that it can't be told how much time passed.
    """

    late: bool
    gap: bool
    new_epoch: bool
    elapsed: float | None
    blindness: tuple[tuple[str, str], ...]
    rival: Rival | None = None
    shared: bool = False
    stopped: bool = False


def place(
    timeline: Timeline, epoch: Epoch, snapshot: Snapshot, *, contested: bool = False
) -> Place:
    """Compares a snapshot with the host's last one. `contested` as in `Arrival`.

    Late is a lower or equal `seq` of the running epoch, and whatever comes from an epoch that has ended: an epoch is not
    taken up again while another runs, so two agents with one identity can't take turns in the host's state. A higher `seq`
    whose `taken_at` is older is in order, as the journal says so; the clock was set back, and that is blindness once. A clock
    that stands still is blindness while it does.
    """
    if timeline.lost_state:
        text = "The host's learned state could not be read, so it is learned anew"
        return _fresh((("state", text),))
    if not timeline.epoch:
        return _fresh(())
    if epoch in timeline.past:
        return _of_the_past(timeline, epoch, snapshot)
    if epoch == timeline.epoch and snapshot.seq <= timeline.last_seq:
        return _late(_after_later_ones(snapshot))
    return _in_order(timeline, epoch, snapshot, contested=contested)


def _of_the_past(timeline: Timeline, epoch: Epoch, snapshot: Snapshot) -> Place:
    before = timeline.rival(epoch, snapshot)
    now = next_of(before, snapshot, count=timeline.count, began_at=timeline.began_at)
    late = _late(_after_later_ones(snapshot))
    if now is None:
        return late
    if takes_over(before, now, timeline.last_taken_at):
        return _in_order(timeline, epoch, snapshot)
    told = (SHARED, *late.blindness) if now.proven else late.blindness
    return msgspec.structs.replace(late, rival=now, shared=now.proven, blindness=told)


def _after_later_ones(snapshot: Snapshot) -> str:
    return f"Snapshot {snapshot.seq} came after later ones had been judged"


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


def _in_order(
    timeline: Timeline, epoch: Epoch, snapshot: Snapshot, *, contested: bool = False
) -> Place:
    blindness = []
    new_epoch = epoch != timeline.epoch
    back = epoch in timeline.past
    missing = 0 if new_epoch else snapshot.seq - timeline.last_seq - 1
    elapsed = _elapsed(timeline.last_taken_at, snapshot.taken_at)
    near = is_near(timeline.rivals, snapshot.taken_at, count=timeline.count, elapsed=elapsed)
    shared = contested or (near and not back)
    if shared:
        blindness.append(SHARED)
    if new_epoch:
        blindness.append(("epoch", _RETURNED if back else _ANEW))
    if missing:
        many = "1 snapshot was" if missing == 1 else f"{missing} snapshots were"
        blindness.append((f"gap:{missing}", f"{many} lost before this one"))
    if not new_epoch and not missing and _is_pause(timeline.spacing, elapsed):
        text = f"Nothing was seen for {_span(elapsed or 0.0)}: the agent did not look in this time"
        blindness.append(("pause", text))
    if elapsed is not None and elapsed < 0:
        blindness.append(("clock", f"The host's clock went back by {-elapsed:.0f} s"))
        elapsed = None
    stopped = elapsed is not None and elapsed <= min(_STANDS * timeline.spacing, _STANDS_SECONDS)
    if stopped:
        blindness.append(
            ("clock", "The host's clock stands still: no time passed since the look before")
        )
        elapsed = None
    return Place(
        late=False,
        gap=bool(blindness),
        new_epoch=new_epoch,
        elapsed=elapsed,
        blindness=tuple(blindness),
        shared=shared,
        stopped=stopped,
    )


def _is_pause(spacing: float, elapsed: float | None) -> bool:
    """Whether no number is missing, and yet looks are: the machine was suspended, or its agent was stopped."""
    if not spacing or elapsed is None:
        return False
    return elapsed > max(_PAUSE_SECONDS, _PAUSE_INTERVALS * spacing)


def _span(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= _HOUR else f"{seconds / 60:.0f} min"


def _elapsed(before: datetime | None, now: datetime) -> float | None:
    return None if before is None else (now - before).total_seconds()
