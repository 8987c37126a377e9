"""What was closed and is seen again: when it opens by itself, when it stays closed, and when it is another that names it."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decide.make import HOST, START, TENANT, Course, host, normal, policies, reason, verdict

from vedette.core import (
    Incident,
    IncidentId,
    IncidentState,
    InvalidInput,
    Resolution,
    Severity,
    Silence,
    SilenceKind,
    SilenceScope,
)
from vedette.decide import MOST_CLOSED, Decision, Situation, decide

HARMLESS = [Resolution.FALSE_POSITIVE, Resolution.BENIGN_CHANGE]
TELL = """
version: 1
reopen: {reopen}
policies:
  - {{name: tell, on: [{on}], mode: auto, then: [{{action: mail, with: {{to: ["@owner"]}}}}], within: {{{within}}}}}
"""


def tell(on: str = "opened", *, reopen: str = "24h", within: str = "confirm: 1") -> str:
    return TELL.format(on=on, reopen=reopen, within=within)


def silence(**more: object) -> Silence:
    scope = SilenceScope(host=HOST, causes=("a",), severity=Severity.MEDIUM)
    values: dict[str, object] = {
        "id": "s1",
        "tenant": TENANT,
        "kind": SilenceKind.SILENCE,
        "scope": scope,
        "starts_at": START + timedelta(minutes=5),
        "ends_at": START + timedelta(days=7),
        "owner": "user:ada",
        "reason": "ours",
        "created_at": START + timedelta(minutes=5),
    }
    return Silence(**(values | more))  # type: ignore[arg-type] # by name


def closed(
    course: Course, resolution: Resolution = Resolution.TRUE_POSITIVE, *, minute: float = 5
) -> Incident:
    """Opens one by cause `a` at 0, and lets people close it."""
    (one,) = course.see(verdict(0, subjects=["a"])).incidents
    shut = msgspec.structs.replace(
        one,
        state=IncidentState.CLOSED,
        closed_at=START + timedelta(minutes=minute),
        closed_by="user:ada",
        resolution=resolution,
        acknowledged_by="user:ada",
        acknowledged_at=START,
    )
    course.situation = course.situation.after(Decision(incidents=(shut,)))
    assert course.situation.incidents == ()
    return shut


def kinds(decision: Decision) -> list[str]:
    return [event.kind for event in decision.events]


@pytest.mark.parametrize("resolution", list(Resolution))
def test_what_comes_back_within_a_day_opens_again_by_itself(resolution: Resolution) -> None:
    course = Course()
    before = closed(course, resolution)
    decision = course.see(verdict(185, subjects=["a", "b"] if resolution not in HARMLESS else "a"))
    (one,) = decision.incidents
    assert (one.id, one.state, one.returns) == (before.id, IncidentState.OPEN, 1)
    assert (one.returned_at, one.verdicts, one.verdicts_since) == (one.last_abnormal_at, 2, 1)
    assert (one.closed_at, one.closed_by, one.resolution) == (None, "", None)
    assert one.acknowledged_by == ""
    said = (
        "it was closed"
        if resolution is Resolution.EXPIRED
        else f"ada closed it as {resolution.replace('_', ' ')}"
    )
    assert decision.events[0].text == f"by itself: seen again 3 hours after {said}"
    assert course.situation.closed == ()


def test_what_closed_by_itself_opens_again_and_closes_again() -> None:
    course = Course()
    first = course.see(verdict(0)).incidents[0]
    course.see(normal(1))
    course.see(normal(31))
    again = course.see(verdict(32))
    assert again.incidents[0].id == first.id
    assert kinds(again) == ["reopened", "joined"]
    assert again.events[0].text.endswith("1 minute after it was closed")
    course.see(normal(33))
    assert course.kinds(normal(63)) == ["closed"]
    assert course.see(verdict(70)).incidents[0].returns == 2


@pytest.mark.parametrize(
    ("reopen", "minute", "back"),
    [("24h", 1_445, True), ("24h", 1_445.1, False), ("2d", 2_885, True), ("0s", 6, False)],
)
def test_the_policies_say_for_how_long(reopen: str, minute: float, *, back: bool) -> None:
    course = Course(policies(tell(reopen=reopen)))
    before = closed(course)
    decision = course.see(verdict(minute, subjects=["a"]))
    (one,) = decision.incidents
    assert (one.id == before.id) is back
    if not back:
        assert one.seen_before == before.id
        assert decision.events[0].text.endswith(f"seen before: {before.title} ({before.id})")


@pytest.mark.parametrize("text", ["31d", "soon", "24"])
def test_a_window_that_is_none_is_named_with_its_place(text: str) -> None:
    with pytest.raises(InvalidInput, match="reopen must be") as caught:
        policies(tell(reopen=text))
    assert caught.value.extensions["line"] == 3


def test_after_a_month_nothing_is_said_of_it() -> None:
    course = Course()
    closed(course)
    late = course.see(verdict(31 * 1_440, subjects=["a"])).incidents[0]
    assert late.seen_before is None


def test_another_cause_is_another_incident() -> None:
    course = Course()
    before = closed(course)
    (one,) = course.see(verdict(60, subjects=["b"])).incidents
    assert (one.id != before.id, one.seen_before) == (True, None)


@pytest.mark.parametrize("resolution", HARMLESS)
def test_what_people_called_harmless_does_not_take_in_what_they_did_not_see(
    resolution: Resolution,
) -> None:
    course = Course()
    before = closed(course, resolution)
    (one,) = course.see(verdict(60, subjects=["a", "b"])).incidents
    assert (one.id != before.id, one.seen_before) == (True, before.id)


@pytest.mark.parametrize("resolution", HARMLESS)
def test_what_is_harmless_and_silenced_stays_closed_and_is_counted(resolution: Resolution) -> None:
    course = Course(policies(tell("opened, reopened")))
    before = closed(course, resolution)
    held = (silence(), silence(id="s0", scope=SilenceScope(host=HOST, causes=("b",))))
    course.situation = msgspec.structs.replace(course.situation, silences=held)
    decision = course.see(verdict(60, subjects=["a"]))
    (one,) = decision.incidents
    assert (one.id, one.state, one.returns) == (before.id, IncidentState.CLOSED, 0)
    assert (one.verdicts, one.closed_at) == (2, before.closed_at)
    assert kinds(decision) == ["joined"]
    assert decision.events[0].text.endswith("stays closed: held by silence s1 of user:ada")
    assert decision.actions == ()
    # A line for each doubling, not one a snapshot; and as soon as nothing holds it, it is open.
    assert [kinds(course.see(verdict(m, subjects=["a"]))) for m in (61, 62)] == [[], ["joined"]]
    worse = course.see(verdict(63, subjects=["a"], severity=Severity.HIGH))
    assert worse.incidents[0].returns == 1
    assert [action.trigger for action in worse.actions] == ["opened"]


@pytest.mark.parametrize(
    "over",
    [
        {"ends_at": START + timedelta(minutes=59)},
        {"ended_at": START + timedelta(minutes=59)},
        {"starts_at": START + timedelta(minutes=61)},
    ],
)
def test_a_silence_that_is_not_in_force_holds_nothing(over: dict[str, object]) -> None:
    course = Course()
    closed(course, Resolution.FALSE_POSITIVE)
    course.situation = msgspec.structs.replace(course.situation, silences=(silence(**over),))
    assert course.see(verdict(60, subjects=["a"])).incidents[0].returns == 1


def test_a_silence_does_not_hold_what_people_called_real() -> None:
    course = Course()
    closed(course, Resolution.TRUE_POSITIVE)
    course.situation = msgspec.structs.replace(course.situation, silences=(silence(),))
    assert course.see(verdict(60, subjects=["a"])).incidents[0].returns == 1


@pytest.mark.parametrize("resolution", list(Resolution))
def test_a_late_one_is_counted_where_it_was_closed(resolution: Resolution) -> None:
    course = Course()
    before = closed(course, resolution)
    (one,) = course.see(verdict(60, subjects=["a"], late=True)).incidents
    assert (one.id, one.state, one.verdicts) == (before.id, IncidentState.CLOSED, 2)


@pytest.mark.parametrize(
    ("minute", "late", "why"),
    [
        (185, True, "in a snapshot that came late"),
        (4, True, "in a snapshot from before it was closed"),
        (4, False, "in a snapshot from before it was closed"),
    ],
)
def test_the_words_say_why_it_stays_closed(minute: float, late: bool, why: str) -> None:
    course = Course()
    closed(course)
    decision = course.see(verdict(minute, subjects=["a"], late=late))
    assert (
        decision.events[0].text == f"seen again, 2 abnormal snapshots so far; stays closed: {why}"
    )


def test_what_was_on_its_way_when_people_closed_it_does_not_undo_that() -> None:
    course = Course()
    closed(course, minute=20)
    (one,) = course.see(verdict(19, subjects=["a"])).incidents
    assert (one.state, one.verdicts) == (IncidentState.CLOSED, 2)
    # A clock that is further behind is no reason to be silent for as long.
    other = Course()
    closed(other, minute=20)
    behind = other.see(verdict(4, subjects=["a"]))
    assert behind.incidents[0].returns == 1
    assert behind.events[0].text == (
        "by itself: seen as of 16 minutes before ada closed it as true positive"
    )


def test_a_live_one_by_the_same_cause_comes_first_then_the_closed_one() -> None:
    course = Course()
    before = closed(course)
    live = course.see(verdict(60, subjects=["b"])).incidents[0]
    assert live.id != before.id
    # Near in time alone: the cause says more.
    assert course.see(verdict(61, subjects=["a"])).incidents[0].id == before.id
    assert course.see(verdict(62, subjects=["b"])).incidents[0].id == live.id
    # Nothing that comes back: near in time is enough.
    assert course.see(verdict(63, subjects=["c"])).incidents[0].id in {live.id, before.id}


def test_near_in_time_is_joined_rather_than_a_new_one_opened_beside_what_is_too_old() -> None:
    course = Course()
    closed(course)
    live = course.see(verdict(2_000, subjects=["b"])).incidents[0]
    assert course.see(verdict(2_001, subjects=["a"])).incidents[0].id == live.id


def test_of_two_the_one_that_was_closed_last_opens() -> None:
    course = Course()
    one = closed(course)
    other = msgspec.structs.replace(
        one, id=IncidentId("0"), closed_at=START + timedelta(minutes=30)
    )
    course.situation = course.situation.after(Decision(incidents=(other,)))
    assert course.see(verdict(60, subjects=["a"])).incidents[0].id == other.id


def test_what_opens_again_is_answered_anew() -> None:
    course = Course(policies(tell(within="confirm: 2")))
    course.see(verdict(-1, subjects=["a"]))
    before = closed(course)
    first = course.see(verdict(60, subjects=["a"]))
    assert (first.incidents[0].id, first.actions) == (before.id, ())
    (action,) = course.see(verdict(61, subjects=["a"])).actions
    assert action.trigger == "opened"
    assert course.see(verdict(62, subjects=["a"])).actions == ()


def test_only_the_last_ones_are_kept() -> None:
    course = Course()
    one = closed(course)
    many = tuple(
        msgspec.structs.replace(
            one, id=IncidentId(f"{n:03d}"), closed_at=START + timedelta(minutes=n)
        )
        for n in range(40)
    )
    situation = Situation(host=host()).after(Decision(incidents=many[::-1]))
    assert [kept.id for kept in situation.closed] == [
        f"{n:03d}" for n in range(40 - MOST_CLOSED, 40)
    ]


@given(
    st.sampled_from(list(Resolution)),
    st.sampled_from([None, Severity.MEDIUM, Severity.CRITICAL]),
    st.booleans(),
    st.lists(st.sampled_from("abc"), min_size=1, unique=True),
    st.sampled_from([0.0, 4.0, 5.0, 30.0, 1_445.0, 1_500.0, 50_000.0]),
    st.sampled_from(list(Severity)[1:]),
)
def test_one_verdict_is_counted_once_and_only_what_people_saw_stays_closed(
    resolution: Resolution,
    silenced: Severity | None,
    late: bool,
    subjects: list[str],
    minute: float,
    severity: Severity,
) -> None:
    course = Course(policies(tell("opened, reopened")))
    before = closed(course, resolution)
    if silenced is not None:
        scope = SilenceScope(host=HOST, causes=("a",), severity=silenced)
        held = (silence(scope=scope),)
        course.situation = msgspec.structs.replace(course.situation, silences=held)
    given_verdict = verdict(
        minute, seq=9, reasons=tuple(map(reason, subjects)), severity=severity, late=late
    )
    decision = decide(given_verdict, course.situation, course.policies)
    (one,) = decision.incidents
    counted = one.verdicts - (before.verdicts if one.id == before.id else 0)
    assert counted == 1
    # Nothing that was seen is lost, wherever it is.
    assert set(subjects) <= set(one.causes)
    assert severity.rank <= one.severity.rank
    if one.state is IncidentState.CLOSED:
        assert one.id == before.id
        assert (one.causes, one.severity) == (before.causes, before.severity)
        assert decision.actions == ()
        in_flight = minute <= 5 and resolution is not Resolution.EXPIRED
        assert late or in_flight or (silenced and resolution in HARMLESS)
    else:
        # People hear of whatever is not silenced.
        assert len(decision.actions) == 1
        assert one.id == before.id or one.opened_at == given_verdict.taken_at
