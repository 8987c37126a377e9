"""Every technique that leaves a trace in a snapshot is found and named; what people and packages do is not; the page says so."""

from pathlib import Path

import pytest
from tests.detect.coverage.entries import ENTRIES
from tests.detect.coverage.entry import Asks, Entry, Found, title
from tests.detect.coverage.hosts import ROLES
from tests.detect.coverage.matrix import LINUX, TRACELESS
from tests.detect.coverage.not_yet import NOT_YET
from tests.detect.coverage.page import PAGE, rendered, untested
from tests.detect.coverage.trial import Outcome, alarms_of_quiet_life, outcomes

from vedette.detect.behaviour import acts, hostile
from vedette.detect.inventory import hostile as of_facts

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("role", ROLES)
def test_the_quiet_life_of_a_made_up_host_is_quiet(role: str) -> None:
    assert alarms_of_quiet_life(role) == ()


def _is_told_rightly(entry: Entry, outcome: Outcome) -> bool:
    expect = entry.expect
    if isinstance(expect, Found):
        return outcome.delay is not None and outcome.delay <= expect.within
    if isinstance(expect, Asks):
        return outcome.delay is not None and outcome.severity.rank <= expect.at_most.rank
    return not outcome.alarms


@pytest.mark.parametrize("entry", ENTRIES, ids=title)
def test_what_is_said_of(entry: Entry) -> None:
    outcome = outcomes()[title(entry)]
    told = [[f"{r.expert} {r.subject}" for r in reasons] for reasons in outcome.reasons]
    assert _is_told_rightly(entry, outcome) == (title(entry) not in NOT_YET), told


def test_no_two_entries_are_the_same() -> None:
    titles = [title(entry) for entry in ENTRIES]
    assert len(set(titles)) == len(titles)


def test_each_known_gap_is_an_entry() -> None:
    assert {title(entry) for entry in ENTRIES} >= NOT_YET


def test_what_the_engine_tells_is_in_no_list_of_what_is_not_tested() -> None:
    tables = (hostile.MARKS, hostile.GONE, hostile.GROWTH, hostile.PILES)
    known = {one.attack for table in tables for one in table.values()}
    known |= {
        one.attack for table in (of_facts.EVIDENCE, of_facts.VANISHED) for one in table.values()
    }
    told = {outcome.cause.attack for outcome in outcomes().values() if outcome.cause is not None}
    lacking = (known | acts.TECHNIQUES | told) & {*untested()}
    assert not lacking
    assert not told & TRACELESS.keys()


def test_an_entry_says_what_it_is_told_as_only_where_that_is_another_technique() -> None:
    told = [(entry.id, entry.told_as) for entry in ENTRIES if entry.told_as]
    assert not [pair for pair in told if pair[0].split(".")[0] == pair[1].split(".")[0]]


def test_the_page_is_up_to_date() -> None:
    assert (DOCS / PAGE).read_text() == rendered(), "run `make docs`"


def test_every_technique_stands_on_the_page() -> None:
    page = (DOCS / PAGE).read_text()
    assert {one for one in LINUX if f"| {one} |" not in page and f"| {one}." not in page} == set()


def test_what_is_called_traceless_is_in_the_matrix_and_is_not_found() -> None:
    assert TRACELESS.keys() <= LINUX.keys()
    assert TRACELESS.keys().isdisjoint(entry.id for entry in ENTRIES)
