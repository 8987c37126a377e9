"""What is fleet-wide, and how many people it takes."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.store.make import action

from vedette.core import PEOPLE, HostId, Mode, Reach, destructive, few, reach_of

CUT = action(disruptive=True, dry_run=False)
COUNTS = st.integers(min_value=0, max_value=100_000)
REACHES = st.builds(Reach, storm=st.booleans(), others=COUNTS, hosts=COUNTS)


@pytest.mark.parametrize(
    ("hosts", "most"), [(0, 3), (1, 3), (39, 3), (40, 4), (99, 9), (100, 10), (100_000, 10)]
)
def test_a_few_is_a_tenth_at_least_three_and_at_most_ten(hosts: int, most: int) -> None:
    assert few(hosts) == most


@given(reach=REACHES, given_=st.integers(min_value=0, max_value=4), mode=st.sampled_from(Mode))
def test_two_people_are_enough_and_one_is_not_for_what_is_fleet_wide(
    reach: Reach, given_: int, mode: Mode
) -> None:
    one = msgspec.structs.replace(CUT, mode=mode)
    wide = reach.storm or reach.others >= few(reach.hosts)
    assert bool(reach.words) == wide
    assert bool(reach.unasked) == reach.storm
    lacks = reach.lacks(one, given_)
    if given_ >= PEOPLE or not wide:
        assert lacks == ""
    elif given_ == 1 or mode is not Mode.AUTO or reach.storm:
        assert lacks == reach.words
    else:
        assert lacks == ""


@given(others=COUNTS, more=COUNTS, hosts=COUNTS)
def test_more_hosts_never_take_fewer_people(others: int, more: int, hosts: int) -> None:
    less = Reach(storm=False, others=others, hosts=hosts)
    assert not less.words or Reach(storm=False, others=others + more, hosts=hosts).words


def test_the_host_itself_is_not_counted_and_what_harms_nothing_reaches_nothing() -> None:
    acted = {HostId("host-1"), HostId("a"), HostId("b")}
    assert reach_of(CUT, storm=False, acted=acted, hosts=9).others == 2
    for harmless in ({"dry_run": True}, {"disruptive": False}):
        one = msgspec.structs.replace(CUT, **harmless)
        assert not destructive(one)
        assert reach_of(one, storm=True, acted=acted, hosts=9).words == ""
