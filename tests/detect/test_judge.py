"""The judge: from cases to label, score, severity and reasons."""

from math import exp, isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core import ConfigError, Label, Severity
from vedette.detect.case import Case
from vedette.detect.judge import Judge

JUDGE = Judge({})
BLIND = (("gap:2", "2 snapshots were lost before this one"),)


def case(nats: float, subject: str = "cron:/etc/cron.d/x", expert: str = "inventory") -> Case:
    return Case(
        expert=expert, subject=subject, nats=nats, text=f"{subject} is new", attack="T1053.003"
    )


def test_without_cases_all_is_normal() -> None:
    judged = JUDGE.decide({"vitals": (), "inventory": ()}, ())
    assert judged.label is Label.NORMAL
    assert judged.score == 0.0
    assert judged.severity is Severity.NONE
    assert judged.experts == {"vitals": 0.0, "inventory": 0.0}
    assert not judged.reasons


def test_one_case_is_its_own_sigmoid() -> None:
    assert isclose(JUDGE.decide({"inventory": [case(1.3)]}, ()).score, 1 / (1 + exp(-1.3)))


@pytest.mark.parametrize(("nats", "label"), [(0.01, Label.ABNORMAL), (-0.01, Label.NORMAL)])
def test_the_threshold_is_at_nought(nats: float, label: Label) -> None:
    assert JUDGE.decide({"inventory": [case(nats)]}, ()).label is label


def test_two_half_sure_experts_may_speak_together() -> None:
    sure = {"inventory": [case(-0.5)], "behaviour": [case(-0.5, "p:1", "behaviour")]}
    assert JUDGE.decide(sure, ()).label is Label.ABNORMAL


def test_a_crowd_of_weak_cases_does_not() -> None:
    crowd = [case(-2.5, f"unit:{n}") for n in range(500)]
    assert JUDGE.decide({"inventory": crowd}, ()).label is Label.NORMAL


def test_doubts_make_normal_unknown_but_not_abnormal() -> None:
    assert JUDGE.decide({"inventory": [case(-5.0)]}, BLIND).label is Label.UNKNOWN
    assert JUDGE.decide({"inventory": [case(5.0)]}, BLIND).label is Label.ABNORMAL


def test_reasons_are_at_most_five_by_share_and_blindness_is_among_them() -> None:
    cases = {
        name: [case(n / 2, f"{name}:{n}", name) for n in range(1, 5)]
        for name in ("inventory", "behaviour")
    }
    reasons = JUDGE.decide(cases, BLIND).reasons
    assert len(reasons) == 5
    shares = [reason.share for reason in reasons]
    assert shares == sorted(shares, reverse=True)
    assert reasons[-1].subject == "gap:2"
    assert reasons[0].attack == "T1053.003"


def test_what_says_nothing_is_no_reason() -> None:
    reasons = JUDGE.decide({"inventory": [case(4.0), case(-3.5, "unit:x")]}, ()).reasons
    assert [reason.subject for reason in reasons] == ["cron:/etc/cron.d/x"]


def test_severity_rises_with_certainty_and_with_a_second_expert() -> None:
    weak = JUDGE.decide({"inventory": [case(0.5)]}, ()).severity
    strong = JUDGE.decide({"inventory": [case(6.0)]}, ()).severity
    both = JUDGE.decide({"inventory": [case(2.0)], "behaviour": [case(2.0, "p", "behaviour")]}, ())
    fault = JUDGE.decide({"vitals": [case(6.0, "metric:x", "vitals")]}, ()).severity
    assert weak is Severity.MEDIUM
    assert strong is Severity.CRITICAL
    assert both.severity is Severity.CRITICAL
    assert fault is Severity.HIGH


def test_an_offset_of_the_bundle_is_taken_off() -> None:
    strict = Judge({"offsets": {"inventory": 2.0}})
    assert strict.decide({"inventory": [case(1.5)]}, ()).label is Label.NORMAL
    assert strict.decide({"inventory": [case(2.5)]}, ()).label is Label.ABNORMAL


def test_a_part_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="judge"):
        Judge({"offsets": 3})


@given(st.lists(st.floats(-60, 60), max_size=6))
def test_the_score_is_a_chance_and_the_order_of_cases_is_free(nats: list[float]) -> None:
    cases = [case(value, f"s:{at}") for at, value in enumerate(nats)]
    judged = JUDGE.decide({"inventory": cases}, ())
    assert 0.0 <= judged.score <= 1.0
    assert (judged.label is Label.ABNORMAL) == (judged.score > 0.5)
    assert JUDGE.decide({"inventory": cases[::-1]}, ()) == judged
