"""What a closed incident did not have is never only counted in it, whatever it was closed as."""

import msgspec
import pytest
from tests.decide.make import HOST, Course, host, policies, verdict
from tests.decide.test_returning import closed, silence, tell

from vedette.core import IncidentState, Resolution, Severity, SilenceScope
from vedette.decide import Decision
from vedette.decide.incidents import MAX_CAUSES


@pytest.mark.parametrize("more", ["cause", "severity", "both"])
@pytest.mark.parametrize("when", ["late, from before", "late, from after", "on its way"])
@pytest.mark.parametrize("resolution", list(Resolution))
def test_what_people_could_not_see_when_it_was_closed_is_told(
    resolution: Resolution, when: str, more: str
) -> None:
    course = Course(policies(tell()))
    before = closed(course, resolution)
    decision = course.see(
        verdict(
            185 if when == "late, from after" else 4,
            subjects=["a"] if more == "severity" else ["a", "b"],
            severity=Severity.MEDIUM if more == "cause" else Severity.CRITICAL,
            late=when != "on its way",
        )
    )
    (one,) = decision.incidents
    assert one.state is IncidentState.OPEN
    assert one.causes == (("a",) if more == "severity" else ("a", "b"))
    assert one.severity is (Severity.MEDIUM if more == "cause" else Severity.CRITICAL)
    assert [action.kind for action in decision.actions] == ["mail"]
    first = decision.events[0]
    if one.id != before.id:
        assert (first.kind, one.seen_before) == ("opened", before.id)
        assert course.situation.closed == (before,)
    else:
        # When it closed by itself nobody was looking, so that nothing was on its way past them.
        by_itself = resolution is Resolution.EXPIRED and when == "on its way"
        assert first.kind == "reopened"
        assert by_itself or when == "late, from after"
        said = "as of 1 minute before" if by_itself else "again 3 hours after"
        assert first.text.startswith(f"by itself: seen {said} ")
    # The next one of the kind is counted there, not told as another.
    again = course.see(verdict(4.5, subjects=["a"], late=True))
    assert ([each.id for each in again.incidents], again.actions) == ([one.id], ())


def test_another_for_what_was_not_seen_says_that_the_first_was_closed_since() -> None:
    course = Course()
    before = closed(course)
    (event,) = course.see(verdict(4, subjects=["a", "b"])).events
    name = f"{before.title} ({before.id})"
    assert event.text == f"a is new; it shares a cause with what was closed since: {name}"


def test_what_is_worse_than_people_called_harmless_opens_again_whatever_is_silenced() -> None:
    course = Course()
    before = closed(course, Resolution.FALSE_POSITIVE)
    wide = silence(scope=SilenceScope(host=HOST, causes=("a",), severity=Severity.CRITICAL))
    course.situation = msgspec.structs.replace(course.situation, silences=(wide,))
    (one,) = course.see(verdict(60, subjects=["a"], severity=Severity.HIGH)).incidents
    assert (one.id, one.state, one.severity) == (before.id, IncidentState.OPEN, Severity.HIGH)


def test_how_severe_it_is_counts_as_its_host_matters() -> None:
    course = Course(at=host({"criticality": "high"}))
    closed(course)
    stays = course.see(verdict(4, subjects=["a"]))
    assert stays.incidents[0].state is IncidentState.CLOSED
    assert stays.incidents[0].severity is Severity.HIGH
    opens = course.see(verdict(4.5, subjects=["a"], severity=Severity.HIGH))
    assert (opens.incidents[0].state, opens.incidents[0].severity) == (
        IncidentState.OPEN,
        Severity.CRITICAL,
    )


def test_a_cause_for_which_a_closed_one_has_no_room_is_in_another() -> None:
    course = Course()
    before = msgspec.structs.replace(
        closed(course), causes=("a", *(f"c{n}" for n in range(MAX_CAUSES - 1)))
    )
    course.situation = course.situation.after(Decision(incidents=(before,)))
    (one,) = course.see(verdict(60, subjects=["a", "b"])).incidents
    assert (one.id != before.id, one.causes, one.seen_before) == (True, ("a", "b"), before.id)
