"""Loading policies: whole or not at all, with the place of what is wrong."""

import contextlib
import textwrap
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.decide.make import START, Course, policies, verdict

from vedette.core import InvalidInput, Mode, TooLarge
from vedette.decide import PolicySet
from vedette.decide.document import MAX_BYTES, at_path, compose
from vedette.respond import schemas

GOOD = """\
version: 1
policies:
  - name: tell-the-owner
    on: [opened, raised, closed]
    when: 'incident.severity in ["medium", "high", "critical"]'
    then: [{action: mail, with: {to: [ops@example.com]}}]
    mode: auto
  - name: quarantine-on-high
    when: verdict.label == "abnormal" && verdict.score > 0.9
    then: [{action: quarantine, with: {lease: 30m, allow: ["10.0.0.0/8"]}, dry_run: true}]
    mode: approve
    within: {confirm: 2, cooldown: 1h, protected: {role: [db]}, approval_expires: 24h}
"""


def test_good_policies_are_loaded_with_their_defaults() -> None:
    loaded = policies(GOOD)
    tell, quarantine = loaded.policies
    assert (tell.name, tell.mode, tell.on) == (
        "tell-the-owner",
        Mode.AUTO,
        ("opened", "raised", "closed"),
    )
    assert tell.then[0].parameters == {"to": ["ops@example.com"]}
    assert (tell.then[0].dry_run, tell.then[0].disruptive) == (False, False)
    assert (tell.guards.confirm, tell.guards.cooldown_seconds) == (1, 0.0)
    assert quarantine.on == ("opened",)
    step = quarantine.then[0]
    assert (step.lease_seconds, step.dry_run, step.disruptive) == (1800.0, True, True)
    assert quarantine.guards.protected == {"role": ("db",)}
    assert quarantine.guards.approval_seconds == 86_400.0


def test_the_version_names_the_text() -> None:
    assert policies(GOOD).version == policies(GOOD).version
    assert policies(GOOD).version != policies(GOOD + "# other\n").version
    assert policies(GOOD).text == GOOD


def test_the_shipped_policies_tell_by_themselves_and_quarantine_only_dry_and_approved() -> None:
    shipped = PolicySet.default(kinds=schemas())
    for policy in shipped.policies:
        for step in policy.then:
            assert not step.disruptive or (step.dry_run and policy.mode is Mode.APPROVE)
    assert {step.kind for policy in shipped.policies for step in policy.then} == {
        "mail",
        "quarantine",
    }


def test_the_actions_to_be_known_reach_back_over_cooldowns_and_live_incidents() -> None:
    chosen, hour = policies(GOOD), timedelta(hours=1)
    assert chosen.actions_since(START, ()) == START - hour
    (incident,) = Course().see(verdict(0)).incidents
    assert chosen.actions_since(START + 9 * hour, (incident,)) == START
    assert chosen.actions_since(START + hour / 2, (incident,)) == START - hour / 2


def test_a_path_that_leads_nowhere_names_the_last_place_there_is() -> None:
    root = compose("a: [x]")
    assert at_path(root, ["a", 0, "deeper"]).value == "x"
    assert at_path(root, ["a", 7]).tag.endswith(":seq")
    assert at_path(root, ["b"]) is root


def test_a_word_that_yaml_takes_for_a_boolean_is_a_name_all_the_same() -> None:
    assert policies(GOOD).policies[0].on[0] == "opened"


