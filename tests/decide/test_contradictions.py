"""Policies that contradict: certain ones are errors, possible ones warnings, both with the place of each."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from vedette.core import InvalidInput
from vedette.decide import PolicySet
from vedette.respond import schemas


class Power:
    """A kind that a host takes one or the other of."""

    disruptive: Final = True
    on_host: Final = True

    def __init__(self, name: str) -> None:
        self.name = name

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        del dry_run
        return dict(parameters)


KINDS: dict[str, Any] = {**schemas(), "shutdown": Power("shutdown"), "reboot": Power("reboot")}
CUT = "{action: quarantine, with: {lease: 30m}}"
LONG = "{action: quarantine, with: {lease: 60m}}"
DRY = "{action: quarantine, with: {lease: 60m}, dry_run: true}"
OFF, AGAIN = "{action: shutdown}", "{action: reboot}"


def one(
    name: str,
    then: str = CUT,
    *,
    when: str = "",
    mode: str = "auto",
    on: str = "opened",
    protected: str = "",
) -> str:
    return (
        f"  - name: {name}\n"
        f"    on: [{on}]\n"
        + (f"    when: '{when}'\n" if when else "")
        + f"    then: [{then}]\n"
        + f"    mode: {mode}\n"
        + (f"    within: {{protected: {protected}}}\n" if protected else "")
    )


def load(*policies: str) -> PolicySet:
    return PolicySet.parse("version: 1\npolicies:\n" + "".join(policies), kinds=KINDS)


@pytest.mark.parametrize(
    ("policies", "line", "column", "words"),
    [
        ((one("a"), one("b", mode="approve")), 9, 12, "mode approve and not auto as policy a"),
        ((one("a"), one("b", LONG)), 9, 12, "with other parameters than policy a, at line 3"),
        ((one("a", OFF), one("b", AGAIN)), 9, 12, "does reboot and not shutdown as policy a"),
        ((one("a", f"{CUT}, {CUT}"),), 5, 54, "quarantine is there already, at line 5, column 12"),
        ((one("a", f"{OFF}, {AGAIN}"),), 5, 32, "reboot and shutdown undo each other"),
        (
            (
                one("a", when='host.role == "db"  && trigger != ""'),
                one("b", LONG, when='host.role == "db" && trigger != ""'),
            ),
            11,
            12,
            "on the same hosts at the same moment",
        ),
        (
            (one("a", when='host.role == "db"', protected="{role: [db, web]}"),),
            5,
            11,
            "needs a host with role: db, which is protected at line 8, column 25",
        ),
        (
            (one("a", when='host.labels["env"] in ["x"]', protected="{env: [x]}"),),
            5,
            11,
            "the policy would never act",
        ),
    ],
)
def test_what_certainly_contradicts_is_an_error_with_both_places(
    policies: tuple[str, ...], line: int, column: int, words: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        load(*policies)
    assert words in caught.value.detail
    assert (caught.value.extensions["line"], caught.value.extensions["column"]) == (line, column)


HIGH = 'incident.severity == "high"'


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"when": HIGH}),
        ({"when": 'host.role == "db"'}, {"when": HIGH}),
        ({"when": 'host.role == "db" || true'}, {"when": 'host.role == "web" || true'}),
        ({"when": 'true ? host.role == "a" : true'}, {"when": 'host.role == "b"'}),
        ({"when": '!(host.role == "a") && true'}, {"when": 'host.role == "a"'}),
        ({"when": 'host.role in ["a", "b"]'}, {"when": 'host.role in ["b", "c"]'}),
        ({"when": 'host.role in ["a", host.os]'}, {"when": 'host.role in ["b"]'}),
        ({"when": 'host.hostname == "a && b"'}, {"when": 'host.role == "a"'}),
        ({"when": 'host.hostname == "\\\\" && host.role == "b"'}, {"when": 'host.role == "b"'}),
        ({"protected": "{role: [db]}"}, {}),
    ],
)
def test_what_may_contradict_is_a_warning_with_both_places(
    first: dict[str, str], second: dict[str, str]
) -> None:
    found = load(one("a", **first), one("b", LONG, **second))
    (warned,) = found.warnings
    assert "with other parameters than policy a, at line 3, column 5" in warned.text
    line = 9 + ("when" in first) + ("protected" in first) + ("when" in second)
    assert str(warned).startswith(f"policies, line {line}, column 12: policy b does quarantine")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"when": 'host.role == "db"'}, {"when": 'host.role == "web"'}),
        ({"when": 'host.role == "db" && true'}, {"when": 'host.role in ["web", "cache"]'}),
        ({"when": 'host.labels["a"] == "1"'}, {"when": 'host.labels["a"] in ["2"]'}),
        ({"when": 'trigger != "" && incident.severity == "low"'}, {"when": HIGH}),
        ({"when": 'host.role == "db"'}, {"protected": "{role: [db]}"}),
        ({"protected": "{env: [dev]}"}, {"when": 'host.labels["env"] == "dev"'}),
        ({"when": 'host.role == "a" && host.role == "b"'}, {"when": 'host.role == "a"'}),
        ({"on": "raised"}, {}),
    ],
)
def test_what_never_meets_does_not_contradict(
    first: dict[str, str], second: dict[str, str]
) -> None:
    assert load(one("a", **first), one("b", LONG, **second)).warnings == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('host.role == "db" && host.os == """a"b""" || true', 'host.role == "web"'),
        ('host.role == "a  b" || host.os == "x"', 'host.role == "a b" || host.os == "x"'),
    ],
)
def test_what_texts_hold_is_not_taken_for_what_is_around_them(first: str, second: str) -> None:
    """Both may hold, and are not the same: a warning."""
    found = load(one("a", when=first), one("b", LONG, when=second))
    assert [warned.line for warned in found.warnings] == [11]


def test_spaces_between_words_tell_no_conditions_apart() -> None:
    with pytest.raises(InvalidInput, match="on the same hosts at the same moment"):
        load(
            one("a", when='host.role == "a b"'),
            one("b", LONG, when='host.role  ==  "a b"'),
        )


def test_dry_runs_and_the_same_thing_twice_contradict_nothing() -> None:
    assert load(one("a"), one("b", DRY)).warnings == ()
    assert load(one("a"), one("b", when=HIGH)).warnings == ()
    assert load(one("a", f"{CUT}, {DRY}")).warnings == ()
    assert load(one("a", f"{CUT}, {OFF}")).warnings == ()
    assert load(one("a"), one("b", OFF)).warnings == ()


def test_different_things_that_one_policy_does_to_a_host_go_together() -> None:
    both = load(one("a", f"{CUT}, {OFF}"))
    assert [step.kind for step in both.policies[0].then] == ["quarantine", "shutdown"]
    assert both.warnings == ()


@pytest.mark.parametrize("zone", ["Europe/Vienna", "UTC"])
def test_a_policys_zone_is_kept(zone: str) -> None:
    named = one("a").replace("    mode: auto\n", f"    mode: auto\n    timezone: {zone}\n")
    assert load(named).policies[0].timezone == zone
