"""Which abnormal verdicts belong together, and when an incident ends."""

from datetime import timedelta

import msgspec
import pytest
from tests.decide.make import (
    HOST,
    START,
    TENANT,
    Course,
    host,
    normal,
    policies,
    reason,
    unknown,
    verdict,
)

from vedette.core import IncidentId, IncidentState, Label, Resolution, Severity
from vedette.decide import Decision, Grouping, Situation, decide


def test_a_normal_verdict_of_a_calm_host_changes_nothing() -> None:
    assert Course().see(normal(0)) == Decision()


def test_the_first_abnormal_verdict_opens_an_incident_in_plain_words() -> None:
    given = verdict(
        1,
        severity=Severity.HIGH,
        reasons=(
            reason("port:4444", text="Port 4444 listens.", share=0.3),
            reason("cron:x", text="A new cron job\nstarts a shell", share=0.7),
        ),
    )
    decision = Course().see(given)
    (incident,) = decision.incidents
    assert incident.title == "web-1: A new cron job starts a shell"
    assert incident.causes == ("port:4444", "cron:x")
    assert [kept.subject for kept in incident.reasons] == ["cron:x", "port:4444"]
    assert (incident.state, incident.severity) == (IncidentState.OPEN, Severity.HIGH)
    assert (incident.tenant, incident.host, incident.hostname) == (TENANT, HOST, "web-1")
    assert incident.opened_at == incident.last_abnormal_at == given.taken_at
    assert incident.first_verdict == given.id
    (event,) = decision.events
    assert (event.kind, event.at, event.verdict) == ("opened", given.taken_at, given.id)
    assert event.actor == "system:decide"


def test_a_verdict_without_reasons_still_opens_one() -> None:
    (incident,) = Course().see(verdict(0, subjects=())).incidents
    assert incident.title == "web-1: abnormal, without one clear cause"
    assert incident.causes == ()


def test_a_long_reason_is_shortened_in_the_title() -> None:
    (incident,) = Course().see(verdict(0, reasons=(reason("x", text="w" * 300),))).incidents
    assert incident.title == f"web-1: {'w' * 99}…"


def test_the_same_verdict_gives_the_same_ids_again() -> None:
    first, second = Course().see(verdict(0)), Course().see(verdict(0))
    assert first == second
    assert Course().see(verdict(1)).incidents[0].id != first.incidents[0].id


def test_a_later_verdict_with_the_same_cause_joins_however_long_after() -> None:
    course = Course()
    opened = course.see(verdict(0)).incidents[0]
    (incident,) = course.see(verdict(600)).incidents
    assert (incident.id, incident.verdicts) == (opened.id, 2)
    assert incident.last_abnormal_at == START + timedelta(minutes=600)


@pytest.mark.parametrize(("minute", "joins"), [(15, True), (15.1, False)])
def test_without_a_common_cause_time_decides(minute: float, *, joins: bool) -> None:
    course = Course()
    opened = course.see(verdict(0)).incidents[0]
    (incident,) = course.see(verdict(minute, subjects=["port:1"])).incidents
    assert (incident.id == opened.id) is joins


def test_a_host_that_reports_seldom_has_a_longer_window() -> None:
    course = Course(at=host(interval=600))
    opened = course.see(verdict(0)).incidents[0]
    assert course.see(verdict(100, subjects=["port:1"])).incidents[0].id == opened.id
    assert course.see(verdict(201, subjects=["port:2"])).incidents[0].id != opened.id


def test_of_two_live_incidents_the_one_with_most_common_causes_is_joined() -> None:
    course = Course()
    first = course.see(verdict(0, subjects=["a", "b"])).incidents[0]
    second = course.see(verdict(60, subjects=["c"])).incidents[0]
    assert course.see(verdict(61, subjects=["c"])).incidents[0].id == second.id
    assert course.see(verdict(62, subjects=["c", "a", "b"])).incidents[0].id == first.id


def test_an_open_incident_is_joined_rather_than_a_quiet_one() -> None:
    course = Course()
    quiet = course.see(verdict(0, subjects=["a"])).incidents[0]
    course.see(normal(1))
    other = course.see(verdict(20, subjects=["b"])).incidents[0]
    assert quiet.id != other.id
    assert course.see(verdict(21, subjects=["a", "b"])).incidents[0].id == other.id


