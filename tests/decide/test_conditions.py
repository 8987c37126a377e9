"""CEL conditions: typed at load, bounded in cost."""

import contextlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decide.make import host, verdict
from tests.decide.make import reason as make_reason

from vedette.core import InvalidInput
from vedette.decide import FleetNow, Situation
from vedette.decide.condition import MAX_LENGTH, VARIABLES, Condition, bind, bind_time
from vedette.decide.incidents import Grouping, track


def values(**labels: str) -> dict[str, Any]:
    at = host(labels)
    seen = verdict(1)
    (change,) = track(seen, Situation(host=at), Grouping(), 0.0)
    shown = bind_time(seen.taken_at, "Europe/Berlin")
    fleet = FleetNow(hosts=8, abnormal=2)
    return {**bind(seen, change.incident, at, fleet), **shown, "trigger": "opened"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('verdict.label == "abnormal" && verdict.score > 0.75', True),
        ('incident.severity in ["medium", "high"]', True),
        ("incident.verdicts >= 2", False),
        ('host.role == "db"', True),
        ('host.labels.site == "fra"', True),
        ('"nope" in host.labels && host.labels.nope == "x"', False),
        ('incident.causes.exists(cause, cause.startsWith("cron:"))', True),
        ('verdict.taken_at > timestamp("2026-01-01T00:00:00Z")', True),
        ("verdict.taken_at.getHours() == 12", True),
        ('trigger == "raised"', False),
        ('"T1053" in verdict.attack', False),
        ("verdict.experts.size() == 0 // none here", True),
        ("!verdict.late", True),
        # 12:01 UTC on a Sunday in winter.
        ("time.hour == 13 && time.minute == 1 && time.weekday == 7", True),
        ("fleet.hosts == 8 && fleet.abnormal == 2 && fleet.share_abnormal == 0.25", True),
        ("time.weekday < 6 || time.hour < 7", False),
    ],
)
def test_a_condition_is_asked_of_verdict_incident_and_host(text: str, *, holds: bool) -> None:
    assert Condition(text).holds(values(role="db", site="fra")) is holds


def test_every_declared_variable_is_bound_with_its_type() -> None:
    assert values().keys() == VARIABLES.keys()
    for name in VARIABLES:
        assert Condition(f"{name} == {name}").holds(values())


@pytest.mark.parametrize(
    ("text", "detail", "line", "column"),
    [
        ("fleet.share > 0.5", "undeclared reference to 'fleet.share'", 1, 6),
        ("fleet.share_abnormal > 1", "found no matching overload", 1, 22),
        ("verdict.skore > 0.5", "undeclared reference to 'verdict.skore'", 1, 8),
        ("verdict.score > 1", "no matching overload", 1, 15),
        ('true &&\n  verdict.score == "x"', "no matching overload", 2, 17),
        ("verdict.score >", "Syntax error", 1, 16),
        ("verdict.score", "must give a bool; this one gives double", 1, 1),
        ("dyn(verdict.late)", "must give a bool; this one gives dyn", 1, 1),
        ("nope()", "undeclared reference", 1, 5),
        ("(" * 60 + "true" + ")" * 60, "nested too deep", 1, 1),
        ("[" * 200, "", 1, 1),
    ],
)
def test_what_cannot_be_typed_is_refused_with_its_place(
    text: str, detail: str, line: int, column: int
) -> None:
    with pytest.raises(InvalidInput) as caught:
        Condition(text)
    assert detail in caught.value.detail
    if detail:
        assert caught.value.extensions == {"line": line, "column": column}


def test_a_condition_that_is_too_long_is_refused() -> None:
    with pytest.raises(InvalidInput, match="characters"):
        Condition("true || " * MAX_LENGTH + "true")
    Condition('"a.all(b.all(c.all(d.all(" == host.role // .all(')


def test_what_has_no_value_is_an_error_and_not_false() -> None:
    with pytest.raises(InvalidInput, match="Key not found"):
        Condition('host.labels.nope == "x"').holds(values())
    with pytest.raises(InvalidInput, match="overflow"):
        Condition("9223372036854775807 + incident.verdicts > 1").holds(values())
    with pytest.raises(InvalidInput, match="basic_string"):
        Condition('host.role == "x"').holds({**values(), "host.role": "\ud800"})


@given(st.text(max_size=600), st.text(max_size=600))
def test_whatever_a_host_says_can_be_asked_about(subject: str, label: str) -> None:
    at = host({"role": label, "other": subject})
    seen = verdict(1, reasons=(make_reason(subject, text=label),))
    (change,) = track(seen, Situation(host=at), Grouping(), 0.0)
    bound = {**bind(seen, change.incident, at, FleetNow()), "trigger": "opened"}
    assert Condition('host.role.size() <= 256 && incident.title != ""').holds(bound)


@given(st.text(max_size=80))
def test_any_text_is_a_condition_or_a_readable_error(text: str) -> None:
    with contextlib.suppress(InvalidInput):
        Condition(text)


def test_time_can_be_reckoned_with() -> None:
    bound = values()
    bound["verdict.taken_at"] = bound["incident.opened_at"] + timedelta(hours=2)
    assert Condition('verdict.taken_at - incident.opened_at > duration("1h")').holds(bound)
