"""Policies on hosts that fall silent or are heard again: what they may say, and what they answer."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.decide.make import START, TENANT, host, policies

from vedette.core import Action, ActionState, Host, HostId, InvalidInput, Turn
from vedette.decide import PolicySet, answer
from vedette.respond import schemas

TELL = """
version: 1
policies:
  - name: tell
    on: [silent, heard]
    when: 'host.role != "lab"'
    then: [{action: mail, with: {to: ["@owner"]}}]
    mode: auto
    within: {cooldown: 15m, protected: {quiet: ["yes"]}}
"""


def hosts(count: int, **labels: str) -> tuple[Host, ...]:
    return tuple(
        msgspec.structs.replace(
            host(labels), id=HostId(f"h{n}"), hostname=f"web-{n}", silent_since=START
        )
        for n in range(count)
    )


def turn(count: int = 1, /, **more: Any) -> Turn:
    given = hosts(count)
    asked: dict[str, Any] = {
        "tenant": TENANT,
        "trigger": "silent",
        "at": START,
        "hosts": given,
        "recent": len(given),
        "fleet": 100,
    }
    return Turn(**(asked | more))


def proposed(turned: Turn, text: str = TELL) -> tuple[Action, ...]:
    return answer(turned, policies(text)).actions


def test_a_silent_host_is_told_of_without_an_incident() -> None:
    (action,) = proposed(turn())
    assert (action.incident, action.host, action.kind) == (None, "h0", "mail")
    assert (action.trigger, action.policy, action.state) == ("silent", "tell", "proposed")
    assert action.about is not None
    assert (action.about.count, action.about.fleet) == (1, 100)
    assert [(one.hostname, one.silent_since) for one in action.about.hosts] == [("web-0", START)]


def test_the_same_turn_gives_the_same_actions_and_another_others() -> None:
    assert proposed(turn(3)) == proposed(turn(3))
    ids = {
        action.id
        for turned in (turn(3), turn(3, trigger="heard"), turn(3, at=START + timedelta(hours=1)))
        for action in proposed(turned)
    }
    assert len(ids) == 9


def test_only_policies_that_listen_and_whose_condition_holds_answer() -> None:
    lab = Turn(**{**msgspec.structs.asdict(turn()), "hosts": hosts(1, role="lab")})
    assert proposed(lab) == ()
    assert proposed(turn(), TELL.replace("[silent, heard]", "[heard]")) == ()
    assert proposed(turn(), TELL.replace("[silent, heard]", "[opened]")) == ()


def test_what_a_guard_holds_back_is_told() -> None:
    protected = Turn(**{**msgspec.structs.asdict(turn()), "hosts": hosts(1, quiet="yes")})
    assert answer(protected, policies(TELL)).held == (
        (HostId("h0"), "policy tell: the host is protected (quiet: yes)"),
    )
    for minutes, count in ((14, 0), (15, 1)):
        last = {(HostId("h0"), "tell"): START - timedelta(minutes=minutes)}
        assert len(proposed(turn(last=last))) == count
    ahead = {(HostId("h0"), "tell"): START + timedelta(days=400)}
    assert len(proposed(turn(last=ahead))) == 1, "a clock set back holds nothing up"


def test_a_condition_without_a_value_is_told_and_never_taken_for_false() -> None:
    text = TELL.replace('host.role != "lab"', 'host.labels["env"] == "x"')
    said = answer(turn(), policies(text))
    assert said.actions == ()
    assert "its condition has no value here" in said.held[0][1]


def test_ten_hosts_are_told_of_one_by_one_and_eleven_at_once() -> None:
    assert len(proposed(turn(10, fleet=10))) == 10
    (action,) = proposed(turn(11, fleet=50))
    assert action.host is None
    assert action.about is not None
    assert (action.about.count, action.about.fleet, len(action.about.hosts)) == (11, 50, 10)


def test_many_that_are_few_of_a_large_fleet_are_told_of_one_by_one() -> None:
    assert len(proposed(turn(11, fleet=1000))) == 11


def test_a_storm_is_told_again_only_when_it_has_doubled() -> None:
    assert proposed(turn(5, recent=21, fleet=100, told={"tell": 11})) == ()
    (action,) = proposed(turn(5, recent=22, fleet=100, told={"tell": 11}))
    assert action.about is not None
    assert action.about.count == 22


def test_a_thousand_hosts_over_a_minute_give_a_handful_of_mails() -> None:
    told: dict[str, int] = {}
    mails: list[Action] = []
    for recent in range(4, 1001, 4):
        some = proposed(turn(4, recent=recent, fleet=1000, told=told))
        fleet = [action.about.count for action in some if action.host is None and action.about]
        told = {"tell": max([told.get("tell", 0), *fleet])}
        mails += some
    # Singly until they are thirty; then 32, 64, ... 512.
    assert (len(mails), sum(action.host is None for action in mails)) == (28 + 5, 5)


@pytest.mark.parametrize(
    ("mode", "hours"), [("auto", 7 * 24), ("approve", 24), ("observe", 7 * 24)]
)
def test_it_waits_as_long_as_its_mode_says(mode: str, hours: int) -> None:
    (action,) = proposed(turn(), TELL.replace("auto", mode))
    assert action.state is ActionState.PROPOSED
    assert action.expires_at == START + timedelta(hours=hours)


def test_the_shipped_policies_tell_of_silence_and_of_its_end() -> None:
    shipped = PolicySet.default(kinds=schemas())
    for trigger in ("silent", "heard"):
        (action,) = answer(turn(trigger=trigger), shipped).actions
        assert action.policy == "tell-of-silence"


WRONG = [
    ("[silent, heard]", "[silent, opened]", 5, 18, "write two policies"),
    ("[silent, heard]", "[opened, heard]", 5, 18, "write two policies"),
    ("[silent, heard]", "[silent, loud]", 5, 18, "must be one of"),
    (
        '{action: mail, with: {to: ["@owner"]}}',
        "{action: quarantine, with: {lease: 30m}, dry_run: true}",
        7,
        21,
        "quarantine can't start on silent or heard",
    ),
    ("cooldown: 15m", "confirm: 2", 9, 23, "confirm counts abnormal snapshots"),
    ('host.role != "lab"', "verdict.score > 0.5", 6, 19, "undeclared reference"),
    ('host.role != "lab"', 'incident.title == ""', 6, 20, "undeclared reference"),
]


@pytest.mark.parametrize(("was", "now", "line", "column", "words"), WRONG)
def test_what_makes_no_sense_of_a_silent_host_is_refused_at_its_place(
    was: str, now: str, line: int, column: int, words: str
) -> None:
    assert was in TELL
    with pytest.raises(InvalidInput, match=words) as error:
        policies(TELL.replace(was, now))
    place = error.value.extensions["line"], error.value.extensions["column"]
    assert place == (line, column), error.value.detail
