"""How good a detector is on labelled recordings: segments found, and alarms that nothing explains."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median

from vedette.core import Epoch, Label, Reason, Record, Snapshot
from vedette.detect import Arrival, Detector, Scored
from vedette.learn.cause import named_at
from vedette.learn.events import DAY
from vedette.learn.segment import Segment

__all__ = [
    "BenignKind",
    "FalseAlarm",
    "Figures",
    "FoundSegment",
    "Look",
    "Progress",
    "replay",
    "tally",
]

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

_APART = 3  # alarms with no more quiet snapshots between them are one episode
_NAMED = 3  # a cause that comes later among the reasons is not read
_EPOCH = Epoch("recording")


class Look(Record, frozen=True, kw_only=True):
    """What was said of one snapshot. `opened` is the incident that this verdict opened, if it did."""

    file: str
    host: str
    seq: int
    label: Label
    reasons: tuple[Reason, ...] = ()
    opened: str | None = None

    @property
    def alarm(self) -> bool:
        """Whether it was called abnormal."""
        return self.label is Label.ABNORMAL


class FoundSegment(Record, frozen=True, kw_only=True):
    """What became of an abnormal segment. `delay` is in snapshots, None when it was missed.

    `reasons` are those of the first alarm in it, and `named` the place, from 1, of the first that names the cause. With
    `before`, the host was in alarm already when the segment began, so that finding it may be luck.
    """

    segment: Segment
    delay: int | None
    reasons: tuple[Reason, ...] = ()
    named: int | None = None
    before: bool = False

    @property
    def is_named(self) -> bool:
        """Whether the cause is among the first three reasons."""
        return self.named is not None and self.named <= _NAMED


class FalseAlarm(Record, frozen=True, kw_only=True):
    """An incident, or a run of alarms, that no abnormal segment explains. `kind` is the harmless change it fell in, or `unlabelled`."""

    file: str
    host: str
    from_seq: int
    to_seq: int
    kind: str
    reasons: tuple[Reason, ...]


class BenignKind(Record, frozen=True, kw_only=True):
    """Harmless changes of one kind: how many there were, and the incidents and episodes that began in one of them."""

    segments: int
    incidents: int
    episodes: int


class Figures(Record, frozen=True, kw_only=True):
    """What `tally` counts. `quiet_days` are 1,440 snapshots each of a host, outside abnormal segments and their grace.

    Only there are incidents and episodes false.
    """

    snapshots: int
    labels: dict[str, int]
    segments: tuple[FoundSegment, ...]
    false_incidents: tuple[FalseAlarm, ...]
    false_episodes: tuple[FalseAlarm, ...]
    benign: dict[str, BenignKind]
    quiet_days: float

    @property
    def found(self) -> int:
        """Abnormal segments with an alarm in them."""
        return sum(found.delay is not None for found in self.segments)

    @property
    def named(self) -> int:
        """Found segments whose cause is among the first three reasons."""
        return sum(found.is_named for found in self.segments)

    @property
    def techniques(self) -> dict[str, tuple[FoundSegment, ...]]:
        """The segments of each technique."""
        names = sorted({found.segment.technique for found in self.segments})
        return {n: tuple(f for f in self.segments if f.segment.technique == n) for n in names}

    def within(self, snapshots: int) -> int:
        """Segments found after so many snapshots at most."""
        return sum(f.delay is not None and f.delay <= snapshots for f in self.segments)

    def summary(self) -> dict[str, object]:
        """The figures in short, as plain values."""
        delays = [found.delay for found in self.segments if found.delay is not None]
        by_technique = self.techniques.items()
        days = max(self.quiet_days, 1e-9)
        return {
            "snapshots": self.snapshots,
            "labels": self.labels,
            "segments": len(self.segments),
            "found": self.found,
            "within_3": self.within(3),
            "named": self.named,
            "techniques": len(by_technique),
            "techniques_found": sum(
                any(f.delay is not None for f in every) for _, every in by_technique
            ),
            "mean_delay": round(sum(delays) / len(delays), 2) if delays else None,
            "median_delay": median(delays) if delays else None,
            "quiet_host_days": round(self.quiet_days, 3),
            "false_incidents": len(self.false_incidents),
            "false_incidents_per_host_day": round(len(self.false_incidents) / days, 2),
            "false_episodes": len(self.false_episodes),
            "false_episodes_per_host_day": round(len(self.false_episodes) / days, 2),
        }


def replay(
    detector: Detector, recording: Iterable[Snapshot], *, batch: int = 256
) -> Iterator[tuple[Arrival, Scored]]:
    """Steps through one host's snapshots as one epoch, from a fresh state."""
    state: bytes | None = None
    arrivals = [Arrival(epoch=_EPOCH, snapshot=snapshot) for snapshot in recording]
    for at in range(0, len(arrivals), batch):
        some = arrivals[at : at + batch]
        host = some[0].snapshot.host.id
        for arrival, scored in zip(some, detector.step(some, {host: state}), strict=True):
            state = scored.state or state
            yield arrival, scored


