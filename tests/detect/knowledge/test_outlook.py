"""How far other hosts excuse a thing, how far they can't, and what spreads."""

from typing import Any

import pytest

from vedette.detect import Contribution, Group, Knowledge
from vedette.detect.knowledge import WINDOW, Outlook, Share, limit

THING, NOW = 77, 5_000_000


def group(
    hosts: int, *, held: int = 0, soft: int = 0, loud: int = 0, known: int = 0, at: int = NOW - 3
) -> Group:
    """`hosts` hosts told what they hold, `held` of them the thing; then it appeared on some."""
    told = Contribution(hosts=hosts, held={THING: held} if held else {})
    before = Group().after(told, at - 1)
    shown = {THING: Share(soft, loud, known)} if soft or loud else {}
    return before.after(Contribution(shown=shown), at)


def outlook(cohort: Group, fleet: Group | None = None, **more: Any) -> Outlook:
    knowledge = Knowledge(version=cohort.version, cohort=cohort, fleet=fleet or cohort)
    return Outlook(knowledge=knowledge, now=NOW, **more)


def test_where_nothing_is_known_nothing_is_excused() -> None:
    assert Outlook().excuse(THING) == 0.0
    assert outlook(group(100)).excuse(THING) == 0.0


@pytest.mark.parametrize("size", [20, 100, 1_000, 100_000])
def test_an_eighth_of_a_cohort_excuses_nothing_and_a_quarter_little(size: int) -> None:
    eighth, quarter = (size - 1) // 8, (size - 1) // 4
    assert outlook(group(size, held=eighth)).excuse(THING) == 0.0
    assert outlook(group(size, soft=eighth)).excuse(THING) == 0.0
    assert 0.0 < outlook(group(size, held=quarter)).excuse(THING) <= 1.5
    assert 0.0 < outlook(group(size, soft=quarter)).excuse(THING) <= 1.5


@pytest.mark.parametrize("size", range(1, 10))
def test_one_host_of_a_small_cohort_excuses_nothing(size: int) -> None:
    assert outlook(group(size, soft=1)).excuse(THING) == 0.0
    assert outlook(group(size, held=1)).excuse(THING) == 0.0


def test_what_all_hold_is_familiar() -> None:
    assert outlook(group(30, held=30)).excuse(THING) > 4.0


def test_the_bound_holds_whatever_the_hosts_claim() -> None:
    for size in (9, 40, 5_000):
        for many in range(0, size, max(1, size // 20)):
            poisoned = group(size, held=many, soft=many)
            assert outlook(poisoned).excuse(THING) <= limit(many, size) + 1e-9


def test_hostile_showers_take_the_excuse_away() -> None:
    assert outlook(group(20, soft=10)).excuse(THING) > 4.0
    assert outlook(group(20, soft=10, loud=1)).excuse(THING) > 4.0
    assert outlook(group(20, soft=10, loud=2)).excuse(THING) == 0.0
    assert outlook(group(20, loud=19)).excuse(THING) == 0.0


def test_many_hosts_alone_do_not_excuse_a_foothold() -> None:
    assert outlook(group(20, soft=19)).excuse(THING, foothold=True) == 0.0
    assert outlook(group(20, soft=19, known=1)).excuse(THING, foothold=True) == 0.0
    assert outlook(group(20, soft=10, known=4)).excuse(THING, foothold=True) > 4.0
    assert outlook(group(20, soft=2, known=2)).excuse(THING, foothold=True) == 0.0
    assert outlook(group(20, soft=10, known=4, loud=2)).excuse(THING, foothold=True) == 0.0
    # What many hold as learned normal excuses it as it does anything.
    assert outlook(group(20, held=20)).excuse(THING, foothold=True) > 4.0


def test_few_hosts_where_a_tool_was_seen_do_not_teach_many_where_it_was_not() -> None:
    for size in (40, 1_000):
        for soft in range(1, size, size // 20):
            few = outlook(group(size, soft=soft, known=max(1, soft // 10)))
            assert few.excuse(THING, foothold=True) == 0.0


def test_it_is_said_on_how_many_hosts_nobody_was_seen() -> None:
    shown = group(20, soft=5, known=2, at=NOW - 2)
    found = outlook(shown).unaccounted(THING)
    assert found is not None
    assert (found.hosts, found.since) == (3, (NOW - 2) * 300.0)
    own = {THING: shown.version}
    mine = outlook(shown, own=own).unaccounted(THING)
    seen = outlook(shown, own=own, own_known=own).unaccounted(THING)
    assert (mine.hosts if mine else 0, seen.hosts if seen else 0) == (2, 3)
    assert outlook(group(20, soft=2, known=2)).unaccounted(THING) is None
    assert outlook(group(20, loud=3)).unaccounted(THING) is None


def test_a_host_is_no_peer_of_itself() -> None:
    shown = group(9, soft=2)
    alone = outlook(shown, own={THING: shown.version})
    assert outlook(shown).excuse(THING) > 0.0
    assert alone.excuse(THING) == 0.0
    worm = group(9, loud=1)
    assert outlook(worm).spread(THING) is not None
    assert outlook(worm, own_loud={THING: worm.version}).spread(THING) is None


def test_what_is_not_in_the_version_yet_is_not_taken_off_it() -> None:
    shown = group(9, soft=3)
    later = outlook(shown, own={THING: shown.version + 1})
    assert later.excuse(THING) == outlook(shown).excuse(THING)


def test_a_spread_says_on_how_many_hosts_and_since_when() -> None:
    found = outlook(group(20, soft=3, loud=4, at=NOW - 2)).spread(THING)
    assert found is not None
    assert (found.hosts, found.since) == (4, (NOW - 2) * 300.0)


def test_the_cohort_gives_the_scale_of_a_metric() -> None:
    told = Contribution(hosts=3, scales={"m": {0: 1, 8: 2}})
    cohort = Group().after(told, NOW - 1)
    assert outlook(cohort, Group()).scale("m") == (4.0, 3)
    assert Outlook().scale("m") == (0.0, 0)


def test_what_appeared_long_ago_is_no_roll_out() -> None:
    old = group(20, soft=10, loud=5, at=NOW - WINDOW)
    assert outlook(old).excuse(THING) == 0.0
    assert outlook(old).spread(THING) is None
