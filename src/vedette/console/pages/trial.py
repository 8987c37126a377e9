"""A back-test drawn: what each policy would have done over time, as bars of inline SVG made on the server."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from vedette.core import Backtest, Course, Record, Tried

__all__ = ["Lane", "Part", "TrialView", "view_trial"]

_HEIGHT = 100.0
_SHOWN = ("begun", "asked", "held")
_WORDS = {"begun": "begun", "asked": "people asked", "held": "held back"}


class Part(Record, frozen=True, kw_only=True):
    """A piece of one step's bar, in units of the drawing: 10 wide for each step, 100 high."""

    look: str
    x: float
    y: float
    height: float
    title: str


class Lane(Record, frozen=True, kw_only=True):
    """One policy's doings by one kind of action. `most` is what the full height stands for."""

    policy: str
    kind: str
    begun: int
    asked: int
    held: int
    most: int
    parts: tuple[Part, ...]


class TrialView(Record, frozen=True, kw_only=True):
    """What is disruptive first. `steps` is how many there are, `day` whether one is a day or longer. `empty` says why there is no lane."""

    tried: tuple[Tried, ...]
    lanes: tuple[Lane, ...]
    steps: int
    ticks: tuple[datetime, ...]
    day: bool
    empty: str


def view_trial(found: Backtest) -> TrialView:
    """With a lane for each policy that would have done something."""
    tried = tuple(sorted(found.kinds, key=lambda one: (not one.disruptive, one.kind)))
    step = found.step_seconds
    start = found.since - timedelta(seconds=found.since.timestamp() % step)
    steps = int((found.until - start).total_seconds() // step) + 1
    return TrialView(
        tried=tried,
        lanes=tuple(lane for one in tried for lane in _lanes(one, start, step)),
        steps=steps,
        ticks=tuple(found.since + (found.until - found.since) * i / 4 for i in range(5)),
        day=step >= 3_600 * 4,
        empty=_without_lanes(tried),
    )


def _without_lanes(tried: Iterable[Tried]) -> str:
    known = tuple(tried)
    if any(one.begun or one.asked or one.held for one in known):
        return "When this was tried, its course over time was not kept; try it again to see it."
    if any(one.dry_runs for one in known):
        return "In that time the policies would have done dry runs alone."
    return "In that time no policy would have done anything."


def _lanes(tried: Tried, start: datetime, step: int) -> Iterable[Lane]:
    for policy in sorted({one.policy for one in tried.course}):
        course = [one for one in tried.course if one.policy == policy]
        most = max(one.begun + one.asked + one.held for one in course)
        yield Lane(
            policy=policy,
            kind=tried.kind,
            begun=sum(one.begun for one in course),
            asked=sum(one.asked for one in course),
            held=sum(one.held for one in course),
            most=most,
            parts=tuple(part for one in course for part in _parts(one, start, step, most)),
        )


def _parts(one: Course, start: datetime, step: int, most: int) -> Iterable[Part]:
    """From the ground up."""
    counts = {name: int(getattr(one, name)) for name in _SHOWN}
    said = ", ".join(f"{_WORDS[name]} {count}" for name, count in counts.items() if count)
    x = (one.at - start).total_seconds() / step * 10.0 + 1.5
    ground = _HEIGHT
    for name, count in counts.items():
        if count:
            height = count / most * _HEIGHT
            ground -= height
            title = f"{one.at:%Y-%m-%d %H:%M} UTC: {said}"
            yield Part(
                look=name, x=round(x, 1), y=round(ground, 2), height=round(height, 2), title=title
            )