BROKEN = [
    ("mode: auto", "mode: maybe", 7, 11, "mode must be one of observe, approve, auto"),
    ("mode: auto", "mode: [auto]", 7, 11, "mode must be one of"),
    ("    mode: auto\n", "", 3, 5, "needs 'mode'"),
    ("mode: auto", "mood: auto", 7, 5, "has no 'mood'"),
    ("mode: auto", "mode: auto\n    mode: auto", 8, 5, "'mode' is given twice"),
    ("version: 1", "version: 2", 1, 10, "version must be a whole number from 1 to 1"),
    ("version: 1", "version: true", 1, 10, "version must be a whole number"),
    ("version: 1", "version: 1:30", 1, 10, "put it in quotes"),
    ("version: 1", "version: 2026-01-01", 1, 10, "put it in quotes"),
    ("version: 1", "version: .inf", 1, 10, "finite"),
    ("version: 1", f"version: {'9' * 5000}", 1, 10, "not a number that can be kept"),
    ("version: 1", "version: !!python/name:os.system x", 1, 10, "put it in quotes"),
    ("version: 1", "version: &a 1", 1, 10, "anchors and aliases"),
    ("version: 1", "? [version]\n: 1", 1, 3, "a name must be plain text"),
    ("name: quarantine-on-high", "name: tell-the-owner", 8, 11, "two policies named"),
    ("name: quarantine-on-high", "name: ' '", 8, 11, "name must be text"),
    ("name: quarantine-on-high", "name: 7", 8, 11, "name must be text"),
    ("action: mail", "action: fly", 6, 21, "action must be one of chat, "),
    ("action: mail, ", "", 6, 12, "an action needs 'action'"),
    ("to: [ops@example.com]", "to: [ops]", 6, 39, "neither a mail address nor @owner"),
    ("to: [ops@example.com]", "to: ops@example.com", 6, 38, "to must be a list"),
    ("to: [ops@example.com]", "to: []", 6, 38, "at least one recipient"),
    ("to: [ops@example.com]", "to: [7]", 6, 39, "must be text"),
    ("to: [ops@example.com]", "too: [x]", 6, 39, "there is no parameter 'too'"),
    ("with: {to: [ops@example.com]}", "with: 3", 6, 33, "with must be a mapping"),
    (", with: {to: [ops@example.com]}", "", 6, 12, "at least one recipient"),
    ("lease: 30m", "lease: 30", 10, 47, "lease must be a duration"),
    ("lease: 30m", "lease: 90d", 10, 47, "from 1 to 1440 minutes"),
    ("lease: 30m, ", "", 10, 39, "lease must be a duration"),
    ('"10.0.0.0/8"', '"10.0.0.1/8"', 10, 60, "is no network"),
    ('"10.0.0.0/8"', '"0.0.0.0/0"', 10, 60, "too wide"),
    ('"10.0.0.0/8"', "a: 1", 10, 60, "must be text"),
    (
        '"10.0.0.0/8"',
        '"10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/32"',
        10,
        88,
        "together the exceptions",
    ),
    ("lease: 30m", "lease: 30m, at_most: 20m", 10, 61, "at_most must be from 30 to"),
    ("dry_run: true", "dry_run: perhaps", 10, 85, "dry_run must be true or false"),
    ("confirm: 2", "confirm: 0", 12, 23, "confirm must be a whole number from 1 to 1000"),
    ("confirm: 2", "confirm: {of_ten: 11}", 12, 32, "of_ten must be a whole number from 1 to 10"),
    ("confirm: 2", "confirm: {experts: 2}", 12, 23, "of_ten"),
    ("confirm: 2", "confirm: {of_ten: 2, experts: 1}", 12, 44, "experts must be a whole number"),
    ("confirm: 2", "confirm: two", 12, 23, "confirm must be a whole number"),
    ("cooldown: 1h", "cooldown: 1 hour", 12, 36, "cooldown must be a duration"),
    ("cooldown: 1h", "cooldown: 60", 12, 36, "cooldown must be a duration"),
    ("cooldown: 1h", "cooldown: 31d", 12, 36, "above 0 and at most 30 days"),
    ("cooldown: 1h", "cooldown: 0s", 12, 36, "above 0"),
    ("{role: [db]}", "[db]", 12, 51, "protected must be a mapping"),
    ("{role: [db]}", "{role: db}", 12, 58, "role must be a list"),
    ("{role: [db]}", "{role: [1]}", 12, 59, "a label's value must be text"),
    ("[opened, raised, closed]", "[opened, shut]", 4, 18, "an entry of on must be one of"),
    ("[opened, raised, closed]", "[]", 4, 9, "on must have 1 to 8 entries, not 0"),
    ("[opened, raised, closed]", "opened", 4, 9, "on must be a list"),
    ("    when: verdict.label", "    on: [closed]\n    when: verdict.label", 9, 9, "disruptive"),
    (
        "verdict.score > 0.9",
        "verdict.skore > 0.9",
        9,
        49,
        "undeclared reference to 'verdict.skore'",
    ),
    ("'incident.severity in", "'incident.gravity in", 5, 20, "undeclared reference"),
    ("mode: auto", "mode: auto\n    timezone: Mars/Base", 8, 15, "is no time zone such as"),
    ("mode: auto", "mode: auto\n    timezone: ../etc/passwd", 8, 15, "is no time zone such as"),
    ("mode: auto", "mode: auto\n    timezone: 7", 8, 15, "timezone must be text"),
    ("verdict.score > 0.9", 'time.hour == "x"', 9, 52, "no matching overload"),
    ("policies:", "policies: 3 #", 3, 3, "not YAML"),
    ("  - name: tell-the-owner", "  - name: [", 5, 5, "not YAML"),
]


