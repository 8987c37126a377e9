"""Hours are open when they say, in their own zone, but for holidays; whatever clocks do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.decide.oncall import HOLIDAYS, MOMENTS, MONDAY, ZONES, oncall

from vedette.core import Severity, Within
from vedette.decide.oncall import Hours, instant

HOURS = st.builds(
    Hours,
    name=st.just("x"),
    zone=st.sampled_from(ZONES),
    days=st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    opens=st.integers(0, 1439),
    closes=st.integers(0, 1440),
)
INSTANT = timedelta(microseconds=1)


def _off(hours: Hours, *days: date | str) -> Hours:
    return replace(hours, holidays={str(day): "" for day in days})


def test_hours_are_open_between_their_times_on_their_days() -> None:
    office = oncall().hours["office"]
    assert office.open(MONDAY)
    assert not office.open(MONDAY + timedelta(hours=9))
    assert not office.open(MONDAY - timedelta(days=1))
    friday = MONDAY + timedelta(days=4, hours=9)
    assert office.next_open(friday) == MONDAY + timedelta(days=7, hours=-2)


def test_hours_over_midnight_are_open_on_the_next_morning() -> None:
    night = oncall().hours["night"]
    assert night.open(MONDAY.replace(hour=22))
    assert night.open(MONDAY.replace(hour=4))
    assert not night.open(MONDAY)


@given(HOURS, MOMENTS)
def test_hours_that_are_closed_open_next_when_they_say(hours: Hours, moment: datetime) -> None:
    begins = hours.next_open(moment)
    # Where a whole day is skipped, hours on that day of the week alone open a week later.
    assert moment < begins <= moment + timedelta(days=9 if hours.zone != "Pacific/Apia" else 16)
    assert hours.open(begins)
    assert hours.open(moment) or not hours.open(moment + (begins - moment) / 2)


def test_hours_that_begin_in_what_clocks_skip_are_as_long_as_ever() -> None:
    hours = Hours(name="early", zone="Europe/Vienna", days=(6,), opens=150, closes=195)
    day = date(2026, 3, 29)
    begin, end = hours.edges(day)
    assert (begin, end) == (
        datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 15, tzinfo=UTC),
    )
    assert hours.next_open(begin - timedelta(hours=1)) == begin
    assert hours.open(end - timedelta(seconds=1))


@given(HOURS, MOMENTS, st.lists(st.integers(-3, 20), max_size=30), st.booleans())
def test_a_holiday_is_out_of_hours_from_midnight_to_midnight_and_nothing_else_is(
    hours: Hours, moment: datetime, near: list[int], yearly: bool
) -> None:
    today = moment.astimezone(ZoneInfo(hours.zone)).date()
    days = [today + timedelta(days=index) for index in near]
    off = _off(hours, *(day.isoformat()[5 if yearly else 0 :] for day in days))
    within = any(
        instant(day, 0, hours.zone) <= moment < instant(day + timedelta(days=1), 0, hours.zone)
        for day in days
    )
    assert bool(off.holiday(moment)) == within
    assert off.open(moment) == (hours.open(moment) and not within)
    assert off.of_week(moment) == hours.open(moment)
    begins = off.next_open(moment)
    assert off.open(begins)
    # It is the first: whatever else would be later than the moment and open has begun before.
    if not off.open(moment):
        assert not off.open(begins - INSTANT)
        assert not off.open(moment + (begins - moment) / 2)


@given(st.sampled_from(ZONES), st.dates(date(2012, 1, 1), date(2034, 1, 1)), st.booleans())
def test_a_holiday_begins_and_ends_at_its_own_zones_midnight(
    zone: str, day: date, yearly: bool
) -> None:
    always = Hours(name="x", zone=zone, days=tuple(range(7)), opens=0, closes=1440)
    off = _off(always, day.isoformat()[5 if yearly else 0 :])
    begin, end = instant(day, 0, zone), instant(day + timedelta(days=1), 0, zone)
    assert [off.open(at) for at in (begin - INSTANT, begin, end - INSTANT, end)] == [
        True,
        False,
        False,
        True,
    ]
    assert off.next_open(begin) == off.next_open(end - INSTANT) == end
    assert timedelta(hours=22) < end - begin < timedelta(hours=26)


@given(
    st.sampled_from(ZONES),
    st.integers(0, 6),
    st.dates(date(2012, 1, 1), date(2034, 1, 1)),
    st.integers(0, 100),
)
def test_as_many_holidays_as_a_list_may_have_end_within_three_years(
    zone: str, weekday: int, first: date, yearly: int
) -> None:
    first += timedelta(days=(weekday - first.weekday()) % 7)
    weeks = [first + timedelta(weeks=index) for index in range(100)]
    days = {day.isoformat()[5 if index < yearly else 0 :] for index, day in enumerate(weeks)}
    hours = Hours(name="x", zone=zone, days=(weekday,), opens=540, closes=1020)
    moment = instant(first, 0, zone)
    off = _off(hours, *days)
    assert off.open(off.next_open(moment))
    assert off.next_open(moment) - moment < timedelta(days=3 * 366)


def test_hours_over_midnight_end_where_a_holiday_begins_and_go_on_after_it() -> None:
    night = _off(oncall().hours["night"], date(2026, 3, 3))
    begin = datetime(2026, 3, 2, 23, tzinfo=UTC)
    assert night.open(begin - INSTANT)
    assert not night.open(begin)
    assert night.next_open(begin) == begin + timedelta(days=1)
    assert night.open(begin + timedelta(days=1))


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 3, 2), 24)]
)
def test_a_holiday_is_as_long_as_its_day(day: date, hours: int) -> None:
    off = _off(
        Hours(name="x", zone="Europe/Vienna", days=tuple(range(7)), opens=0, closes=1440), day
    )
    begin = instant(day, 0, off.zone)
    assert off.next_open(begin) - begin == timedelta(hours=hours)


def test_a_holiday_of_each_year_comes_each_year_and_29_february_in_leap_years() -> None:
    hours = Hours(name="x", zone="UTC", days=tuple(range(7)), opens=0, closes=1440)
    off = _off(hours, "12-25", "02-29", "2027-01-01")
    closed = [
        day
        for index in range(4 * 365 + 1)
        if not off.open(datetime(2025, 1, 1, 12, tzinfo=UTC) + timedelta(days=index))
        for day in [date(2025, 1, 1) + timedelta(days=index)]
    ]
    assert [str(day) for day in closed] == [
        "2025-12-25",
        "2026-12-25",
        "2027-01-01",
        "2027-12-25",
        "2028-02-29",
        "2028-12-25",
    ]


def test_people_see_that_it_is_a_holiday_and_when_hours_open_next() -> None:
    document = oncall(HOLIDAYS)
    office, night = document.openings(MONDAY)
    assert (office.hours, office.zone, office.open) == ("office", "Europe/Vienna", False)
    assert office.holiday == "Founding Day"
    assert office.next_open == datetime(2026, 3, 4, 7, tzinfo=UTC)
    assert (night.open, night.holiday) == (False, "")
    tuesday, _ = document.openings(MONDAY + timedelta(days=1))
    assert tuesday.holiday == "2026-03-03"
    wednesday, _ = document.openings(MONDAY + timedelta(days=2))
    assert (wednesday.open, wednesday.holiday, wednesday.next_open) == (True, "", None)


def test_what_goes_by_hours_waits_for_the_end_of_a_holiday() -> None:
    within = Within(hours="office", unless=Severity.CRITICAL)
    document = oncall(HOLIDAYS)
    until = datetime(2026, 3, 4, 7, tzinfo=UTC)
    assert document.closed(within, Severity.HIGH, MONDAY) == (
        until,
        "waits for hours office: 2026-03-04 08:00 Europe/Vienna (holiday: Founding Day)",
    )
    assert document.closed(within, Severity.CRITICAL, MONDAY) is None
    assert document.closed(within, Severity.HIGH, until) is None
    assert oncall().closed(within, Severity.HIGH, MONDAY) is None
