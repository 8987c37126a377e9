"""Charts as inline SVG, made on the server: coordinates here, the picture in `templates/chart.html`.

The drawing is stretched to its box, so strokes do not scale and every mark is a dot of a stroke's round end: it stays
round at any width. Labels are text beside the drawing, so that they are as legible on a phone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from vedette.core import Label, Record, Verdict

__all__ = ["Bar", "Dot", "ScoreChart", "score_chart", "strip"]

_WIDTH, _HEIGHT = 1000.0, 200.0


class Dot(Record, frozen=True, kw_only=True):
    """One verdict's mark, in units of the drawing (1000 by 200)."""

    x: float
    y: float
    label: Label
    title: str


class ScoreChart(Record, frozen=True, kw_only=True):
    """Scores over time. `lines` are paths broken where the host was not watched; `shade` is the incident's x and width."""

    dots: tuple[Dot, ...]
    lines: tuple[str, ...]
    shade: tuple[float, float] | None
    ticks: tuple[tuple[float, datetime], ...]
    counts: dict[str, int]
    start: datetime
    end: datetime

    @property
    def tick_format(self) -> str:
        """How ticks are written: with seconds where minutes would repeat, with the day where hours would."""
        length = self.end - self.start
        if length > timedelta(days=2):
            return "%d %b %H:%M"
        return "%H:%M" if length >= timedelta(minutes=10) else "%H:%M:%S"


class Bar(Record, frozen=True, kw_only=True):
    """One verdict in a strip: place 0.. from the oldest, height 0..1."""

    place: int
    height: float
    label: Label
    title: str


def score_chart(
    verdicts: Sequence[Verdict], *, since: datetime | None = None, until: datetime | None = None
) -> ScoreChart | None:
    """The chart of these verdicts (any order), shaded from `since` to `until`. None without verdicts."""
    ordered = sorted((v for v in verdicts if not v.late), key=lambda v: (v.taken_at, v.seq))
    if not ordered:
        return None
    start, end = ordered[0].taken_at, ordered[-1].taken_at
    if end - start < timedelta(minutes=1):
        start, end = start - timedelta(seconds=30), end + timedelta(seconds=30)
    length = (end - start).total_seconds()

    def x(moment: datetime) -> float:
        part = (moment - start).total_seconds() / length
        return round(min(max(part, 0.0), 1.0) * _WIDTH, 1)

    dots = tuple(
        Dot(x=x(v.taken_at), y=_y(v.score), label=v.label, title=_title(v)) for v in ordered
    )
    shade = None
    if since is not None:
        left, right = x(since), x(until or end)
        shade = (left, max(right - left, 2.0))
    return ScoreChart(
        dots=dots,
        lines=_lines(ordered, dots),
        shade=shade,
        ticks=tuple((i * _WIDTH / 4, start + (end - start) * i / 4) for i in range(5)),
        counts={label.value: sum(v.label is label for v in ordered) for label in Label},
        start=start,
        end=end,
    )


def strip(verdicts: Sequence[Verdict]) -> tuple[Bar, ...]:
    """The last verdicts as bars, oldest first. The least height keeps a calm host visible."""
    ordered = sorted(verdicts, key=lambda v: (v.taken_at, v.seq))
    return tuple(
        Bar(place=i, height=round(min(max(v.score, 0.08), 1.0), 3), label=v.label, title=_title(v))
        for i, v in enumerate(ordered)
    )


def _y(score: float) -> float:
    return round((1.0 - min(max(score, 0.0), 1.0)) * _HEIGHT, 1)


def _title(verdict: Verdict) -> str:
    moment = verdict.taken_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"{moment}: {verdict.label.value}, score {verdict.score:.2f}"


def _lines(verdicts: Sequence[Verdict], dots: Sequence[Dot]) -> tuple[str, ...]:
    """Paths through the dots, broken at holes: more than four times the usual distance, or another epoch."""
    gaps = sorted((b.taken_at - a.taken_at).total_seconds() for a, b in pairwise(verdicts))
    usual = gaps[len(gaps) // 2] if gaps else 0.0
    paths: list[str] = []
    current: list[str] = []
    for i, dot in enumerate(dots):
        hole = i > 0 and (
            verdicts[i].epoch != verdicts[i - 1].epoch
            or (verdicts[i].taken_at - verdicts[i - 1].taken_at).total_seconds() > 4 * usual
        )
        if hole and current:
            paths.append("M" + " L".join(current))
            current = []
        current.append(f"{dot.x} {dot.y}")
    paths.append("M" + " L".join(current))
    return tuple(path for path in paths if " L" in path)
