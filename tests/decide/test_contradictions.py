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
WORKLOAD = "{action: kubernetes_isolate, with: {lease: 30m}}"
WHOLE = "{action: kubernetes_isolate, with: {lease: 30m, whole_namespace: true}}"
OFF, AGAIN = "{action: shutdown}", "{action: reboot}"


def one(
    name: str,
    then: str = CUT,
    *,
    when: str = "",
    mode: str = "auto",
    on: str = "opened",
    protected: str = "",
    within: str = "",
    zone: str = "",
) -> str:
    return (
        f"  - name: {name}\n"
        f"    on: [{on}]\n"
        + (f"    when: '{when}'\n" if when else "")
        + f"    then: [{then}]\n"
        + f"    mode: {mode}\n"
        + (f"    within: {{protected: {protected}}}\n" if protected else "")
        + (f"    within: {within}\n" if within else "")
        + (f"    timezone: {zone}\n" if zone else "")
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
        ({"when": '"db" == host.role'}, {"when": 'host.role == "web"'}),
        ({"when": 'host.role != "db"'}, {"when": 'host.role == "db"'}),
        (
            {"when": 'host.role in ["db", "web"]'},
            {"when": '"db" != host.role && host.role != "web"'},
        ),
        ({"when": 'host.labels["env"] == "dev"'}, {"when": 'host.labels["env"] != "dev"'}),
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


DB, SWAPPED = 'host.role == "db"', '"db" == host.role'


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (DB, SWAPPED),
        ('host.role=="db"', DB),
        (f"{DB} && {HIGH}", f"{HIGH} && {SWAPPED}"),
        ("time.hour == 3", "3 == time.hour"),
        ('host.role in ["a", "b"]', 'host.role in ["b", "a"]'),
        ('host.role in ["db"]', DB),
        ("true", ""),
        (f"{DB} && true", DB),
    ],
)
def test_one_condition_in_other_words_is_the_same(first: str, second: str) -> None:
    with pytest.raises(InvalidInput, match="on the same hosts at the same moment"):
        load(one("a", when=first), one("b", LONG, when=second))


@pytest.mark.parametrize(
    ("less", "more"), [("observe", "auto"), ("observe", "approve"), ("approve", "auto")]
)
@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ({"when": DB}, {}),
        ({"when": f"{DB} && {HIGH}"}, {"when": HIGH}),
        ({"when": SWAPPED}, {"when": 'host.role in ["db", "web"]'}),
        ({"when": 'host.role in ["db", "web"]'}, {"when": 'host.role in ["web", "db", "x"]'}),
        ({"when": f"{HIGH} || {DB}"}, {}),
        ({"protected": "{role: [db, web]}"}, {"protected": "{role: [web]}"}),
        ({"when": DB, "within": "{confirm: 3}"}, {"within": "{confirm: 3}"}),
        ({"when": DB, "on": "raised"}, {"on": "opened, raised"}),
        ({"when": "time.hour < 7 && true", "zone": "Europe/Vienna"}, {"zone": "UTC"}),
    ],
)
def test_less_on_hosts_on_which_another_does_more_is_an_error(
    narrow: dict[str, str], wide: dict[str, str], less: str, more: str
) -> None:
    """What is written for these hosts would never be so; whichever of the two is written first."""
    few, all_of = one("few", mode=less, **narrow), one("all", LONG, mode=more, **wide)
    for policies in ((few, all_of), (all_of, few)):
        with pytest.raises(InvalidInput) as caught:
            load(*policies)
        assert f"is in mode {less}, and policy all, at line" in caught.value.detail
        assert f"does the same in mode {more} on all of its hosts" in caught.value.detail
        assert "leave these hosts out of policy all" in caught.value.detail
        line = policies[0].count("\n") + 3 + policies[1][: policies[1].index("then")].count("\n")
        assert (caught.value.extensions["line"], caught.value.extensions["column"]) == (line, 12)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        # Further on fewer hosts: each is carried out as it is written.
        ({"mode": "approve"}, {"when": HIGH}, "policy b does in mode auto is what happens then"),
        ({}, {"when": HIGH, "mode": "auto"}, "policy b does in mode auto"),
        # Others, or not for certain the same, or not at once.
        ({"when": DB}, {"when": HIGH, "mode": "auto"}, "policy b does in mode auto"),
        ({"when": 'host.role in ["db", "x"]'}, {"when": DB, "mode": "auto"}, "policy b does"),
        (
            {"when": 'host.role != "x"'},
            {"when": 'host.hostname != "x"', "mode": "auto"},
            "policy b",
        ),
        ({"when": DB}, {"protected": "{env: [x]}", "mode": "auto"}, "policy b does in mode auto"),
        ({"when": DB, "on": "opened, raised"}, {"mode": "auto"}, "policy b does in mode auto"),
        ({"when": DB}, {"within": "{cooldown: 1d}", "mode": "auto"}, "policy b does in mode auto"),
        ({"when": DB, "then": WHOLE}, {"then": WORKLOAD, "mode": "auto"}, "with other parameters"),
        ({"when": DB}, {"within": "{confirm: 3}", "mode": "auto"}, "policy b does in mode auto"),
        (
            {"when": "time.hour < 7", "zone": "Europe/Vienna"},
            {"when": "time.hour < 7", "mode": "auto"},
            "policy b does in mode auto",
        ),
    ],
)
def test_more_on_fewer_hosts_is_a_warning_that_says_what_happens(
    first: dict[str, str], second: dict[str, str], words: str
) -> None:
    found = load(one("a", **({"mode": "observe"} | first)), one("b", **second))
    (warned,) = found.warnings
    assert words in warned.text


def test_a_power_action_of_another_kind_in_another_mode_is_a_warning() -> None:
    found = load(one("a", OFF, when=DB, mode="observe"), one("b", AGAIN))
    assert "does reboot and not shutdown" in found.warnings[0].text


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
