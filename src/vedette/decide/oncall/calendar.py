"""Reads holidays, hours and schedules from an on-call document."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import yaml

from vedette.decide import document
from vedette.decide.oncall.hours import Hours
from vedette.decide.oncall.schedule import Override, Rotation, Schedule

__all__ = ["read_holidays", "read_hours", "read_schedule"]

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MOST_PEOPLE, _MOST_ROTATIONS, _MOST_OVERRIDES = 50, 10, 200
_MOST_HOLIDAYS, _LONGEST_NAME = 100, 100
_WEEK = 7
_MIDNIGHT = 1_440
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_HOLIDAY = re.compile(r"(?:([0-9]{4})-)?([0-9]{2}-[0-9]{2})", re.ASCII)
_LEAP_YEAR = "2024"
_YEARLY = len("12-25")
_TURN = re.compile(r"(?:([1-9][0-9]?) )?(day|week)s?")


def read_holidays(key: yaml.Node, node: yaml.Node) -> dict[str, str]:
    """A list of dates, with a year or of each year, and their names; empty where one has none."""
    what = f"holidays {key.value}"
    found: dict[str, str] = {}
    days = document.entries(node, what, most=_MOST_HOLIDAYS, key=_holiday)
    yearly = {day.value for day, _ in days if len(day.value) == _YEARLY}
    for day, name in days:
        if len(day.value) > _YEARLY and day.value[-_YEARLY:] in yearly:
            raise document.wrong(day, f"{day.value[-_YEARLY:]} is a holiday of each year already")
        found[day.value] = _holiday_name(name)
    return found


def read_hours(key: yaml.Node, node: yaml.Node, holidays: Mapping[str, Mapping[str, str]]) -> Hours:
    """Named hours of the week, and the list of holidays that are out of them."""
    found = document.fields(
        node,
        f"hours {key.value}",
        required=("zone", "from", "until"),
        optional=("days", "holidays"),
    )
    opens, closes = _minutes(found["from"], "from"), _minutes(found["until"], "until")
    if opens == _MIDNIGHT:
        raise document.wrong(found["from"], "from must be from 00:00 to 23:59")
    if opens == closes:
        raise document.wrong(found["until"], "until must be another time than from")
    chosen = (
        {
            _DAYS.index(document.choice(day, "an entry of days", _DAYS))
            for day in document.items(found["days"], "days", most=_WEEK)
        }
        if "days" in found
        else set(range(_WEEK))
    )
    return Hours(
        name=key.value,
        zone=_zone(found["zone"]),
        days=tuple(sorted(chosen)),
        opens=opens,
        closes=closes,
        holidays=(
            dict(holidays[document.choice(found["holidays"], "holidays", sorted(holidays))])
            if "holidays" in found
            else {}
        ),
    )


def read_schedule(
    key: yaml.Node, node: yaml.Node, people: Mapping[str, object], hours: Mapping[str, Hours]
) -> Schedule:
    """One schedule with its rotations and who stands in."""
    what = f"schedule {key.value}"
    found = document.fields(node, what, required=("zone", "rotations"), optional=("overrides",))
    zone = _zone(found["zone"])
    rotations = document.items(found["rotations"], "rotations", most=_MOST_ROTATIONS)
    overrides = (
        document.items(found["overrides"], "overrides", most=_MOST_OVERRIDES)
        if "overrides" in found
        else ()
    )
    return Schedule(
        name=key.value,
        zone=zone,
        rotations=tuple(_rotation(one, zone, people, hours) for one in rotations),
        overrides=tuple(_override(one, zone, people) for one in overrides),
    )


def _rotation(
    node: yaml.Node, zone: str, people: Mapping[str, object], hours: Mapping[str, Hours]
) -> Rotation:
    found = document.fields(
        node, "a rotation", required=("people", "every", "at", "from"), optional=("hours",)
    )
    turn = _TURN.fullmatch(document.words(found["every"], "every"))
    if turn is None:
        raise document.wrong(found["every"], "every must be day, week, or such as 3 days, 2 weeks")
    at = _minutes(found["at"], "at")
    if at == _MIDNIGHT:
        raise document.wrong(found["at"], "at must be from 00:00 to 23:59")
    within = None
    if "hours" in found:
        within = hours[document.choice(found["hours"], "hours", sorted(hours))]
    return Rotation(
        zone=zone,
        people=tuple(
            document.choice(one, "an entry of people", sorted(people))
            for one in document.items(found["people"], "people", most=_MOST_PEOPLE)
        ),
        start=_date(found["from"]),
        at=at,
        days=int(turn[1] or 1) * (_WEEK if turn[2] == "week" else 1),
        hours=within,
    )


def _override(node: yaml.Node, zone: str, people: Mapping[str, object]) -> Override:
    found = document.fields(node, "an override", required=("who", "from", "until"))
    begins, ends = _moment(found["from"], "from", zone), _moment(found["until"], "until", zone)
    if ends <= begins:
        raise document.wrong(found["until"], "until must be later than from")
    who = document.choice(found["who"], "who", sorted(people))
    return Override(person=who, begins=begins, ends=ends)


def _zone(node: yaml.Node) -> str:
    name = document.text(node, "zone")
    try:
        ZoneInfo(name)
    # A folder of zones, or what leads out of theirs, is refused by the library in its own ways.
    except (KeyError, ValueError, OSError) as error:
        raise document.wrong(
            node, f"{name!r} is no time zone such as Europe/Vienna or UTC"
        ) from error
    return name


def _minutes(node: yaml.Node, what: str) -> int:
    text = document.words(node, what)
    found = _TIME.fullmatch(text)
    if text == "24:00":
        return _MIDNIGHT
    if found is None:
        raise document.wrong(node, f"{what} must be a time of day such as 09:00")
    return int(found[1]) * 60 + int(found[2])


def _date(node: yaml.Node) -> date:
    text = document.words(node, "from")
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise document.wrong(node, "from must be a date such as 2026-01-05") from error
    return _near(node, found, "from")


def _holiday(node: yaml.Node, what: str) -> None:
    written = _HOLIDAY.fullmatch(node.value)
    try:
        # Nothing but a year that has a 29 February knows all days that there are.
        found = date.fromisoformat(f"{written[1] or _LEAP_YEAR}-{written[2]}") if written else None
    except ValueError:
        found = None
    if found is None:
        raise document.wrong(
            node, f"{what} must be a date such as 2026-12-25, or 12-25 for each year"
        )
    _near(node, found, what)


def _holiday_name(node: yaml.Node) -> str:
    name = str(node.value).strip() if isinstance(node, yaml.ScalarNode) else None
    if name is None or len(name) > _LONGEST_NAME:
        raise document.wrong(
            node, f"a holiday's name must be text of {_LONGEST_NAME} characters at most, or nothing"
        )
    return name


def _moment(node: yaml.Node, what: str, zone: str) -> datetime:
    text = document.words(node, what)
    try:
        shown = datetime.fromisoformat(text)
    except ValueError as error:
        raise document.wrong(node, f"{what} must be such as 2026-03-01T09:00") from error
    _near(node, shown.date(), what)
    if shown.tzinfo is None:
        shown = shown.replace(tzinfo=ZoneInfo(zone))
    return shown.astimezone(UTC)


def _near(node: yaml.Node, day: date, what: str) -> date:
    """Arithmetic over years must not leave those that there are."""
    if not 1970 <= day.year <= 2200:
        raise document.wrong(node, f"{what} must be from the years 1970 to 2200")
    return day