@pytest.mark.parametrize(("was", "now", "line", "column", "detail"), BROKEN)
def test_what_is_wrong_is_named_with_line_and_column(
    was: str, now: str, line: int, column: int, detail: str
) -> None:
    assert was in GOOD
    with pytest.raises(InvalidInput) as caught:
        policies(GOOD.replace(was, now, 1))
    error = caught.value
    assert detail in error.detail
    assert error.kind == "invalid-policy"
    place = (error.extensions["line"], error.extensions["column"])
    assert place == (line, column), error.detail
    assert error.detail.startswith(f"policies, line {line}, column {column}: ")


@pytest.mark.parametrize(
    ("when", "line", "column"),
    [
        ("|\n      true &&\n        verdict.nope", 6, 16),
        ("|\n      true &&", 5, 14),
        (">\n      true &&\n      verdict.nope", 4, 11),
        ("true &&\n      verdict.nope", 4, 26),
        ('"true &&\\nverdict.nope"', 4, 11),
    ],
)
def test_an_error_within_a_long_condition_is_placed_as_far_as_yaml_lets_it(
    when: str, line: int, column: int
) -> None:
    text = textwrap.dedent("""\
        version: 1
        policies:
          - name: a
            when: WHEN
            mode: auto
            then: [{action: mail, with: {to: ["@owner"]}}]
        """)
    with pytest.raises(InvalidInput) as caught:
        policies(text.replace("WHEN", when))
    error = caught.value
    assert (error.extensions["line"], error.extensions["column"]) == (line, column), error.detail


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("", "nothing is written here"),
        ("# only words\n", "nothing is written here"),
        ("- 1", "the document must be a mapping"),
        ("version: 1\npolicies: []", "policies must have 1 to 100 entries"),
        ("version: 1\n---\nversion: 1", "not YAML"),
        ("version: 1\x00", "policies are not YAML"),
        ("*a", "anchors and aliases"),
    ],
)
def test_what_is_no_policy_document_is_refused(text: str, detail: str) -> None:
    with pytest.raises(InvalidInput, match=detail):
        policies(text)


@pytest.mark.parametrize(
    "text",
    [
        "#" * (MAX_BYTES + 1),
        "é" * (MAX_BYTES // 2 + 1),
        "[" * 5000,
        "{a: " * 3000,
        "-\n" * 30_000,
        "- " * 3000 + "1",
    ],
    ids=["bytes", "wide bytes", "lists", "maps", "entries", "nested entries"],
)
def test_what_is_too_large_or_too_deep_is_refused(text: str) -> None:
    with pytest.raises(TooLarge):
        policies(text)


def test_an_expansion_bomb_does_not_go_off() -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    with pytest.raises(InvalidInput, match="anchors and aliases"):
        policies(bomb)


@given(st.text(max_size=200))
def test_any_text_is_refused_readably(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        policies(text)
    assert caught.value.detail


@given(st.integers(0, len(GOOD)), st.text(max_size=3), st.integers(0, 6))
def test_a_damaged_document_is_loaded_whole_or_refused(at: int, put: str, cut: int) -> None:
    with contextlib.suppress(InvalidInput):
        assert policies(GOOD[:at] + put + GOOD[at + cut :]).policies


@pytest.mark.parametrize(
    ("given", "seconds"), [("", 15.0), ("gather: 1m", 60.0), ("gather: 0s", 0.0)]
)
def test_what_tells_people_waits_to_be_gathered(given: str, seconds: float) -> None:
    text = f"""
version: 1
policies:
  - {{name: a, mode: auto, within: {{{given}}}, then: [{{action: mail, with: {{to: ["@owner"]}}}}]}}
"""
    (policy,) = policies(text).policies
    assert policy.guards.gather_seconds == seconds


def test_nothing_waits_to_be_gathered_for_more_than_an_hour() -> None:
    text = """
version: 1
policies:
  - {name: a, mode: auto, within: {gather: 2h}, then: [{action: mail, with: {to: ["@owner"]}}]}
"""
    with pytest.raises(
        InvalidInput, match="line 4, column 44: gather must be from 0 to 60 minutes"
    ):
        policies(text)
