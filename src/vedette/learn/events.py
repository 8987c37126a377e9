"""Alarms against labelled events, as people count them: what was found, and what was cried for nothing."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.core import Record
from vedette.learn.ranking import runs

__all__ = [
    "APART",
    "DAY",
    "EventCounts",
    "best_events",
    "count_events",
    "group_alarms",
    "near_events",
]

DAY = 1440
"""Rows of a host-day: one a minute."""
APART = 30
"""Alarms with no more rows between them than this are one."""

_BEFORE, _AFTER = 10, 30  # rows around an event in which an alarm is right
_SOON = 5  # rows around an event in which an alarm has found it
_LEVELS = 400  # thresholds that are tried for the best one

Floats = NDArray[Any]
Flags = NDArray[np.bool_]


class EventCounts(Record, frozen=True, kw_only=True):
    """Counts over series of `rows` in all. Sums of counts are counts of all the series together.

    `loud` are rows in alarm that are near no event: one alarm without an end touches every event, and is right by the rules.
    """

    events: int = 0
    found: int = 0
    alarms: int = 0
    false: int = 0
    loud: int = 0
    rows: int = 0

    def __add__(self, other: "EventCounts") -> "EventCounts":
        return EventCounts(
            events=self.events + other.events,
            found=self.found + other.found,
            alarms=self.alarms + other.alarms,
            false=self.false + other.false,
            loud=self.loud + other.loud,
            rows=self.rows + other.rows,
        )

    @property
    def recall(self) -> float:
        """Found events of all."""
        return self.found / self.events if self.events else 0.0

    @property
    def precision(self) -> float:
        """Alarms that touch an event, of all alarms; 1 where there is none."""
        return 1.0 - self.false / self.alarms if self.alarms else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of recall and precision."""
        both = self.recall + self.precision
        return 2.0 * self.recall * self.precision / both if both else 0.0

    @property
    def false_per_day(self) -> float:
        """False alarms a host-day."""
        return self.false * DAY / self.rows if self.rows else 0.0

    @property
    def loud_per_day(self) -> float:
        """Rows in alarm, away from events, a host-day."""
        return self.loud * DAY / self.rows if self.rows else 0.0


def group_alarms(alarm: Flags) -> list[tuple[int, int]]:
    """Alarms as (first row, last row): rows in alarm at most 30 apart are one."""
    rows = np.flatnonzero(alarm)
    if not len(rows):
        return []
    breaks = np.flatnonzero(np.diff(rows) > APART)
    firsts = rows[np.concatenate(([0], breaks + 1))]
    lasts = rows[np.concatenate((breaks, [len(rows) - 1]))]
    return [(int(first), int(last)) for first, last in zip(firsts, lasts, strict=True)]


def near_events(label: Flags) -> Flags:
    """The rows in which an alarm is right: those of an event, 10 before it and 30 after."""
    near = np.zeros(len(label), np.bool_)
    for first, last in runs(label):
        near[max(first - _BEFORE, 0) : last + _AFTER + 1] = True
    return near


def count_events(label: Flags, alarm: Flags) -> EventCounts:
    """Events with an alarm row within 5 rows of them are found; alarms that touch no row near an event are false."""
    events, alarms = runs(label), group_alarms(alarm)
    beside = near_events(label)
    near = np.concatenate(([0], np.cumsum(beside)))
    loud = np.concatenate(([0], np.cumsum(alarm)))
    found = sum(
        bool(loud[min(last + _SOON + 1, len(label))] > loud[max(first - _SOON, 0)])
        for first, last in events
    )
    false = sum(bool(near[last + 1] == near[first]) for first, last in alarms)
    return EventCounts(
        events=len(events),
        found=found,
        alarms=len(alarms),
        false=false,
        loud=int((alarm & ~beside).sum()),
        rows=len(label),
    )


def best_events(label: Flags, score: Floats) -> EventCounts:
    """The counts at the threshold with the best F1, chosen by the labels: what no detector can know beforehand.

    Thresholds that half of the rows pass are none.
    """
    levels = np.unique(np.quantile(score, 1.0 - np.geomspace(1.0 / len(score), 0.5, _LEVELS)))
    alarms = (score >= level for level in levels)
    every = [count_events(label, alarm) for alarm in alarms if 2 * int(alarm.sum()) <= len(score)]
    silent = count_events(label, np.zeros(len(label), np.bool_))
    return max([silent, *every], key=lambda counts: counts.f1)
