"""The judge: from cases to label, score, severity and reasons."""

from collections.abc import Mapping, Sequence
from math import exp, inf, isclose, log, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core import ConfigError, Confirmation, Label, Severity
from vedette.detect.case import Case
from vedette.detect.combination import ABSENT, COUNTED, Combination, Scale
from vedette.detect.confirmation import Recent, remembered
from vedette.detect.graph import Graph
from vedette.detect.judge import Judge, Judgement
from vedette.learn.judge_graph import judge_graph

JUDGE = Judge({})
REFERENCE = Combination(
    {
        "inventory": Scale(at=(-6.0, 0.0, 4.0), nats=(-5.0, -3.0, 6.0)),
        "vitals": Scale(at=(1.0, 2.0), nats=(0.0, 0.0)),
    }
)
GRAPH = Graph(judge_graph(REFERENCE))
BLIND = (("gap:2", "2 snapshots were lost before this one"),)


def case(
    nats: float,
    subject: str = "cron:/etc/cron.d/x",
    expert: str = "inventory",
    voice: str = "",
) -> Case:
    return Case(
        expert=expert,
        subject=subject,
        nats=nats,
        text=f"{subject} is new",
        attack="T1053.003",
        voice=voice,
    )


def decide(
    cases: Mapping[str, Sequence[Case]],
    doubts: Sequence[tuple[str, str]] = (),
    *,
    judge: Judge = JUDGE,
    recent: Recent | None = None,
) -> Judgement:
    return judge.decide(judge.weigh([cases])[0], doubts, recent or [])


def label(*nats: float, judge: Judge = JUDGE) -> Label:
    """Of one case for each expert in turn."""
    names = ("inventory", "behaviour", "vitals")
    cases = {name: [case(n, f"{name}:x", name)] for name, n in zip(names, nats, strict=False)}
    return decide(cases, judge=judge).label


def test_without_cases_all_is_normal() -> None:
    judged = decide({"vitals": (), "inventory": ()})
    assert judged.label is Label.NORMAL
    assert judged.score == 0.0
    assert judged.severity is Severity.NONE
    assert judged.experts == {"vitals": 0.0, "inventory": 0.0}
    assert not judged.reasons


def test_one_case_is_its_own_sigmoid() -> None:
    assert isclose(decide({"inventory": [case(1.3)]}).score, 1 / (1 + exp(-1.3)), abs_tol=1e-6)


@pytest.mark.parametrize(("nats", "said"), [(0.01, Label.ABNORMAL), (-0.01, Label.NORMAL)])
def test_the_threshold_is_at_nought(nats: float, said: Label) -> None:
    assert decide({"inventory": [case(nats)]}).label is said


def test_two_half_sure_experts_may_speak_together() -> None:
    sure = {"inventory": [case(-0.5)], "behaviour": [case(-0.5, "p:1", "behaviour")]}
    assert decide(sure).label is Label.ABNORMAL


def test_a_crowd_of_weak_cases_does_not() -> None:
    crowd = [case(-2.5, f"unit:{n}") for n in range(500)]
    assert decide({"inventory": crowd}).label is Label.NORMAL


def test_doubts_make_normal_unknown_but_not_abnormal() -> None:
    assert decide({"inventory": [case(-5.0)]}, BLIND).label is Label.UNKNOWN
    assert decide({"inventory": [case(5.0)]}, BLIND).label is Label.ABNORMAL


def test_reasons_are_at_most_five_by_share_and_blindness_is_among_them() -> None:
    cases = {
        name: [case(n / 2, f"{name}:{n}", name) for n in range(1, 5)]
        for name in ("inventory", "behaviour")
    }
    reasons = decide(cases, BLIND).reasons
    assert len(reasons) == 5
    shares = [reason.share for reason in reasons]
    assert shares == sorted(shares, reverse=True)
    assert reasons[-1].subject == "gap:2"
    assert reasons[0].attack == "T1053.003"


def test_what_says_nothing_is_no_reason() -> None:
    reasons = decide({"inventory": [case(4.0), case(-3.5, "unit:x")]}).reasons
    assert [reason.subject for reason in reasons] == ["cron:/etc/cron.d/x"]


def test_severity_rises_with_certainty_and_with_a_second_expert() -> None:
    weak = decide({"inventory": [case(0.5)]}).severity
    strong = decide({"inventory": [case(6.0)]}).severity
    both = decide({"inventory": [case(2.0)], "behaviour": [case(2.0, "p", "behaviour")]})
    fault = decide({"vitals": [case(6.0, "metric:x", "vitals")]}).severity
    assert weak is Severity.MEDIUM
    assert strong is Severity.CRITICAL
    assert both.severity is Severity.CRITICAL
    assert fault is Severity.HIGH


def test_an_offset_of_an_earlier_bundle_is_taken_off() -> None:
    strict = Judge({"offsets": {"inventory": 2.0}})
    assert label(1.5, judge=strict) is Label.NORMAL
    assert label(2.5, judge=strict) is Label.ABNORMAL


def test_a_scale_says_what_nats_are_worth() -> None:
    doubtful = Judge({"scales": {"inventory": {"at": [0.0, 4.0], "nats": [-3.0, 0.0]}}})
    assert label(3.9, judge=doubtful) is Label.NORMAL
    assert label(4.1, judge=doubtful) is Label.ABNORMAL
    assert isclose(
        decide({"inventory": [case(5.0)]}, judge=doubtful).score, 1 / (1 + exp(-1.0)), abs_tol=1e-6
    )


