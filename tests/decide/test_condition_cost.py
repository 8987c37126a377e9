"""What a condition can cost is known, and bounded, before it is asked anything."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decide.test_conditions import values

from vedette.core import InvalidInput
from vedette.decide.condition import Condition
from vedette.decide.cost import MAX_COST, MAX_PATTERN, Shape, bounded
from vedette.decide.pattern import banned, weigh
from vedette.decide.syntax import Node, Place

CAUSES = "incident.causes"
ONES = "[" + ",".join("1" * 20) + "]"
MANY = "[" + ",".join(["1"] * 450) + "]"


@pytest.mark.parametrize(
    ("text", "detail", "line", "column"),
    [
        (
            f'{ONES}.exists(a,{ONES}.exists(b,host.hostname.matches("\\\\pL{{40}}"+string(a)+string(b))))',
            "one literal text",
            1,
            145,
        ),
        ('host.hostname.matches("\\\\pL{90}")', r"may not have \p", 1, 23),
        ("host.hostname.matches(r'x\\\\\\PN')", r"may not have \P", 1, 23),
        ('host.hostname.matches("[\\\\p{L}]")', r"may not have \p", 1, 23),
        ('host.hostname.matches("\\\\Q\\\\\\\\pL")', r"may not have \Q", 1, 23),
        (" || ".join(['host.role.matches("\\\\pL{9}")'] * 20), r"may not have \p", 1, 19),
        ('true &&\n  host.hostname.matches("web-(")', "missing ): web-(", 2, 25),
        ("host.hostname.matches(host.role)", "one literal text", 1, 27),
        ('"x".matches("(x{1000}){1000}")', "may cost", 1, 12),
        ('host.hostname.matches("(((.{9}){9}){9}){9}")', "may cost", 1, 22),
        (f'"x".matches("{"x" * (MAX_PATTERN + 1)}")', "200 characters", 1, 13),
        (
            f"{CAUSES}.//\nexists(a,{CAUSES}.//\nexists(b,{CAUSES}.//\nexists(c,{CAUSES}.//\nexists(d,a==b))))",
            "walk lists 3 times",
            5,
            7,
        ),
        (f"{CAUSES}.map(a,{CAUSES}.map(b,{CAUSES}.map(c,a+b+c))).size()==1", "may cost", 1, 20),
        (
            f"{CAUSES}.map(a,{CAUSES}.map(b,{'+'.join([CAUSES] * 9)})).size()==1",
            "may cost",
            1,
            42,
        ),
        (f"{CAUSES}.map(a,{CAUSES}.map(b,{'+'.join('a' * 20)})).size()==1", "may cost", 1, 20),
        (f"{MANY}.map(a,a).map(b,b).size() == 1", "may cost", 1, 915),
        ("verdict.subjects.all(a,verdict.subjects.all(b,a!=b+b))", "may cost", 1, 21),
        ("google.protobuf.ListValue{values: [1, 2]}.size() == 2", "build messages", 1, 1),
        ("1/0 == 1", "division by zero", 1, 2),
        ("incident.verdicts % 0 == 1", "division by zero", 1, 19),
        ("1u / 0u == 1u", "division by zero", 1, 4),
        ('host.role == "é😀" && 1/0 == 1', "division by zero", 1, 23),
        ('timestamp("garbage") < verdict.taken_at', "Timestamp conversion failed", 1, 11),
        ('verdict.taken_at - incident.opened_at > duration("5x")', "Duration", 1, 50),
        ('int("many") > incident.verdicts', "cannot convert", 1, 5),
    ],
)
def test_what_may_cost_too_much_or_never_has_a_value_is_refused_with_its_place(
    text: str, detail: str, line: int, column: int
) -> None:
    with pytest.raises(InvalidInput) as caught:
        Condition(text)
    assert detail in caught.value.detail
    assert caught.value.extensions == {"line": line, "column": column}


@pytest.mark.parametrize(
    "text",
    [
        'host.hostname.matches("^web-[0-9]{1,3}[.]example[.]org$") || true',
        'host.hostname.matches(r"^(\\d{1,3}\\.){3}\\d{1,3}$") || true',
        'host.role.matches("(?i)^(DB|cache)$")',
        'incident.causes.exists(a, a.matches("^process:/(tmp|var/tmp|dev/shm)/[^/]+[.]sh$")) || true',
        'verdict.subjects.exists(a, a.matches("^process:/(tmp|var/tmp|dev/shm)/[^/]+[.]sh$")) || true',
        "incident.causes.exists(c, verdict.subjects.exists(s, s == c))",
        'incident.causes.filter(c, c.contains("cron")).map(c, c + "!").size() < 3',
        'verdict.experts.exists_one(name, verdict.experts[name] > 0.5) || {"a": [1, 2]}["a"][0] == 1',
        'host.labels.all(name, name != "x" || host.labels[name] == string(verdict.score))',
        '(verdict.late ? ["a"] : incident.causes + ["b"]).size() > 0 && has(host.labels.role)',
        'dyn(["a", 1]).size() == 2 && 4.0 / 0.0 > 1.0 && {}.size() == 0 && [].size() == 0',
        'verdict.taken_at > timestamp("2026-01-01T00:00:00Z") && duration("1h") < duration("2h")',
        'verdict.taken_at.getHours("Europe/Berlin") == 13 && b"a" == bytes("a") && .trigger != ""',
    ],
)
def test_what_people_write_is_not_too_costly(text: str) -> None:
    assert Condition(text).holds(values(role="db"))


ATOMS = st.sampled_from(
    ["a", ".", "|", "*", "[^a]", "[]a]", "[[:alpha:]]", r"\w", r"\\", r"\x{61}"]
)
COUNTS = st.sampled_from(["", "?", "{0}", "{2}", "{3,}", "{1,9}"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: (
        st.builds("{}({}){}".format, inner, inner, COUNTS)
        | st.builds("(?i:{}{}){}".format, ATOMS, COUNTS, COUNTS)
    ),
    max_leaves=12,
)


@given(PATTERNS, PATTERNS)
def test_a_pattern_weighs_what_its_parts_do_and_as_often_as_it_is_repeated(
    one: str, other: str
) -> None:
    assert weigh(f"({one})({other})") == weigh(f"({one})") + weigh(f"({other})")
    assert weigh(f"(?:{one}){{7}}") == 7 * weigh(f"({one})")
    assert weigh(f"(?P<n>{one}){{3,}}") == 4 * weigh(f"({one})")
    assert not banned(one)


@given(st.text(max_size=80))
def test_any_literal_pattern_is_weighed_and_read_by_the_engine_or_refused(pattern: str) -> None:
    quoted = "".join(f"\\U{ord(letter):08x}" for letter in pattern)
    with contextlib.suppress(InvalidInput):
        Condition(f'host.hostname.matches("{quoted}")').holds(values())


def test_brackets_that_do_not_match_are_the_engines_to_refuse() -> None:
    for pattern in ("a)", "(a", "[a", "a{2}{1001}"):
        weigh(pattern)
        with pytest.raises(InvalidInput) as caught:
            Condition(f'host.role.matches("{pattern}")')
        assert caught.value.extensions["line"] == 1


CALLS = st.sampled_from(
    [
        "incident.causes",
        "verdict.subjects",
        "host.labels",
        "[1, 2, 3]",
        MANY[:121] + "]",
    ]
)


@given(CALLS, CALLS, CALLS, st.sampled_from(["all", "exists", "exists_one", "map", "filter"]))
def test_what_loads_never_meets_the_evaluators_own_end(
    first: str, second: str, third: str, last: str
) -> None:
    """The largest values that are bound: a full evaluation gives a bool within the iterations that the library has."""
    inner = "true" if last != "map" else "c"
    walked = f"{third}.{last}(c, {inner})"
    whole = walked if last.startswith(("all", "exists")) else f"{walked}.size() >= 0"
    bound = values(**{f"l{number}": "x" * 256 for number in range(60)})
    bound["incident.causes"] = ["c" * 256] * 20
    bound["verdict.subjects"] = ["s" * 256] * 50
    refused = []
    for text in (
        f"{first}.all(a, {whole} || true)",
        f"{first}.all(a, {second}.all(b, {whole} || true))",
    ):
        try:
            condition = Condition(text)
        except InvalidInput as error:
            refused.append(error.detail)
        else:
            assert condition.holds(bound)
    assert all("may cost" in detail for detail in refused)


def test_what_is_bound_is_no_more_than_what_is_reckoned_with() -> None:
    bound = values(**{f"l{number:03}": "é" * 600 for number in range(90)})
    assert len(bound["host.labels"]) == 50
    assert max(len(value.encode()) for value in bound["host.labels"].values()) <= 1_024


def test_a_list_within_a_list_counts_all_that_is_in_it() -> None:
    known = {"many": Shape(100, Shape(100, Shape(1_000)))}
    many = Node("variable", Place(1, 1), name="many")
    cost, texts = bounded(Node("call", Place(1, 1), name="size", parts=(many,)), known)
    assert 10_000 < cost < MAX_COST
    assert not texts
