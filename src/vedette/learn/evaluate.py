"""How good a bundle is on labelled recordings: segments found, and alarms that nothing explains."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

import msgspec

from vedette.core import Epoch, Label, Record, Snapshot
from vedette.detect import Arrival, Bundle, Detector, Scored
from vedette.learn.recording import Recording, group_by_host
from vedette.learn.segment import Segment

__all__ = ["Episode", "Figures", "FoundSegment", "Progress", "evaluate", "replay"]

Progress = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and how much there is."""

_DAY = 1440  # snapshots: one a minute
_APART = 3  # alarms with no more quiet snapshots between them are one episode
_EPOCH = Epoch("recording")


class FoundSegment(Record, frozen=True, kw_only=True):
    """What became of an abnormal segment. `delay` is in snapshots, None when it was missed."""

    segment: Segment
    delay: int | None
    reasons: tuple[str, ...] = ()


class Episode(Record, frozen=True, kw_only=True):
    """A run of alarms that no abnormal segment explains. `kind` is the harmless change they fell in, or `unlabelled`."""

    host: str
    from_seq: int
    to_seq: int
    kind: str
    reasons: tuple[str, ...]


class Figures(Record, frozen=True, kw_only=True):
    """What `evaluate` counts. `quiet_days` are 1,440 snapshots each of a host, outside abnormal segments.

    Only there are episodes false.
    """

    snapshots: int
    labels: dict[str, int]
    segments: tuple[FoundSegment, ...]
    false_episodes: tuple[Episode, ...]
    quiet_days: float

    @property
    def found(self) -> int:
        """Abnormal segments with an alarm in them."""
        return sum(found.delay is not None for found in self.segments)

    @property
    def techniques(self) -> dict[str, tuple[int, int]]:
        """Found and all segments of each technique."""
        table: dict[str, tuple[int, int]] = {}
        for found in self.segments:
            hit, among = table.get(found.segment.technique, (0, 0))
            table[found.segment.technique] = (hit + (found.delay is not None), among + 1)
        return dict(sorted(table.items()))

    def summary(self) -> dict[str, object]:
        """The figures in short, as plain values."""
        delays = [found.delay for found in self.segments if found.delay is not None]
        return {
            "snapshots": self.snapshots,
            "segments": len(self.segments),
            "found": self.found,
            "median_delay": median(delays) if delays else None,
            "false_episodes": len(self.false_episodes),
            "false_per_host_day": round(len(self.false_episodes) / max(self.quiet_days, 1e-9), 2),
            "techniques": {name: list(counts) for name, counts in self.techniques.items()},
        }


class _Line(msgspec.Struct):
    seq: int
    alarm: bool
    reasons: tuple[str, ...]


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


def evaluate(
    files: Sequence[Path],
    segments: Sequence[Segment],
    bundle: Bundle,
    *,
    only: Callable[[Path], bool] = lambda _: True,
    progress: Progress = lambda *_: None,
) -> Figures:
    """Replays the files, each host's in order, and compares alarms with labels.

    `only` chooses the files whose snapshots count; the others just warm the detector up.
    """
    detector = Detector(bundle)
    hosts = group_by_host(files)
    labels = dict.fromkeys((label.value for label in Label), 0)
    found: list[FoundSegment] = []
    episodes: list[Episode] = []
    quiet = 0
    for done, (host, recording) in enumerate(hosts.items()):
        progress(host, done, len(hosts))
        mine = [segment for segment in segments if segment.host == host]
        lines = _lines(detector, recording, only, labels)
        counted = {line.seq for line in lines}
        wrong = [segment for segment in mine if segment.kind == "abnormal"]
        found += [_find(s, lines) for s in wrong if s.from_seq in counted]
        left = [line for line in lines if not any(s.covers(line.seq) for s in wrong)]
        quiet += len(left)
        episodes += _episodes(host, [line for line in left if line.alarm], mine)
    return Figures(
        snapshots=sum(labels.values()),
        labels=labels,
        segments=tuple(found),
        false_episodes=tuple(episodes),
        quiet_days=quiet / _DAY,
    )


def _lines(
    detector: Detector,
    recording: Recording,
    only: Callable[[Path], bool],
    labels: dict[str, int],
) -> list[_Line]:
    counts = {
        snapshot.seq for path in recording.paths if only(path) for snapshot in Recording([path])
    }
    lines = []
    for arrival, scored in replay(detector, recording):
        if arrival.snapshot.seq in counts:
            labels[scored.label.value] += 1
            texts = tuple(f"{r.expert}: {r.text}" for r in scored.reasons)
            lines.append(_Line(arrival.snapshot.seq, scored.label is Label.ABNORMAL, texts))
    return lines


def _find(segment: Segment, lines: Sequence[_Line]) -> FoundSegment:
    for line in lines:
        if line.alarm and segment.from_seq <= line.seq <= segment.to_seq:
            delay = line.seq - segment.from_seq
            return FoundSegment(segment=segment, delay=delay, reasons=line.reasons)
    return FoundSegment(segment=segment, delay=None)


def _episodes(host: str, alarms: Sequence[_Line], segments: Sequence[Segment]) -> list[Episode]:
    runs: list[list[_Line]] = []
    for line in alarms:
        if runs and line.seq - runs[-1][-1].seq <= _APART + 1:
            runs[-1].append(line)
        else:
            runs.append([line])
    return [_episode(host, run, segments) for run in runs]


def _episode(host: str, run: Sequence[_Line], segments: Sequence[Segment]) -> Episode:
    kinds: Mapping[str, None] = {
        s.technique: None for s in segments if s.kind != "abnormal" and s.covers(run[0].seq)
    }
    return Episode(
        host=host,
        from_seq=run[0].seq,
        to_seq=run[-1].seq,
        kind=next(iter(kinds), "unlabelled"),
        reasons=run[0].reasons,
    )
