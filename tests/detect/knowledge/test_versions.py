"""Versions: the order of telling and of closing changes nothing, and nothing grows without bound."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core import HostId
from vedette.detect import (
    FLEET,
    Case,
    Contribution,
    Group,
    Part,
    closes_at,
    cohort_name,
    cut,
    interval_of,
    visible_at,
)
from vedette.detect.knowledge import Share, Tells, Told, merge, tell

HOST = HostId("h")
Tellings = st.builds(
    Contribution,
    hosts=st.integers(0, 3),
    held=st.dictionaries(st.integers(0, 5), st.integers(1, 3)),
    shown=st.dictionaries(
        st.integers(0, 5), st.builds(Share, st.integers(0, 2), st.integers(0, 2))
    ),
    scales=st.dictionaries(
        st.sampled_from("ab"), st.dictionaries(st.integers(-9, 9), st.integers(1, 3))
    ),
)
Parts = st.builds(
    Part,
    cohort=st.sampled_from([cohort_name(""), cohort_name("web")]),
    interval=st.integers(100, 130),
    told=Tellings,
)


def folded(parts: list[Part]) -> dict[str, Group]:
    groups: dict[str, Group] = {}
    for part in parts:
        groups[part.cohort] = groups.get(part.cohort, Group()).after(part.told, part.interval)
    return groups


@pytest.mark.no_cover
@given(st.lists(Parts, max_size=12), st.randoms(use_true_random=False), st.integers(100, 130))
def test_one_by_one_or_at_once_in_any_order(told: list[Part], random: Random, half: int) -> None:
    at_once = cut(told, closed=0, upto=130)
    shuffled = list(told)
    random.shuffle(shuffled)
    first = cut(shuffled, closed=0, upto=half)
    rest = [part for part in shuffled if part.interval > half]
    then = cut(rest, closed=half, upto=130)
    assert [(p.cohort, p.interval, p.told.encode()) for p in at_once] == [
        (p.cohort, p.interval, p.told.encode()) for p in (*first, *then)
    ]
    assert {name: group.shown for name, group in folded(at_once).items()} == {
        name: group.shown for name, group in folded([*first, *then]).items()
    }


def test_the_late_go_into_the_first_open_version_and_are_no_news_when_old() -> None:
    told = Contribution(hosts=1, held={1: 1}, shown={2: Share(1, 0)})
    late = Part(cohort="c", interval=100, told=told)
    assert [part.interval for part in cut([late], closed=103, upto=110)] == [104, 104]
    (old, fleet) = cut([late], closed=200, upto=210)
    assert (old.interval, old.told.shown, old.told.held) == (201, {}, {1: 1})
    assert (fleet.cohort, fleet.told) == (FLEET, old.told)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - given a zone
def test_a_snapshot_sees_closed_intervals_only(taken_at: datetime) -> None:
    visible = visible_at(taken_at)
    assert visible < interval_of(taken_at)
    assert closes_at(visible) <= taken_at < closes_at(visible + 1)
    assert closes_at(visible + 1) - taken_at <= timedelta(seconds=300)


def test_no_role_can_pass_for_the_fleet() -> None:
    assert FLEET not in {cohort_name(FLEET), cohort_name("")}
    assert len({cohort_name(""), cohort_name("unlabelled"), cohort_name(FLEET)}) == 3


def test_a_host_that_is_no_more_falls_out_after_two_days() -> None:
    day = 288
    known = Group().after(Contribution(hosts=1, held={1: 1}), 10 * day)
    assert known.holders(1) == 1.0
    next_day = known.after(Contribution(hosts=3, held={2: 3}), 11 * day)
    assert (next_day.size, next_day.holders(1), next_day.holders(2)) == (3, 0.75, 2.25)
    later = next_day.after(Contribution(hosts=3, held={2: 3}), 12 * day)
    assert (later.size, later.holders(1), later.holders(2)) == (3, 0.0, 3.0)


@pytest.mark.no_cover
def test_a_group_is_bounded_whatever_it_is_told() -> None:
    group = Group()
    for at in range(40):
        held = dict.fromkeys(range(at * 2_000, at * 2_000 + 2_000), 1) | {0: 5}
        shown = {one: Share(1, 0) for one in range(at * 5_000, (at + 1) * 5_000)}
        scales = {f"m{at}-{one}": {0: 1} for one in range(10)}
        told = Contribution(5, held, shown, scales, dict.fromkeys(range(at * 90, at * 90 + 90), 1))
        part = Part(cohort="c", interval=1_000 + at, told=told)
        (one, _) = cut([part], closed=999 + at, upto=1_000 + at)
        group = group.after(one.told, one.interval)
    assert len(group.held) <= 24_000
    assert group.held[0] == 200
    assert len(group.shown) <= 24 * 4_000
    assert len(group.scales) <= 128
    assert len(group.vouched) <= 1_000
    assert Group.decode(group.encode()) == group


def case(thing: int, nats: float = -1.0, *, hard: bool = False, accounted: bool = False) -> Case:
    return Case(
        expert="x",
        subject=f"s{thing}",
        nats=nats,
        text="",
        print=thing,
        hard=hard,
        accounted=accounted,
    )


def test_a_host_has_one_voice_for_a_thing_and_few_in_an_interval() -> None:
    told = Told()
    many = [case(thing) for thing in range(1, 500)]
    first = tell(told, HOST, 100, many, None)
    assert first.shown == {thing: Share(1, 0) for thing in range(1, 33)}
    assert tell(told, HOST, 100, many, None).shown == {}
    assert set(tell(told, HOST, 101, many, None).shown) == set(range(33, 65))
    for at in range(102, 200):
        tell(told, HOST, at, [case(at * 1_000 + one) for one in range(40)], None)
    assert len(told.shown) <= 256


def test_beside_hard_evidence_everything_is_hostile() -> None:
    told = Told()
    shown = tell(told, HOST, 100, [case(1), case(2, 3.0, hard=True)], None).shown
    assert shown == {1: Share(0, 1), 2: Share(0, 1)}
    assert tell(told, HOST, 101, [case(1)], None).shown == {1: Share(1, 0)}


def test_who_did_it_is_told_too_but_not_beside_hard_evidence() -> None:
    told = Told()
    assert tell(told, HOST, 100, [case(1, accounted=True), case(2)], None).shown == {
        1: Share(1, 0, 1),
        2: Share(1, 0, 0),
    }
    assert told.known == {1: 100}
    hostile = [case(3, accounted=True), case(4, 3.0, hard=True)]
    assert tell(told, HOST, 101, hostile, None).shown == {3: Share(0, 1, 0), 4: Share(0, 1, 0)}


def test_what_earlier_versions_told_is_read() -> None:
    before = msgspec.msgpack.encode((0, {}, {7: (2, 1)}, {}, {}))
    assert Contribution.decode(before).shown == {7: Share(2, 1, 0)}


def test_what_is_normal_is_told_at_once_and_then_once_a_day() -> None:
    told = Told()
    tells = [Tells([3, 1, 2], {"m": 8.0, "bad": float("inf"), "none": 0.0})]
    assert tell(told, HOST, 1_000, [], None).hosts == 0
    first = tell(told, HOST, 1_000, [], lambda: tells)
    assert (first.hosts, first.held, first.scales) == (1, {1: 1, 2: 1, 3: 1}, {"m": {12: 1}})
    told_at = [
        at for at in range(1_001, 1_001 + 288 * 5) if tell(told, HOST, at, [], lambda: tells)
    ]
    assert len(told_at) == 4
    assert {later - at for at, later in pairwise(told_at)} == {288}


def test_a_host_tells_so_much_at_most() -> None:
    (whole,) = [tell(Told(), HOST, 1, [], lambda: [Tells(range(90_000))])]
    assert len(whole.held) == 2_000


def test_the_median_host_gives_the_scale() -> None:
    steps = [*[Contribution(hosts=1, scales={"m": {12: 1}})] * 8]
    steps += [Contribution(hosts=1, scales={"m": {400: 1}})] * 3
    group = Group().after(merge(steps), 1_000)
    scale, hosts = group.scale("m")
    assert (scale, hosts) == (8.0, 11)
    assert group.scale("other") == (0.0, 0)
