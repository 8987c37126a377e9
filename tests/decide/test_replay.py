"""What must hold for every course of verdicts, however it is cut into batches."""

from hypothesis import given
from hypothesis import strategies as st
from tests.decide.make import Course, policies, verdict

from vedette.core import Incident, IncidentState, Label, Severity, Verdict
from vedette.decide import Decision, Situation, decide

TEXT = """
version: 1
policies:
  - {name: tell, on: [opened, raised, quiet, reopened, closed], mode: auto,
     then: [{action: mail, with: {to: ["@owner"]}}], within: {cooldown: 5m}}
  - {name: cut, mode: approve, when: 'incident.severity in ["high", "critical"]',
     then: [{action: quarantine, with: {lease: 30m}, dry_run: true}], within: {confirm: 2}}
"""
CHOSEN = policies(TEXT)


@st.composite
def courses(draw: st.DrawFn) -> list[Verdict]:
    minute = 0.0
    made = []
    for seq in range(1, draw(st.integers(1, 25)) + 1):
        minute += draw(st.sampled_from([1.0, 1.0, 5.0, 20.0, 40.0, -3.0]))
        made.append(
            verdict(
                minute,
                draw(st.sampled_from(list(Label))),
                seq=seq,
                severity=draw(st.sampled_from(list(Severity))),
                subjects=draw(st.lists(st.sampled_from("abcd"), max_size=3)),
                late=draw(st.sampled_from([False, False, False, True])),
            )
        )
    return made


def run(made: list[Verdict]) -> list[Decision]:
    course = Course(CHOSEN)
    return [course.see(given_verdict) for given_verdict in made]


@given(courses())
def test_a_replay_decides_the_same(made: list[Verdict]) -> None:
    assert run(made) == run(made)


@given(courses())
def test_the_order_in_which_incidents_and_actions_are_loaded_does_not_matter(
    made: list[Verdict],
) -> None:
    course = Course(CHOSEN)
    for each in made:
        turned = Situation(
            host=course.situation.host,
            incidents=course.situation.incidents[::-1],
            actions=course.situation.actions[::-1],
            closed=course.situation.closed[::-1],
            silences=course.situation.silences[::-1],
        )
        other = decide(each, turned, CHOSEN)
        one = course.see(each)
        assert {i.id: i for i in one.incidents} == {i.id: i for i in other.incidents}
        assert {a.id for a in one.actions} == {a.id for a in other.actions}


@given(courses())
def test_an_incident_only_rises_counts_every_verdict_and_comes_back_only_by_its_cause(
    made: list[Verdict],
) -> None:
    course = Course(CHOSEN)
    counted = 0
    closed: dict[str, Incident] = {}
    for each in made:
        before = {incident.id: incident for incident in course.situation.incidents}
        decision = course.see(each)
        if each.label is Label.ABNORMAL:
            counted += 1
            (home,) = decision.incidents
            assert {reason.subject for reason in each.reasons} <= set(home.causes)
            assert each.severity.rank <= home.severity.rank
        if each.label is Label.UNKNOWN:
            assert decision == Decision()
        for incident in decision.incidents:
            if (was := closed.pop(incident.id, None)) is not None:
                _check_return(was, incident, each, decision)
            if (old := before.get(incident.id)) is not None:
                assert incident.severity.rank >= old.severity.rank
                assert incident.last_abnormal_at >= old.last_abnormal_at
            assert (incident.quiet_since is None) == (incident.state is IncidentState.OPEN)
            if incident.state is IncidentState.CLOSED:
                assert each.label is Label.ABNORMAL or (each.label, each.late) == (
                    Label.NORMAL,
                    False,
                )
                closed[incident.id] = incident
    seen: dict[str, int] = {}
    for decision in run(made):
        seen.update({incident.id: incident.verdicts for incident in decision.incidents})
    assert sum(seen.values()) == counted


def _check_return(was: Incident, now: Incident, by: Verdict, decision: Decision) -> None:
    """What was closed is seen again: by one of its causes, within the window, and counted once whether it stays closed or not."""
    assert by.label is Label.ABNORMAL
    assert not {reason.subject for reason in by.reasons}.isdisjoint(was.causes)
    assert now.verdicts == was.verdicts + 1
    if now.state is IncidentState.CLOSED:
        assert by.late
        assert (now.returns, now.causes, now.severity) == (was.returns, was.causes, was.severity)
        assert not decision.actions
    else:
        assert not by.late or by.taken_at > (was.closed_at or by.taken_at)
        assert (now.state, now.returns) == (IncidentState.OPEN, was.returns + 1)
        assert (now.returned_at, now.verdicts_since) == (by.taken_at, 1)
        assert decision.events[0].text.startswith("by itself: seen ")


@given(courses())
def test_no_action_is_proposed_twice_and_none_is_disruptive_on_late_evidence(
    made: list[Verdict],
) -> None:
    ids: list[str] = []
    for each, decision in zip(made, run(made), strict=True):
        ids.extend(action.id for action in decision.actions)
        assert not (each.late and any(a.kind == "quarantine" for a in decision.actions))
        assert all(action.proposed_at == each.taken_at for action in decision.actions)
    assert len(set(ids)) == len(ids)