def test_severity_only_rises() -> None:
    course = Course()
    course.see(verdict(0, severity=Severity.LOW))
    raised = course.see(verdict(1, severity=Severity.HIGH))
    assert "raised" in [event.kind for event in raised.events]
    assert "low to high" in raised.events[0].text
    (incident,) = course.see(verdict(2, severity=Severity.LOW)).incidents
    assert incident.severity is Severity.HIGH


def test_the_peak_score_is_kept() -> None:
    course = Course()
    course.see(verdict(0, score=0.7))
    course.see(verdict(1, score=0.95))
    assert course.see(verdict(2, score=0.6)).incidents[0].peak_score == 0.95


def test_a_timeline_gets_a_line_at_powers_of_two_not_one_per_snapshot() -> None:
    course = Course()
    joined = [n for n in range(1, 70) if "joined" in course.kinds(verdict(n))]
    assert joined == [2, 4, 8, 16, 32, 64]


def test_a_new_cause_gets_its_line_at_once() -> None:
    course = Course()
    for minute in range(3):
        course.see(verdict(minute))
    decision = course.see(verdict(3, subjects=["cron:/etc/cron.d/x", "port:4444"]))
    assert "port:4444 is new" in decision.events[-1].text
    course.see(verdict(4))
    assert course.kinds(verdict(5, subjects=["port:4444"])) == []


def test_causes_and_reasons_are_bounded_and_the_best_are_kept() -> None:
    course = Course()
    for minute in range(40):
        course.see(verdict(minute, reasons=(reason(f"s{minute}", share=minute / 40),)))
    (incident,) = course.situation.incidents
    assert incident.causes == tuple(f"s{n}" for n in range(20))
    assert [kept.subject for kept in incident.reasons] == ["s39", "s38", "s37", "s36", "s35"]
    assert course.kinds(verdict(41, subjects=["yet another"])) == []


def test_of_one_reason_seen_twice_the_stronger_is_kept() -> None:
    course = Course()
    course.see(verdict(0, reasons=(reason("a", text="weak", share=0.2),)))
    course.see(verdict(1, reasons=(reason("a", text="strong", share=0.9),)))
    (incident,) = course.see(verdict(2, reasons=(reason("a", text="weak", share=0.1),))).incidents
    assert [kept.text for kept in incident.reasons] == ["strong"]


def test_a_normal_verdict_quiets_and_half_an_hour_of_it_closes() -> None:
    course = Course()
    course.see(verdict(0))
    assert course.kinds(normal(1)) == ["quiet"]
    assert course.situation.incidents[0].quiet_since == START + timedelta(minutes=1)
    assert course.kinds(normal(30)) == []
    (closed,) = course.see(normal(31)).incidents
    assert (closed.state, closed.resolution) == (IncidentState.CLOSED, Resolution.EXPIRED)
    assert (closed.closed_at, closed.closed_by) == (START + timedelta(minutes=31), "system:decide")
    assert course.situation.incidents == ()


def test_every_live_incident_of_the_host_is_quieted() -> None:
    course = Course()
    course.see(verdict(0, subjects=["a"]))
    course.see(verdict(60, subjects=["b"]))
    assert course.kinds(normal(61)) == ["quiet", "quiet"]


def test_what_begins_after_the_host_was_normal_again_is_an_incident_of_its_own() -> None:
    course = Course()
    first = course.see(verdict(0, subjects=["a"])).incidents[0]
    course.see(normal(1))
    (second,) = course.see(verdict(2, subjects=["b"])).incidents
    assert second.id != first.id
    assert course.see(verdict(3, subjects=["a"])).incidents[0].id == first.id


def test_an_abnormal_verdict_reopens_a_quiet_incident() -> None:
    course = Course()
    course.see(verdict(0))
    course.see(normal(1))
    decision = course.see(verdict(2))
    assert [event.kind for event in decision.events] == ["reopened", "joined"]
    assert decision.incidents[0].state is IncidentState.OPEN
    assert decision.incidents[0].quiet_since is None
    assert course.kinds(normal(3)) == ["quiet"]
    assert course.kinds(normal(32)) == []


