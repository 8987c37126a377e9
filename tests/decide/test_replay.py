"""What must hold for every course of verdicts, however it is cut into batches."""

from hypothesis import given
from hypothesis import strategies as st
from tests.decide.make import Course, policies, verdict

from vedette.core import IncidentState, Label, Severity, Verdict
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
        )
        other = decide(each, turned, CHOSEN)
        one = course.see(each)
        assert {i.id: i for i in one.incidents} == {i.id: i for i in other.incidents}
        assert {a.id for a in one.actions} == {a.id for a in other.actions}


@given(courses())
def test_an_incident_only_rises_counts_every_verdict_and_stays_closed(made: list[Verdict]) -> None:
    course = Course(CHOSEN)
    counted = 0
    closed: set[str] = set()
    for each in made:
        before = {incident.id: incident for incident in course.situation.incidents}
        decision = course.see(each)
        if each.label is Label.ABNORMAL:
            counted += 1
            assert len(decision.incidents) == 1
        if each.label is Label.UNKNOWN:
            assert decision == Decision()
        for incident in decision.incidents:
            assert incident.id not in closed
            if (old := before.get(incident.id)) is not None:
                assert incident.severity.rank >= old.severity.rank
                assert incident.last_abnormal_at >= old.last_abnormal_at
            assert (incident.quiet_since is None) == (incident.state is IncidentState.OPEN)
            if incident.state is IncidentState.CLOSED:
                assert (each.label, each.late) == (Label.NORMAL, False)
                closed.add(incident.id)
    seen: dict[str, int] = {}
    for decision in run(made):
        seen.update({incident.id: incident.verdicts for incident in decision.incidents})
    assert sum(seen.values()) == counted


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