def tally(looks: Sequence[Look], segments: Sequence[Segment]) -> Figures:
    """Compares what was said of the snapshots with the labels of their files. Looks of one file come in its order."""
    files: dict[str, list[Look]] = {}
    for look in looks:
        files.setdefault(look.file, []).append(look)
    mine = [segment for segment in segments if segment.file in files]
    wrong = [segment for segment in mine if segment.kind == "abnormal"]
    quiet: list[Look] = []
    incidents, episodes = [], []
    for file, every in files.items():
        left = [k for k in every if not any(s.file == file and s.covers(k.seq) for s in wrong)]
        quiet += left
        incidents += [_false([k], mine) for k in left if k.opened is not None]
        episodes += [_false(run, mine) for run in _runs([k for k in left if k.alarm])]
    labels = {label.value: sum(look.label is label for look in looks) for label in Label}
    return Figures(
        snapshots=len(looks),
        labels=labels,
        segments=tuple(_find(segment, files[segment.file]) for segment in wrong),
        false_incidents=tuple(incidents),
        false_episodes=tuple(episodes),
        benign=_benign(mine, incidents, episodes),
        quiet_days=len(quiet) / DAY,
    )


def _find(segment: Segment, looks: Sequence[Look]) -> FoundSegment:
    before = any(look.alarm and look.seq == segment.from_seq - 1 for look in looks)
    for look in looks:
        if look.alarm and segment.from_seq <= look.seq <= segment.to_seq:
            return FoundSegment(
                segment=segment,
                delay=look.seq - segment.from_seq,
                reasons=look.reasons,
                named=named_at(segment, look.reasons),
                before=before,
            )
    return FoundSegment(segment=segment, delay=None, before=before)


def _runs(alarms: Sequence[Look]) -> list[list[Look]]:
    runs: list[list[Look]] = []
    for look in alarms:
        if runs and look.seq - runs[-1][-1].seq <= _APART + 1:
            runs[-1].append(look)
        else:
            runs.append([look])
    return runs


def _false(run: Sequence[Look], segments: Sequence[Segment]) -> FalseAlarm:
    first = run[0]
    kinds = (
        s.technique
        for s in segments
        if s.file == first.file and s.kind != "abnormal" and s.covers(first.seq)
    )
    return FalseAlarm(
        file=first.file,
        host=first.host,
        from_seq=first.seq,
        to_seq=run[-1].seq,
        kind=next(kinds, "unlabelled"),
        reasons=first.reasons,
    )


def _benign(
    segments: Sequence[Segment], incidents: Sequence[FalseAlarm], episodes: Sequence[FalseAlarm]
) -> dict[str, BenignKind]:
    benign = [segment.technique for segment in segments if segment.kind != "abnormal"]
    return {
        kind: BenignKind(
            segments=benign.count(kind),
            incidents=sum(one.kind == kind for one in incidents),
            episodes=sum(one.kind == kind for one in episodes),
        )
        for kind in sorted(set(benign))
    }
