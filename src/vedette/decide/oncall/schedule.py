"""Whose turn it is: rotations handed over at a time of day in their zone, and people who stand in."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from vedette.core import Duty, Record
from vedette.decide.oncall.hours import Hours, instant, last_day

__all__ = ["Override", "Rotation", "Schedule"]

_DAY = timedelta(days=1)
_AHEAD = 62  # days that are looked at for the next change


class Rotation(Record, frozen=True, kw_only=True):
    """People in their order, each for `days` days from `at` (minutes after midnight), the first from `start`.

    It went on before that day in the same way. `hours` are those in which it counts; None: always.
    """

    zone: str
    people: tuple[str, ...]
    start: date
    at: int
    days: int
    hours: Hours | None = None

    def person(self, moment: datetime) -> str:
        """The one whose turn it is; exactly one at any moment."""
        turns = (last_day(moment, self.at, self.zone) - self.start).days // self.days
        return self.people[turns % len(self.people)]

    def counts(self, moment: datetime) -> bool:
        """Whether it is within its hours. On a holiday, too: who is on duty stays so, whatever people may be told of then."""
        return self.hours is None or self.hours.of_week(moment)

    def edges(self, day: date) -> Iterator[datetime]:
        """When on that day somebody else's turn may begin."""
        if (day - self.start).days % self.days == 0:
            yield instant(day, self.at, self.zone)
        if self.hours is not None:
            yield from self.hours.edges(day)


class Override(Record, frozen=True, kw_only=True):
    """Somebody who stands in from `begins` until `ends`."""

    person: str
    begins: datetime
    ends: datetime


class Schedule(Record, frozen=True, kw_only=True):
    """The first rotation that counts says whose turn it is, unless somebody stands in: of those the last one written."""

    name: str
    zone: str
    rotations: tuple[Rotation, ...]
    overrides: tuple[Override, ...] = ()

    def duty(self, moment: datetime) -> Duty:
        """Who is on duty at the moment, and who will be after that."""
        person, overridden = self._whose(moment)
        duty = Duty(schedule=self.name, zone=self.zone, person=person, overridden=overridden)
        for edge in sorted({edge for edge in self._edges(moment) if edge > moment}):
            following = self._whose(edge)[0]
            if following != person:
                return Duty(
                    schedule=self.name,
                    zone=self.zone,
                    person=person,
                    overridden=overridden,
                    until=edge,
                    next=following,
                )
        return duty

    def person(self, moment: datetime) -> str:
        """Who is on duty; empty where nobody is."""
        return self._whose(moment)[0]

    def _whose(self, moment: datetime) -> tuple[str, bool]:
        for override in reversed(self.overrides):
            if override.begins <= moment < override.ends:
                return override.person, True
        for rotation in self.rotations:
            if rotation.counts(moment):
                return rotation.person(moment), False
        return "", False

    def _edges(self, moment: datetime) -> Iterator[datetime]:
        for override in self.overrides:
            yield override.begins
            yield override.ends
        today = moment.astimezone(ZoneInfo(self.zone)).date()
        for rotation in self.rotations:
            for index in range(-2, _AHEAD):
                yield from rotation.edges(today + index * _DAY)
