"""An escalation tells tier after tier, waits, and ends: always with the reason."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from tests.decide.make import policies
from tests.decide.oncall import MONDAY, begun, case, incident, oncall

from vedette.core import (
    Escalated,
    Escalating,
    Escalation,
    EscalationState,
    IncidentId,
    IncidentKind,
    IncidentState,
    Resolution,
    Severity,
    Silence,
    SilenceKind,
    SilenceScope,
)
from vedette.decide import PolicySet, answer_own, escalate
from vedette.respond import schemas

NIGHT = datetime(2026, 3, 2, 20, tzinfo=UTC)


def _told(after: Escalated) -> list[str]:
    return [one.parameters["to"][0].split("@")[0] for one in after.actions]


def _until_over(start: Escalating) -> list[tuple[datetime, list[str]]]:
    told, run, at = [], start.run, start.at
    while True:
        after = escalate(msgspec.structs.replace(start, run=run, at=at), oncall())
        run = after.run
        if after.actions:
            told.append((at, _told(after)))
        if run.due_at is None:
            return told
        at = run.due_at


def test_every_tier_is_told_in_its_turn_and_then_the_next_chain() -> None:
    minutes = [(int((at - MONDAY).total_seconds()) // 60, who) for at, who in _until_over(case())]
    assert minutes == [(0, ["ana"]), (15, ["ana"]), (30, ["ana", "eva"]), (60, ["eva"])]


def test_a_step_says_whom_it_told_and_when_the_next_is_due() -> None:
    after = escalate(case(), oncall())
    assert after.run.due_at == MONDAY + timedelta(minutes=15)
    words = "tier 1 of 2 of chain ops, time 1 of 2: ana by mail"
    assert [event.text for event in after.events] == [words]
    assert after.run.detail == after.actions[0].detail == words
    assert after.actions[0].trigger == "escalated"


def test_the_same_step_has_the_same_ids_and_every_other_step_others() -> None:
    again = [escalate(case(), oncall()).actions[0].id for _ in range(2)]
    assert again[0] == again[1]
    seen, run, at = [], begun(), MONDAY
    while run.due_at is not None:
        after = escalate(case(run, at), oncall())
        seen += [one.id for one in after.actions]
        run, at = after.run, after.run.due_at or at
    assert len(seen) == len(set(seen)) == 5


def test_at_the_end_it_says_that_nobody_acknowledged() -> None:
    last = begun("managers", told=1)
    after = escalate(case(last), oncall())
    assert (after.run.state, after.run.due_at) == (EscalationState.EXHAUSTED, None)
    assert after.events[0].text == "the escalation ended: nobody acknowledged it"


def test_a_chain_that_is_gone_ends_and_says_so() -> None:
    after = escalate(case(begun("gone")), oncall())
    assert after.run.detail == "there is no chain gone any more"
    shorter = escalate(case(begun("daytime-only", tier=7)), oncall())
    assert shorter.run.state is EscalationState.EXHAUSTED


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"acknowledged_by": "user:eva"}, EscalationState.ACKNOWLEDGED),
        (
            {"state": IncidentState.CLOSED, "resolution": Resolution.TRUE_POSITIVE},
            EscalationState.CLOSED,
        ),
    ],
)
def test_nobody_is_told_of_what_somebody_took_on(
    changes: dict[str, object], state: EscalationState
) -> None:
    after = escalate(case(incident=incident(**changes)), oncall())
    assert (after.run.state, after.actions) == (state, ())


def test_a_quiet_incident_is_still_told_of() -> None:
    after = escalate(case(incident=incident(state=IncidentState.QUIET)), oncall())
    assert _told(after) == ["ana"]


def test_a_part_of_a_fleets_incident_is_told_of_there_if_that_is_escalated() -> None:
    home = incident(id=IncidentId("fleet"), host=None)
    part: dict[str, Any] = {"incident": incident(part_of=home.id), "home": home}
    assert _told(escalate(case(**part), oncall())) == ["ana"]
    gathered = escalate(case(**part, home_escalated=True), oncall())
    assert gathered.run.state is EscalationState.GATHERED
    taken = msgspec.structs.replace(home, acknowledged_by="user:eva")
    assert (
        escalate(case(**(part | {"home": taken})), oncall()).run.state is EscalationState.GATHERED
    )


def _silence(minutes: float) -> Silence:
    return Silence(
        id="s1",
        tenant=begun().tenant,
        kind=SilenceKind.MAINTENANCE,
        scope=SilenceScope(causes=("cron:x",)),
        starts_at=MONDAY,
        ends_at=MONDAY + timedelta(minutes=minutes),
        owner="user:eva",
        reason="new disks",
        created_at=MONDAY,
    )


def test_a_silence_keeps_it_waiting_and_is_told_once() -> None:
    first = escalate(case(silence=_silence(60)), oncall())
    assert first.actions == ()
    assert [event.text for event in first.events] == [
        "waits: maintenance s1 of user:eva: new disks"
    ]
    assert first.run.due_at == MONDAY + timedelta(minutes=1)
    again = escalate(case(first.run, silence=_silence(0.5)), oncall())
    assert (again.events, again.run.due_at) == ((), MONDAY + timedelta(seconds=30))
    assert _told(escalate(case(again.run), oncall())) == ["ana"]


def _at_night(run: Escalation, severity: Severity) -> Escalated:
    return escalate(case(run, NIGHT, incident=incident(severity=severity)), oncall())


def test_outside_of_its_hours_a_chain_waits_for_them_unless_it_is_worse() -> None:
    waits = _at_night(begun("managers"), Severity.HIGH)
    assert waits.actions == ()
    assert waits.run.detail == "waits for hours office: 2026-03-03 08:00 Europe/Vienna"
    assert waits.run.due_at == NIGHT + timedelta(minutes=1)
    assert _told(_at_night(waits.run, Severity.CRITICAL)) == ["eva"]


def test_hours_without_exception_hold_whatever_it_is() -> None:
    always = oncall().chains["managers"].within
    assert always is not None
    within = msgspec.structs.replace(always, unless=None)
    assert oncall().closed(within, Severity.CRITICAL, NIGHT) is not None
    assert oncall().closed(within, Severity.LOW, MONDAY) is None


def test_where_nobody_is_on_duty_the_next_is_told_at_once_and_it_is_said() -> None:
    after = _at_night(begun("daytime-only"), Severity.HIGH)
    assert [event.text for event in after.events] == [
        "tier 1 of 1 of chain daytime-only: nobody is on duty in daytime",
        "the escalation ended: nobody acknowledged it",
    ]


def test_a_breakers_incident_is_answered_by_policies_that_listen_to_it() -> None:
    own = incident(id=IncidentId("own"), host=None, kind=IncidentKind.BREAKER)
    shipped = PolicySet.default(kinds=schemas())
    (told,) = answer_own(own, shipped, MONDAY)
    assert (told.policy, told.kind, told.trigger) == ("tell-of-breakers", "mail", "tripped")
    assert told.expires_at == MONDAY + timedelta(days=7)
    assert answer_own(own, shipped, NIGHT)[0].id == told.id
    asked = policies("""
version: 1
policies:
  - {name: ask, on: [tripped], mode: approve, then: [{escalate: ops}]}
  - {name: other, mode: auto, then: [{escalate: ops}]}
""")
    (waits,) = answer_own(own, asked, MONDAY)
    assert (waits.kind, waits.expires_at) == ("escalate", MONDAY + timedelta(days=1))


def test_a_document_says_who_is_on_duty_in_each_schedule() -> None:
    assert [(one.schedule, one.person) for one in oncall().duties(MONDAY)] == [
        ("primary", "ana"),
        ("daytime", "ana"),
    ]
