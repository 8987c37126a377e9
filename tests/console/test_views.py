"""What pages are made of, apart from any page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures.evidence import NOW, PLAN
from tests.fixtures.history import TENANT

from vedette.console.form import Form, check_origin
from vedette.console.pages.chart import score_chart, strip
from vedette.console.pages.plan import view_plan
from vedette.console.pages.render import Here
from vedette.console.pages.stepper import StepLook, steps
from vedette.console.pages.timeline import timeline
from vedette.console.pages.words import actor_name, relative, share, span, stamp
from vedette.core import (
    TRANSITIONS,
    Action,
    ActionEvent,
    ActionId,
    ActionState,
    Epoch,
    Forbidden,
    HostId,
    IncidentEvent,
    IncidentId,
    InvalidInput,
    Label,
    Mode,
    Severity,
    Verdict,
    VerdictId,
)

_MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds are naive for Hypothesis
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def verdict(
    seq: int, at: datetime, score: float, label: Label = Label.NORMAL, **more: Any
) -> Verdict:
    """A verdict of one host."""
    return Verdict(
        id=VerdictId(str(seq)),
        tenant=TENANT,
        host=HostId("h"),
        epoch=Epoch("e"),
        seq=seq,
        taken_at=at,
        decided_at=at,
        label=label,
        score=score,
        severity=Severity.NONE,
        **more,
    )


def action(state: ActionState, *, dry_run: bool) -> Action:
    """A quarantine in a state."""
    return Action(
        id=ActionId("a"),
        tenant=TENANT,
        incident=IncidentId("i"),
        host=HostId("h"),
        policy="p",
        policy_version="v",
        kind="quarantine",
        mode=Mode.APPROVE,
        dry_run=dry_run,
        state=state,
        proposed_at=NOW,
        expires_at=NOW,
        updated_at=NOW,
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (2, "just now"),
        (-3, "just now"),
        (59, "59 s ago"),
        (-90, "in 1 min"),
        (7200, "2 h ago"),
        (86_400 * 3, "3 d ago"),
        (86_400 * 90, "2026-08-24"),
    ],
)
def test_a_time_is_said_as_people_say_it(seconds: float, words: str) -> None:
    assert relative(NOW - timedelta(seconds=seconds), NOW) == words


def test_a_time_bears_its_machine_form_and_the_absolute_one() -> None:
    assert stamp(NOW, NOW) == (
        '<time datetime="2026-11-22T20:00:00.000Z" title="2026-11-22 20:00:00 UTC">just now</time>'
    )
    assert "never" in stamp(None, NOW)
    assert "2026-11-22 20:00:00 UTC" in stamp(NOW, NOW, both=True)


def test_durations_parts_and_actors_are_said_plainly() -> None:
    assert [span(s) for s in (5, 60, 3600, 90_000)] == ["5 s", "1 min", "1 h", "1 d"]
    assert [share(part) for part in (0.0, 0.555, 1.0, 7.0, -1.0)] == [
        "0 %",
        "56 %",
        "100 %",
        "100 %",
        "0 %",
    ]
    named = {
        "user:anna": "anna",
        "host:1": "the host",
        "system:store": "Vedette (store)",
        "enrolment:1": "an enrolment token",
        "odd": "odd",
    }
    assert {actor: actor_name(actor) for actor in named} == named


@given(
    st.lists(st.tuples(_MOMENTS, st.floats(allow_nan=False), st.sampled_from(Label)), max_size=30),
    _MOMENTS,
)
def test_a_chart_keeps_every_mark_inside(
    rows: list[tuple[datetime, float, Label]], since: datetime
) -> None:
    verdicts = [verdict(i, at, score, label) for i, (at, score, label) in enumerate(rows)]
    chart = score_chart(verdicts, since=since)
    if not verdicts:
        assert chart is None
        return
    assert chart is not None
    assert all(0 <= dot.x <= 1000 and 0 <= dot.y <= 200 for dot in chart.dots)
    assert len(chart.dots) == len(verdicts) == sum(chart.counts.values())
    assert chart.shade is not None
    assert len(strip(verdicts)) == len(verdicts)
    assert all(0 < bar.height <= 1 for bar in strip(verdicts))


def test_the_line_of_a_chart_breaks_where_nobody_watched() -> None:
    minutes = [0, 1, 2, 3, 30, 31, 32]
    watched = [verdict(i, NOW + timedelta(minutes=m), 0.1) for i, m in enumerate(minutes)]
    chart = score_chart(watched)
    assert chart is not None
    assert len(chart.lines) == 2
    reborn = [verdict(i, NOW + timedelta(minutes=i), 0.1) for i in range(3)]
    other = [
        Verdict(
            **{
                **{n: getattr(v, n) for n in v.__struct_fields__},
                "epoch": Epoch("f"),
                "taken_at": v.taken_at + timedelta(minutes=3),
            }
        )
        for v in reborn
    ]
    chart = score_chart(reborn + other)
    assert chart is not None
    assert len(chart.lines) == 2


def test_late_verdicts_are_not_part_of_the_line() -> None:
    late = verdict(1, NOW, 0.9, late=True)
    assert score_chart([late]) is None


@given(
    st.sampled_from(ActionState),
    st.sampled_from(Mode),
    st.lists(st.sampled_from(ActionState), max_size=8),
)
def test_steps_end_where_the_action_stands_and_go_on_only_by_allowed_transitions(
    state: ActionState, mode: Mode, before: list[ActionState]
) -> None:
    events = [ActionEvent(action=ActionId("a"), at=NOW, state=s, actor="system:x") for s in before]
    found = steps(action(state, dry_run=mode is Mode.OBSERVE), events)
    here = [step.look for step in found].index(next(s.look for s in found if s.state is state))
    assert found[here].look in {StepLook.DONE, StepLook.NOW, StepLook.GOOD, StepLook.BAD}
    ahead = [step.state for step in found if step.look is StepLook.AHEAD]
    for now, then in zip([state, *ahead], ahead, strict=False):
        assert then in TRANSITIONS[now]


def test_the_timeline_has_decisions_and_ends_newest_first() -> None:
    events = [
        IncidentEvent(incident=IncidentId("i"), at=NOW, kind=k, actor="system:decide", text=k)
        for k in ("opened", "joined")
    ]
    life = [
        ActionEvent(action=ActionId("a"), at=NOW + timedelta(minutes=i), state=state, actor=actor)
        for i, (state, actor) in enumerate(
            [
                (ActionState.PROPOSED, "system:x"),
                (ActionState.APPROVED, "user:anna"),
                (ActionState.DISPATCHED, "system:x"),
                (ActionState.SIMULATED, "host:h"),
            ]
        )
    ]
    lines = timeline(events, [(action(ActionState.SIMULATED, dry_run=True), tuple(life))])
    assert [line.words for line in lines] == [
        "Quarantine simulated",
        "Quarantine approved",
        "More of it",
        "Opened",
    ]


@given(st.dictionaries(st.text(), _JSON, max_size=5), _JSON)
def test_any_plan_at_all_can_be_shown(plan: dict[str, object], checks: object) -> None:
    view = view_plan({**plan, "checks": checks})
    assert view is not None
    assert view.checks or view.notes or view.texts or checks in ([], {})


def test_a_plan_shows_its_ruleset_as_text_and_its_checks_as_checks() -> None:
    view = view_plan(PLAN)
    assert view is not None
    assert [check.passed for check in view.checks] == [True, True, False]
    assert [name for name, _ in view.texts] == ["plan"]
    assert [name for name, _ in view.notes] == ["would"]
    assert view_plan(None) is None
    mapped = view_plan({"checks": {"nft": True, "server": {"ok": False, "detail": "no"}}})
    assert mapped is not None
    assert [(c.name, c.passed) for c in mapped.checks] == [("nft", True), ("server", False)]


def test_links_keep_the_other_filters_and_drop_what_is_empty() -> None:
    here = Here("/incidents", state="open", host="a b&c", severity="")
    assert here(state=None) == "/incidents?host=a+b%26c"
    assert here(after="x") == "/incidents?state=open&host=a+b%26c&after=x"


def test_form_fields_are_bounded_text() -> None:
    form = Form({"a": " x\r\ny ", "long": "x" * 11, "bad": "\x00x\x07"})
    assert (form.text("a"), form.text("absent")) == ("x\ny", "")
    for name in ("long", "bad"):
        with pytest.raises(InvalidInput):
            form.text(name, bound=10)


@given(st.dictionaries(st.sampled_from(["sec-fetch-site", "origin"]), st.text()))
def test_nothing_but_our_own_origin_passes(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        check_origin(headers, "https://vedette.test/x")