@pytest.mark.parametrize(
    "scale",
    [
        {"at": [0.0, 1.0], "nats": [1.0, 0.0]},
        {"at": [1.0, 1.0], "nats": [1.0, 2.0]},
        {"at": [], "nats": []},
        {"at": [nan], "nats": [0.0]},
    ],
)
def test_a_scale_that_falls_or_is_none_is_refused(scale: dict[str, list[float]]) -> None:
    with pytest.raises(ConfigError, match="judge"):
        Judge({"scales": {"inventory": scale}})


@pytest.mark.parametrize("budget", [0.01, 0.1, 10.0, 1000.0])
def test_another_budget_moves_the_threshold_by_its_logarithm(budget: float) -> None:
    judge = Judge({}, budget=budget)
    assert label(-log(budget) + 0.01, judge=judge) is Label.ABNORMAL
    assert label(-log(budget) - 0.01, judge=judge) is Label.NORMAL


@pytest.mark.parametrize("budget", [0.0, -1.0, nan, inf, 1e6])
def test_a_budget_out_of_bounds_is_refused(budget: float) -> None:
    with pytest.raises(ConfigError, match="budget"):
        Judge({}, budget=budget)


def test_what_only_a_generous_budget_lets_speak_is_low() -> None:
    assert (
        decide({"inventory": [case(-2.0)]}, judge=Judge({}, budget=100.0)).severity is Severity.LOW
    )
    assert (
        decide({"inventory": [case(6.0)]}, judge=Judge({}, budget=100.0)).severity
        is Severity.CRITICAL
    )


def test_two_experts_weigh_more_than_two_cases_of_one() -> None:
    alone = [case(-1.0, f"cron:{n}") for n in range(2)]
    assert decide({"inventory": alone}).label is Label.NORMAL
    assert label(-1.0, -1.0) is Label.ABNORMAL
    assert label(-1.1, -1.1) is Label.NORMAL


def test_traces_do_not_add_without_bound() -> None:
    names = ("inventory", "behaviour", "vitals")
    many = {name: [case(1.0, f"{name}:{n}", name) for n in range(50)] for name in names}
    assert decide(many).score < 1 / (1 + exp(-(1.0 + 1.1 + 1.65)))


def test_confirmation_counts_snapshots_that_were_abnormal_by_the_same_thing() -> None:
    recent: Recent = []
    for subjects in (["cron:/etc/cron.d/x"], [], ["unit:y"], ["cron:/etc/cron.d/x", "unit:y"]):
        recent = remembered(recent, subjects)
    judged = decide(
        {"inventory": [case(2.0)], "vitals": [case(-0.5, "m", "vitals")]}, recent=recent
    )
    assert judged.confirmation == Confirmation(abnormal=3, of=5, experts=2)
    for _ in range(20):
        recent = remembered(recent, judged.subjects)
    assert decide({"inventory": [case(2.0)]}, recent=recent).confirmation == Confirmation(
        abnormal=10, of=10, experts=1
    )
    assert decide({"inventory": [case(-2.0)]}, recent=recent).confirmation == Confirmation()


def test_a_wave_gives_each_host_what_it_would_have_alone() -> None:
    hosts = [
        {"inventory": [case(n / 7.0)], "vitals": [case(-n / 3.0, "m", "vitals")]} for n in range(40)
    ]
    assert JUDGE.weigh(hosts) == [JUDGE.weigh([host])[0] for host in hosts]


@given(st.integers(0, 2**31), st.integers(1, 70))
def test_the_graph_gives_what_the_reference_gives(seed: int, hosts: int) -> None:
    random = np.random.default_rng(seed)
    raw = random.uniform(-70.0, 70.0, (hosts, len(REFERENCE.voices), COUNTED))
    raw[random.random(raw.shape) < 0.3] = ABSENT
    for ours, theirs in zip(REFERENCE(raw), GRAPH(raw), strict=True):
        assert np.abs(ours - theirs).max() < 1e-9
        assert np.isfinite(theirs).all()


def test_what_is_no_graph_is_refused() -> None:
    with pytest.raises(ConfigError, match="graph"):
        Judge({"graph": b"no graph"})


@given(st.lists(st.floats(-60, 60), min_size=3, max_size=3), st.integers(0, 2), st.floats(0, 20))
def test_more_nats_never_make_less(nats: list[float], which: int, more: float) -> None:
    names = ("inventory", "behaviour", "vitals")

    def total(values: list[float]) -> float:
        cases = {name: [case(v, name, name)] for name, v in zip(names, values, strict=True)}
        return JUDGE.weigh([cases])[0].total

    louder = [v + more * (at == which) for at, v in enumerate(nats)]
    assert total(louder) >= total(nats)


def test_a_part_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="judge"):
        Judge({"offsets": 3})


@given(st.lists(st.floats(-60, 60), max_size=6))
def test_the_score_is_a_chance_and_the_order_of_cases_is_free(nats: list[float]) -> None:
    cases = [case(value, f"s:{at}") for at, value in enumerate(nats)]
    judged = decide({"inventory": cases})
    assert 0.0 <= judged.score <= 1.0
    assert (judged.label is Label.ABNORMAL) == (judged.score > 0.5)
    assert decide({"inventory": cases[::-1]}) == judged
