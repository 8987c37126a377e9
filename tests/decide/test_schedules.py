"""Rotations have exactly one person at each moment, whatever clocks do; stand-ins are what they say."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decide.oncall import HOLIDAYS, MOMENTS, MONDAY, ZONES, oncall

from vedette.decide.oncall import Override, Rotation, Schedule, instant
from vedette.decide.oncall.hours import last_day

ROTATIONS = st.builds(
    Rotation,
    zone=st.sampled_from(ZONES),
    people=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=6).map(tuple),
    start=st.dates(date(2010, 1, 1), date(2030, 1, 1)),
    at=st.integers(0, 1439),
    days=st.sampled_from([1, 2, 7, 14]),
)


@given(ROTATIONS, MOMENTS)
def test_at_every_moment_it_is_one_persons_turn_between_two_handovers(
    rotation: Rotation, moment: datetime
) -> None:
    person = rotation.person(moment)
    today = moment.astimezone(ZoneInfo(rotation.zone)).date()
    edges = sorted(
        edge
        for index in range(-rotation.days - 2, rotation.days + 3)
        for edge in rotation.edges(today + timedelta(days=index))
    )
    begin = max(edge for edge in edges if edge <= moment)
    end = min(edge for edge in edges if edge > moment)
    assert rotation.person(begin) == person
    assert rotation.person(end - timedelta(microseconds=1)) == person
    index = (last_day(begin, rotation.at, rotation.zone) - rotation.start).days // rotation.days
    after = rotation.people[(index + 1) % len(rotation.people)]
    # Where a whole day is skipped a turn of one day has no length.
    if rotation.zone != "Pacific/Apia":
        assert rotation.person(end) == after


@given(ROTATIONS, st.dates(date(2010, 1, 1), date(2034, 1, 1)))
def test_each_handover_is_at_the_time_that_clocks_show(rotation: Rotation, day: date) -> None:
    for edge in rotation.edges(day):
        shown = edge.astimezone(ZoneInfo(rotation.zone))
        minutes = shown.hour * 60 + shown.minute
        if shown.date() == day and minutes != rotation.at:
            # Clocks skipped that time: it is as much later as they skipped.
            before = (edge - timedelta(hours=26)).astimezone(ZoneInfo(rotation.zone))
            assert shown.utcoffset() != before.utcoffset()


@pytest.mark.parametrize("zone", ZONES)
def test_a_year_of_days_shares_out_every_second(zone: str) -> None:
    rotation = Rotation(zone=zone, people=("a", "b"), start=date(2011, 1, 1), at=150, days=1)
    begin, turns = instant(date(2011, 1, 1), 150, zone), 0
    for index in range(1, 366):
        end = instant(date(2011, 1, 1) + timedelta(days=index), 150, zone)
        if end > begin:
            middle = begin + (end - begin) / 2
            assert rotation.person(middle) == "ab"[(index - 1) % 2]
            turns += 1
        begin = end
    assert turns >= 364


def test_a_handover_that_clocks_skip_or_show_twice_happens_once() -> None:
    # Vienna: 02:30 is not on 29 March 2026 and is twice on 25 October.
    assert instant(date(2026, 3, 29), 150, "Europe/Vienna") == datetime(
        2026, 3, 29, 1, 30, tzinfo=UTC
    )
    assert instant(date(2026, 10, 25), 150, "Europe/Vienna") == datetime(
        2026, 10, 25, 0, 30, tzinfo=UTC
    )
    rotation = Rotation(
        zone="Europe/Vienna", people=("a", "b"), start=date(2026, 10, 24), at=150, days=1
    )
    seen = [
        rotation.person(datetime(2026, 10, 25, tzinfo=UTC) + timedelta(minutes=15 * index))
        for index in range(12)
    ]
    assert seen == ["a"] * 2 + ["b"] * 10


def test_a_duty_says_until_when_and_who_is_next() -> None:
    duty = oncall().schedules["primary"].duty(MONDAY)
    assert (duty.person, duty.next, duty.overridden) == ("ana", "ben", False)
    assert duty.until == datetime(2026, 3, 9, 8, tzinfo=UTC)


def test_who_stands_in_is_on_duty_and_the_other_after_that() -> None:
    during = datetime(2026, 3, 10, 13, tzinfo=UTC)
    duty = oncall().schedules["primary"].duty(during)
    assert (duty.person, duty.overridden, duty.next) == ("eva", True, "ben")
    assert duty.until == datetime(2026, 3, 10, 17, tzinfo=UTC)


def test_outside_of_a_rotations_hours_nobody_is_on_duty() -> None:
    duty = oncall().schedules["daytime"].duty(MONDAY.replace(hour=20))
    assert (duty.person, duty.next) == ("", "ana")
    assert oncall().on_duty("daytime", MONDAY.replace(hour=20)) == ""


def test_a_rotation_of_one_never_changes() -> None:
    alone = Rotation(zone="UTC", people=("a",), start=date(2026, 1, 5), at=0, days=7)
    duty = Schedule(name="s", zone="UTC", rotations=(alone,)).duty(MONDAY)
    assert (duty.person, duty.until, duty.next) == ("a", None, "")


def test_the_stand_in_written_last_counts() -> None:
    both = tuple(
        Override(person=name, begins=MONDAY, ends=MONDAY + timedelta(hours=1)) for name in "ab"
    )
    alone = Rotation(zone="UTC", people=("c",), start=date(2026, 1, 5), at=0, days=7)
    schedule = Schedule(name="s", zone="UTC", rotations=(alone,), overrides=both)
    assert schedule.person(MONDAY) == "b"
    assert schedule.person(MONDAY + timedelta(hours=1)) == "c"


def test_on_a_holiday_the_same_person_is_on_duty() -> None:
    plain, off = oncall(), oncall(HOLIDAYS)
    assert off.hours["office"].open(MONDAY) is False
    assert off.duties(MONDAY) == plain.duties(MONDAY)
    assert off.on_duty("daytime", MONDAY) == "ana"
