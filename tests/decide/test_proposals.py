"""What policies make of an incident's changes, and what holds them back."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.decide.make import START, Course, host, normal, policies, verdict

from vedette.core import Action, ActionState, Confirmation, Mode, Severity, Verdict

MAIL = "{action: mail, with: {to: [ops@example.com]}}"
QUARANTINE = "{action: quarantine, with: {lease: 30m}, dry_run: true}"


def one(
    *,
    on: str = "[opened]",
    when: str = "true",
    then: str = MAIL,
    mode: str = "auto",
    within: str = "",
) -> str:
    guard = f"    within: {{{within}}}\n" if within else ""
    return (
        f"version: 1\npolicies:\n  - name: p\n    on: {on}\n    when: '{when}'\n"
        f"    then: [{then}]\n    mode: {mode}\n{guard}"
    )


def guarded(course: Course, minute: float, **how: Any) -> list[str]:
    events = course.see(verdict(minute, **how)).events
    return [event.text for event in events if event.kind == "guarded"]


def test_an_opening_proposes_what_the_policy_says() -> None:
    chosen = policies(one(then=QUARANTINE, mode="approve", within="approval_expires: 2h"))
    decision = Course(chosen).see(verdict(0))
    (action,) = decision.actions
    assert (action.kind, action.mode, action.dry_run) == ("quarantine", Mode.APPROVE, True)
    assert (action.state, action.trigger) == (ActionState.PROPOSED, "opened")
    assert action.parameters == {"lease": 1800.0, "at_most": 86_400.0, "allow": []}
    assert action.lease_seconds == 1800.0
    assert (action.policy, action.policy_version) == ("p", chosen.version)
    assert action.incident == decision.incidents[0].id
    assert action.proposed_at == action.updated_at == START
    assert action.expires_at == START + timedelta(hours=2)


@pytest.mark.parametrize(
    ("then", "mode", "patience"),
    [
        (MAIL, "auto", timedelta(days=7)),
        (MAIL, "observe", timedelta(days=7)),
        (QUARANTINE, "auto", timedelta(hours=1)),
        (QUARANTINE, "approve", timedelta(days=1)),
    ],
)
def test_old_evidence_starts_no_disruption(then: str, mode: str, patience: timedelta) -> None:
    (action,) = Course(policies(one(then=then, mode=mode))).see(verdict(0)).actions
    assert action.expires_at - action.proposed_at == patience


def test_an_incident_is_told_of_once() -> None:
    course = Course(policies(one()))
    counts = [len(course.see(verdict(minute)).actions) for minute in range(20)]
    assert counts == [1] + [0] * 19


def test_the_same_verdict_twice_gives_the_same_action() -> None:
    first = Course(policies(one())).see(verdict(0)).actions
    assert first == Course(policies(one())).see(verdict(0)).actions


def test_two_actions_of_one_policy_are_two() -> None:
    actions = Course(policies(one(then=f"{MAIL}, {MAIL}, {QUARANTINE}"))).see(verdict(0)).actions
    assert len({action.id for action in actions}) == 3


def test_what_holds_only_later_is_not_missed() -> None:
    course = Course(policies(one(when='incident.severity == "high"')))
    assert not course.see(verdict(0, severity=Severity.LOW)).actions
    (action,) = course.see(verdict(1, severity=Severity.HIGH)).actions
    assert action.trigger == "opened"


def test_a_raise_tells_once_more_but_not_twice_in_one_step() -> None:
    course = Course(policies(one(on="[opened, raised]")))
    course.see(verdict(0, severity=Severity.LOW))
    (action,) = course.see(verdict(1, severity=Severity.MEDIUM)).actions
    assert action.trigger == "raised"
    assert not course.see(verdict(2, severity=Severity.MEDIUM)).actions
    (again,) = course.see(verdict(3, severity=Severity.HIGH)).actions
    assert again.id != action.id


@pytest.mark.parametrize("trigger", ["quiet", "closed", "reopened", "raised"])
def test_each_change_can_be_listened_to(trigger: str) -> None:
    course = Course(policies(one(on=f"[{trigger}]", when=f'trigger == "{trigger}"')))
    found: list[Action] = []
    for given in (
        verdict(0, severity=Severity.LOW),
        normal(1),
        verdict(2, severity=Severity.HIGH),
        normal(3),
        normal(40),
    ):
        found.extend(course.see(given).actions)
    assert {action.trigger for action in found} == {trigger}
    assert len(found) == (2 if trigger == "quiet" else 1)


def test_confirmation_waits_for_as_many_snapshots_and_says_so_once() -> None:
    course = Course(policies(one(within="confirm: 3")))
    assert guarded(course, 0) == ["policy p: waits for 3 abnormal snapshots; 1 so far"]
    assert guarded(course, 1) == []
    assert len(course.see(verdict(2)).actions) == 1
    assert not course.see(verdict(3)).actions


def test_confirmation_by_the_last_ten_or_by_experts() -> None:
    chosen = policies(one(within="confirm: {of_ten: 3, experts: 2}"))

    def behind(minute: int, *, abnormal: int, experts: int) -> Verdict:
        confirmation = Confirmation(abnormal=abnormal, of=10, experts=experts)
        return msgspec.structs.replace(verdict(minute), confirmation=confirmation)

    waits = (
        "policy p: waits for 3 of ten snapshots abnormal by the same thing, or 2 experts that agree; "
        "2 of 10 and 1 so far"
    )
    course = Course(chosen)
    decision = course.see(behind(0, abnormal=2, experts=1))
    assert [event.text for event in decision.events if event.kind == "guarded"] == [waits]
    assert course.see(behind(1, abnormal=3, experts=1)).actions
    assert Course(chosen).see(behind(0, abnormal=1, experts=2)).actions
    alone = policies(one(within="confirm: {of_ten: 3}"))
    assert not Course(alone).see(behind(0, abnormal=1, experts=3)).actions


def test_a_protected_host_is_left_alone() -> None:
    chosen = policies(one(then=QUARANTINE, within="protected: {role: [db, dc], tier: [gold]}"))
    for labels in ({"role": "db"}, {"tier": "gold", "role": "web"}):
        course = Course(chosen, at=host(labels))
        (text,) = guarded(course, 0)
        assert text.startswith("policy p: the host is protected (")
        assert not course.situation.actions
    assert Course(chosen, at=host({"role": "web"})).see(verdict(0)).actions


def test_a_late_snapshot_may_tell_but_not_disrupt() -> None:
    course = Course(policies(one(then=f"{MAIL}, {QUARANTINE}")))
    decision = course.see(verdict(0, late=True))
    assert [action.kind for action in decision.actions] == ["mail"]
    assert (
        decision.events[-1].text == "policy p: quarantine can't start on a snapshot that came late"
    )
    assert [action.kind for action in course.see(verdict(1)).actions] == ["quarantine"]


def test_a_cooldown_holds_over_incidents_and_ends() -> None:
    course = Course(policies(one(within="cooldown: 1h")))
    course.see(verdict(0, subjects=["a"]))
    assert guarded(course, 30, subjects=["b"]) == [
        "policy p: did mail 30 minutes before, within its cooldown"
    ]
    assert guarded(course, 31, subjects=["b"]) == []
    assert len(course.see(verdict(60, subjects=["b"])).actions) == 1


def test_a_cooldown_is_of_one_policy_and_one_kind() -> None:
    text = one(within="cooldown: 1h") + (
        f"  - {{name: q, mode: approve, then: [{QUARANTINE}], within: {{cooldown: 1h}}}}\n"
    )
    course = Course(policies(text))
    course.see(verdict(0, subjects=["a"]))
    decision = course.see(verdict(120, subjects=["b"]))
    assert [action.policy for action in decision.actions] == ["p", "q"]


def test_a_clock_that_went_back_does_not_end_a_cooldown() -> None:
    course = Course(policies(one(within="cooldown: 1h")))
    course.see(verdict(100, subjects=["a"]))
    assert guarded(course, 10, subjects=["b"]) == [
        "policy p: did mail 0 minutes before, within its cooldown"
    ]


def test_one_line_tells_of_two_actions_held_back_for_the_same_reason() -> None:
    course = Course(policies(one(then=f"{MAIL}, {MAIL}", within="confirm: 2")))
    assert len(guarded(course, 0)) == 1


def test_a_condition_without_a_value_is_told_and_nothing_is_done() -> None:
    course = Course(policies(one(when='host.labels.team == "x"')))
    (text,) = guarded(course, 0)
    assert text.startswith("policy p: its condition has no value here (")
    assert not course.situation.actions


def test_a_policy_that_does_not_apply_says_nothing() -> None:
    assert guarded(Course(policies(one(when="false", within="confirm: 5"))), 0) == []
