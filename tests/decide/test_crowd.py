"""Which of many notifications are told one by one, and which in a digest."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.decide.make import START
from tests.decide.test_storm import incident, mail, spread

from vedette.core import (
    DIGEST,
    Action,
    ActionState,
    Gathered,
    IncidentId,
    Mode,
    Severity,
    Spread,
)
from vedette.decide import Crowding, gather

CROWDING = Crowding(kinds=frozenset({"mail"}), most=3, seconds=900.0)
AT = START + timedelta(seconds=100)


def _waits(number: int, **more: Any) -> Action:
    return mail(incident(number), **more)


def _told(number: int, seconds: float, **more: Any) -> Action:
    """Begun so many seconds before now."""
    at = AT - timedelta(seconds=seconds)
    return _waits(number, state=ActionState.VERIFIED, dispatched_at=at, wake_at=None, **more)


def _spread(*waiting: Action, **more: Any) -> Spread:
    told = (*waiting, *more.get("told", ()))
    severities = {one.incident: Severity.MEDIUM for one in told if one.incident}
    given = {"severities": severities} | more
    return msgspec.structs.replace(spread(), at=AT, waiting=waiting, **given)


def test_as_many_as_are_set_are_told_one_by_one_and_the_rest_in_one_digest() -> None:
    waiting = [_waits(number) for number in range(8)]
    gathered = gather(_spread(*waiting), CROWDING)
    (digest,) = gathered.actions
    assert digest.parameters == {
        "to": ["@owner"],
        "incidents": [f"i{number:04d}" for number in range(3, 8)],
        "more": 0,
    }
    assert (digest.trigger, digest.state, digest.incident, digest.host) == (
        DIGEST,
        ActionState.PROPOSED,
        None,
        None,
    )
    assert digest.wake_at == AT + timedelta(minutes=15)
    assert [ident for ident, _ in gathered.refused] == [one.id for one in waiting[3:]]
    assert gathered.refused[0][1] == f"gathered: digest {digest.id} tells of it at 12:16 UTC"
    assert gather(_spread(*waiting), CROWDING) == gathered


def test_without_a_crowd_or_a_rule_nothing_is_gathered() -> None:
    waiting = [_waits(number) for number in range(3)]
    assert gather(_spread(*waiting), CROWDING) == Gathered()
    assert gather(_spread(*waiting, _waits(4))) == Gathered()


def test_what_was_told_within_the_time_counts_and_the_digest_ends_with_it() -> None:
    told = (_told(1, 800), _told(2, 30), _told(3, 20), _told(4, 901))
    gathered = gather(_spread(_waits(5), told=told), CROWDING)
    assert gathered.actions[0].wake_at == AT + timedelta(seconds=100)
    old = (_told(1, 901), _told(2, 30), _told(3, 20), _waits(9, state=ActionState.APPROVED))
    assert gather(_spread(_waits(5), told=old), CROWDING) == Gathered()


def test_a_digest_that_waits_takes_in_what_comes_and_names_each_incident_once() -> None:
    begun = gather(_spread(*[_waits(number) for number in range(5)]), CROWDING).actions[0]
    later = (_waits(3, trigger="raised"), _waits(6))
    told = (_told(0, 1), _told(1, 1), _told(2, 1))
    gathered = gather(_spread(*later, told=told, digests=(begun,)), CROWDING)
    (one,) = gathered.grown
    assert not gathered.actions
    assert one.id == begun.id
    assert one.wake_at == begun.wake_at
    assert one.parameters["incidents"] == ["i0003", "i0004", "i0006"]


def test_after_a_digest_the_next_one_follows_when_its_time_is_over() -> None:
    digest = _told(
        0, 300, trigger=DIGEST, parameters={"to": ["@owner"], "incidents": ["i0000"], "more": 0}
    )
    digest = msgspec.structs.replace(digest, incident=None)
    known = {IncidentId("i0000"): Severity.MEDIUM, IncidentId("i0007"): Severity.MEDIUM}
    given = _spread(_waits(7), told=(digest, _told(1, 800)), severities=known)
    (follows,) = gather(given, CROWDING).actions
    assert follows.wake_at == AT + timedelta(seconds=600)
    worse = known | {IncidentId("i0007"): Severity.HIGH}
    given = _spread(_waits(7), told=(digest,), severities=worse)
    assert gather(given, CROWDING) == Gathered()


def test_what_is_worse_than_all_that_was_told_is_told_at_once_and_once() -> None:
    waiting = [_waits(number) for number in range(7)]
    severities = {one.incident: Severity.MEDIUM for one in waiting if one.incident}
    severities |= {IncidentId("i0004"): Severity.CRITICAL, IncidentId("i0005"): Severity.CRITICAL}
    gathered = gather(_spread(*waiting, severities=severities), CROWDING)
    assert gathered.actions[0].parameters["incidents"] == ["i0003", "i0005", "i0006"]


@pytest.mark.parametrize(
    "apart",
    [
        {"kind": "page"},
        {"dry_run": True},
        {"mode": Mode.APPROVE},
        {"wake_at": AT + timedelta(seconds=1)},
        {"parameters": {"to": ["other@example.com"]}},
    ],
)
def test_others_people_other_ways_and_what_is_not_due_stay_apart(apart: dict[str, Any]) -> None:
    waiting = [_waits(number, **apart) for number in range(3)]
    mine = [_waits(number) for number in range(3, 6)]
    assert gather(_spread(*waiting, *mine), CROWDING) == Gathered()


def test_a_digest_lists_so_many_and_counts_the_rest() -> None:
    waiting = [_waits(number, wake_at=AT) for number in range(510)]
    (digest,) = gather(_spread(*waiting), CROWDING).actions
    assert (len(digest.parameters["incidents"]), digest.parameters["more"]) == (500, 7)


def test_what_a_fleets_incident_tells_is_in_no_digest() -> None:
    ones = [incident(number) for number in range(30)]
    given = msgspec.structs.replace(
        spread(*ones, tell=False), at=AT, waiting=tuple(mail(one) for one in ones)
    )
    gathered = gather(given, CROWDING)
    assert len(gathered.refused) == 30
    assert [one.trigger for one in gathered.actions] == ["opened"]
