"""Hours of the week in a time zone: when they are open, and when they will be next. Right across changes of the clock."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from vedette.core import Record

__all__ = ["Hours", "instant"]

_DAY = timedelta(days=1)
_WEEK = 7
_DAY_MINUTES = 1_440


def instant(day: date, minutes: int, zone: str) -> datetime:
    """When a zone's clocks show so many minutes after midnight of that day, in UTC.

    What they skip is as long after the change as it would have been; of what they show twice it is the first.
    """
    shown = datetime.combine(day, time()) + timedelta(minutes=minutes)
    return shown.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


class Hours(Record, frozen=True, kw_only=True):
    """From `opens` to `closes` (minutes after midnight; the next day's where that is not later) on `days` (0: Monday)."""

    name: str
    zone: str
    days: tuple[int, ...]
    opens: int
    closes: int

    def open(self, at: datetime) -> bool:
        """Whether they are."""
        today = at.astimezone(ZoneInfo(self.zone)).date()
        return any(begin <= at < end for begin, end in map(self._span, self._near(today)))

    def next_open(self, at: datetime) -> datetime:
        """When they begin next, after that moment."""
        today = at.astimezone(ZoneInfo(self.zone)).date()
        days = (today + index * _DAY for index in range(_WEEK + 2))
        begins = (self._span(day)[0] for day in days if day.weekday() in self.days)
        return next(begin for begin in begins if begin > at)

    def edges(self, day: date) -> tuple[datetime, ...]:
        """When they begin and end on that day."""
        return self._span(day) if day.weekday() in self.days else ()

    def _near(self, today: date) -> list[date]:
        """The days whose hours may hold a moment of this one."""
        return [day for day in (today - _DAY, today, today + _DAY) if day.weekday() in self.days]

    def _span(self, day: date) -> tuple[datetime, datetime]:
        ends = day if self.closes > self.opens else day + _DAY
        begin, end = instant(day, self.opens, self.zone), instant(ends, self.closes, self.zone)
        # Hours that begin within what the clocks skip, and end soon after it, are as long as ever, and end when they say.
        length = timedelta(minutes=(self.closes - self.opens) % _DAY_MINUTES)
        return (begin, end) if begin < end else (end - length, end)
