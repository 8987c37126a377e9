"""Hours of the week in a time zone, but for holidays: when they are open, and when they will be next. Right across changes of the clock."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from vedette.core import Opening, Record

__all__ = ["Hours", "instant", "last_day"]

_DAY = timedelta(days=1)
_DAY_MINUTES = 1_440
_AHEAD = 3 * 366
"""Days within which hours open again: 100 holidays can't take all of one weekday out of two years in a row, since a date that
comes back each year falls on another one."""


def instant(day: date, minutes: int, zone: str) -> datetime:
    """When a zone's clocks show so many minutes after midnight of that day, in UTC.

    What they skip is as long after the change as it would have been; of what they show twice it is the first.
    """
    shown = datetime.combine(day, time()) + timedelta(minutes=minutes)
    return shown.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def last_day(moment: datetime, minutes: int, zone: str) -> date:
    """The day on which a zone's clocks showed so many minutes after midnight last, before or at the moment."""
    # From the day after: clocks that are set back around midnight show the same day twice.
    day = moment.astimezone(ZoneInfo(zone)).date() + _DAY
    while instant(day, minutes, zone) > moment:
        day -= _DAY
    return day


class Hours(Record, frozen=True, kw_only=True):
    """From `opens` to `closes` (minutes after midnight; the next day's where that is not later) on `days` (0: Monday).

    `holidays` names dates (`2026-12-25`, and such as `12-25` of each year) that are out of hours from midnight to midnight.
    """

    name: str
    zone: str
    days: tuple[int, ...]
    opens: int
    closes: int
    holidays: dict[str, str] = {}

    def open(self, at: datetime) -> bool:
        """Whether they are."""
        return self.of_week(at) and not self.holiday(at)

    def of_week(self, at: datetime) -> bool:
        """Whether they are by the days of the week alone, holiday or not."""
        today = at.astimezone(ZoneInfo(self.zone)).date()
        return any(begin <= at < end for begin, end in map(self._span, self._near(today)))

    def holiday(self, at: datetime) -> str:
        """The name of the holiday that it is then, or its date; empty where it is none."""
        return self._holiday(last_day(at, 0, self.zone)) if self.holidays else ""

    def next_open(self, at: datetime) -> datetime:
        """When they begin next, or go on after a holiday, after that moment."""
        today = at.astimezone(ZoneInfo(self.zone)).date()
        days = (today + index * _DAY for index in range(_AHEAD))
        begins = (begin for day in days for begin in self._begins(day))
        return next(begin for begin in begins if begin > at and self.open(begin))

    def edges(self, day: date) -> tuple[datetime, ...]:
        """When they begin and end on that day by the days of the week alone."""
        return self._span(day) if day.weekday() in self.days else ()

    def opening(self, at: datetime) -> Opening:
        """How they are at the moment, for people."""
        is_open = self.open(at)
        return Opening(
            hours=self.name,
            zone=self.zone,
            open=is_open,
            holiday=self.holiday(at),
            next_open=None if is_open else self.next_open(at),
        )

    def _begins(self, day: date) -> Iterator[datetime]:
        """When on that day they may begin, or go on."""
        if self._holiday(day - _DAY):
            yield instant(day, 0, self.zone)
        yield from self.edges(day)[:1]

    def _holiday(self, day: date) -> str:
        written = day.isoformat()
        for each in (written, written[len("2026-") :]):
            if each in self.holidays:
                return self.holidays[each] or written
        return ""

    def _near(self, today: date) -> list[date]:
        """The days whose hours may hold a moment of this one."""
        return [day for day in (today - _DAY, today, today + _DAY) if day.weekday() in self.days]

    def _span(self, day: date) -> tuple[datetime, datetime]:
        ends = day if self.closes > self.opens else day + _DAY
        begin, end = instant(day, self.opens, self.zone), instant(ends, self.closes, self.zone)
        # Hours that begin within what the clocks skip, and end soon after it, are as long as ever, and end when they say.
        length = timedelta(minutes=(self.closes - self.opens) % _DAY_MINUTES)
        return (begin, end) if begin < end else (end - length, end)
