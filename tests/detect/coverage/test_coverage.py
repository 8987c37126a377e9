"""Every technique that leaves a trace in a snapshot is found and named; what people and packages do is not."""

import pytest
from tests.detect.coverage.entries import ENTRIES
from tests.detect.coverage.entry import Asks, Entry, Found, title
from tests.detect.coverage.hosts import ROLES
from tests.detect.coverage.not_yet import NOT_YET
from tests.detect.coverage.trial import Outcome, alarms_of_quiet_life, outcomes


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