def test_blindness_is_not_health() -> None:
    course = Course()
    course.see(verdict(0))
    assert course.see(unknown(1)) == Decision()
    course.see(normal(2))
    assert course.see(unknown(500)) == Decision()


def test_a_late_normal_verdict_neither_quiets_nor_closes() -> None:
    course = Course()
    course.see(verdict(0))
    assert course.see(normal(1, late=True)) == Decision()
    course.see(normal(2))
    assert course.see(normal(100, late=True)) == Decision()


def test_a_late_abnormal_verdict_joins_without_reopening() -> None:
    course = Course()
    course.see(verdict(5))
    course.see(normal(6))
    decision = course.see(verdict(4, late=True))
    (incident,) = decision.incidents
    assert (incident.state, incident.verdicts) == (IncidentState.QUIET, 2)
    assert incident.last_abnormal_at == START + timedelta(minutes=5)
    assert [event.kind for event in decision.events] == ["joined"]


def test_a_late_abnormal_verdict_opens_where_nothing_is_live() -> None:
    assert Course().kinds(verdict(0, late=True)) == ["opened"]


def test_the_grouping_can_be_set() -> None:
    course = Course(
        grouping=Grouping(window_seconds=60, window_snapshots=0, close_after_seconds=60)
    )
    course.see(verdict(0))
    assert course.kinds(verdict(2, subjects=["b"])) == ["opened"]
    course.see(normal(3))
    assert course.kinds(normal(4)) == ["closed", "closed"]


def test_wall_time_never_counts() -> None:
    given = verdict(0)
    assert given.decided_at != given.taken_at
    decision = decide(given, Situation(host=host()), policies())
    assert {event.at for event in decision.events} == {given.taken_at}
    assert given.label is Label.ABNORMAL


@pytest.mark.parametrize(
    ("label", "given", "weighed"),
    [
        ("low", Severity.HIGH, Severity.MEDIUM),
        ("low", Severity.LOW, Severity.LOW),
        ("normal", Severity.HIGH, Severity.HIGH),
        ("high", Severity.MEDIUM, Severity.HIGH),
        ("critical", Severity.CRITICAL, Severity.CRITICAL),
        ("no word of ours", Severity.HIGH, Severity.HIGH),
        ("high", Severity.NONE, Severity.NONE),
    ],
)
def test_an_incident_is_as_severe_as_its_host_matters(
    label: str, given: Severity, weighed: Severity
) -> None:
    situation = Situation(host=host({"criticality": label}))
    (opened,) = decide(verdict(1, severity=given), situation, policies()).incidents
    assert opened.severity is weighed


def test_a_join_raises_by_the_weighed_severity() -> None:
    situation = Situation(host=host({"criticality": "high"}))
    first = decide(verdict(1, severity=Severity.LOW), situation, policies())
    assert first.incidents[0].severity is Severity.MEDIUM
    again = situation.after(first)
    same = decide(verdict(2, severity=Severity.LOW), again, policies())
    assert "raised" not in [event.kind for event in same.events]
    worse = decide(verdict(3, severity=Severity.MEDIUM), again, policies())
    (raised,) = (event for event in worse.events if event.kind == "raised")
    assert raised.text == "severity went from medium to high"


def test_what_people_told_apart_does_not_grow_together() -> None:
    situation = Situation(host=host())
    first = decide(verdict(1, subjects=("a",)), situation, policies()).incidents[0]
    other = msgspec.structs.replace(
        first, id=IncidentId("other"), causes=("b",), edits=1, last_abnormal_at=first.opened_at
    )
    both = Situation(host=host(), incidents=(first, other))
    (joined,) = decide(verdict(2, subjects=("a", "b", "c")), both, policies()).incidents
    assert joined.id in {first.id, other.id}
    assert set(joined.causes) == ({"a", "c"} if joined.id == first.id else {"b", "a", "c"})
    apart = Situation(host=host(), incidents=(msgspec.structs.replace(first, edits=1), other))
    (kept,) = decide(verdict(2, subjects=("a", "b", "c")), apart, policies()).incidents
    assert set(kept.causes) in ({"a", "c"}, {"b", "c"})
