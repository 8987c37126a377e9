"""Quarantine: its parameters, the signed command, and what the host's answers make of it."""

import ipaddress
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.respond.world import (
    HOST,
    TENANT,
    World,
    decide,
    events,
    quarantine,
    state,
    states,
)

from vedette.agent.actions.quarantine import _exception, _Parameters
from vedette.core import (
    Action,
    ActionState,
    Command,
    CommandResult,
    InvalidInput,
    Mode,
)
from vedette.respond import Job, Quarantine, QuarantineSchema, Registry, Responder
from vedette.seal import SigningKey

S = ActionState
KEY = SigningKey.generate()
PLAN = {"ruleset": "table inet vedette { }", "checks": {"nft": "not installed"}}


def responder(world: World) -> Responder:
    kinds = Registry([Quarantine(world.ports.commands, KEY)])
    return Responder(world.ports, kinds, world.clock, sweep_seconds=0.0)


def dispatched(world: World, **changes: Any) -> tuple[Responder, Action, Command]:
    made, given = responder(world), quarantine(mode=Mode.AUTO, **changes)
    world.propose(given)
    made.tick()
    (command,) = world.commands(KEY.public)
    return made, given, command


def answer(world: World, command: Command, to: ActionState, **more: Any) -> None:
    world.answer(CommandResult(command=command.id, state=to, at=world.clock.now(), **more))


def test_the_lease_comes_in_seconds_and_networks_in_one_form() -> None:
    given = {"lease": "30m", "allow": ["10.0.0.0/8", "10.0.0.0/8", "2001:DB8::/32", "192.0.2.7"]}
    assert QuarantineSchema().check(given, dry_run=True) == {
        "lease": 1800.0,
        "at_most": 86_400.0,
        "allow": ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32"],
    }


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({}, []),
        ({"lease": 30}, ["lease"]),
        ({"lease": "59s"}, ["lease"]),
        ({"lease": "2d"}, ["lease"]),
        ({"lease": "1h", "at_most": "59m"}, ["at_most"]),
        ({"lease": "1h", "at_most": "31d"}, ["at_most"]),
        ({"lease": "1h", "deny": ["10.0.0.1"]}, ["deny"]),
        ({"lease": "1h", "allow": "10.0.0.0/8"}, ["allow"]),
        ({"lease": "1h", "allow": ["10.0.0.0/8"] * 65}, ["allow"]),
        ({"lease": "1h", "allow": ["10.0.0.1", "host.example"]}, ["allow", 1]),
        ({"lease": "1h", "allow": ["10.0.0.1/8"]}, ["allow", 0]),
        ({"lease": "1h", "allow": ["0.0.0.0/0"]}, ["allow", 0]),
        ({"lease": "1h", "allow": ["::/8"]}, ["allow", 0]),
        ({"lease": "1h", "allow": [7]}, ["allow", 0]),
        ({"lease": "1h", "allow": [f"{n}.0.0.0/8" for n in range(64)]}, ["allow", 2]),
        ({"lease": "1h", "allow": ["2000::/16", "2001::/16", "2003::/128"]}, ["allow", 2]),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(given: dict[str, Any], at: list[Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        QuarantineSchema().check(given, dry_run=True)
    assert caught.value.extensions["at"] == at


@pytest.mark.parametrize("lease", ["1d", "30m"])
def test_it_lasts_a_day_in_all_unless_it_is_said(lease: str) -> None:
    checked = QuarantineSchema().check({"lease": lease}, dry_run=False)
    assert checked["at_most"] == 86_400.0


def test_without_a_host_there_is_nothing_to_quarantine(world: World) -> None:
    kind = Quarantine(world.ports.commands, KEY)
    job = Job(action=quarantine(host=None), incident=None, events=(), now=world.clock.now())
    with pytest.raises(InvalidInput, match="names none"):
        kind.plan(job)


def test_after_approval_the_host_gets_one_signed_expiring_command(world: World) -> None:
    given = quarantine(mode=Mode.APPROVE)
    made = responder(world)
    world.propose(given)
    made.tick()
    assert world.commands(KEY.public) == []
    decide(world, given, S.APPROVED)
    for _ in range(3):
        made.tick()
    (command,) = world.commands(KEY.public)
    assert (command.tenant, command.host, command.action) == (TENANT, HOST, given.id)
    assert (command.kind, command.dry_run) == ("quarantine", True)
    assert command.parameters["lease_seconds"] == 1800.0
    assert len(command.parameters["exceptions"]) == 4
    assert command.expires_at - command.issued_at == timedelta(minutes=15)
    assert len(command.nonce) == 32
    assert states(world, given)[-2:] == ["approved", "dispatched"]


def test_the_host_understands_every_word_of_the_command(world: World) -> None:
    _, _, command = dispatched(world)
    understood = msgspec.convert(command.parameters, _Parameters)
    assert msgspec.to_builtins(understood).keys() == command.parameters.keys()
    assert {_exception(each).network for each in understood.exceptions} == {
        ipaddress.ip_network("10.0.0.0/8")
    }
    assert understood.lease_seconds == 1800.0


def test_what_the_host_would_have_done_ends_simulated_with_its_plan(world: World) -> None:
    made, given, command = dispatched(world)
    answer(world, command, S.ACKNOWLEDGED)
    made.tick()
    assert state(world, given) is S.ACKNOWLEDGED
    answer(world, command, S.SIMULATED, detail="2 checks failed", data=PLAN)
    made.tick()
    ended = world.ports.actions.get(TENANT, given.id)
    assert (ended.state, ended.plan, ended.detail) == (S.SIMULATED, PLAN, "2 checks failed")


def test_an_answer_that_overtakes_the_acknowledgement_goes_the_whole_way(world: World) -> None:
    made, given, command = dispatched(world)
    answer(world, command, S.SIMULATED, data=PLAN)
    answer(world, command, S.ACKNOWLEDGED)
    made.tick()
    assert states(world, given)[-3:] == ["dispatched", "acknowledged", "simulated"]


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("ending", [S.REFUSED, S.FAILED])
def test_a_host_may_say_no(world: World, ending: ActionState, *, first: bool) -> None:
    made, given, command = dispatched(world)
    if first:
        answer(world, command, S.ACKNOWLEDGED)
        made.tick()
    answer(world, command, ending, detail="not on my list")
    made.tick()
    assert state(world, given) is ending
    assert events(world, given)[-1].detail == "not on my list"


@pytest.mark.parametrize("claim", [S.APPLIED, S.VERIFIED])
def test_a_host_that_did_what_it_should_only_simulate_is_a_failure(
    world: World, claim: ActionState
) -> None:
    made, given, command = dispatched(world)
    answer(world, command, claim)
    made.tick()
    assert state(world, given) is S.FAILED
    assert "was asked for a dry run" in events(world, given)[-1].detail


def test_a_host_that_never_comes_lets_it_expire(world: World) -> None:
    made, given, _ = dispatched(world)
    world.clock.advance(16 * 60)
    made.tick()
    assert state(world, given) is S.DISPATCHED
    world.clock.advance(60)
    made.tick()
    assert state(world, given) is S.EXPIRED


def test_a_host_that_takes_it_and_falls_silent_has_failed(world: World) -> None:
    made, given, command = dispatched(world)
    answer(world, command, S.ACKNOWLEDGED)
    world.clock.advance(18 * 60)
    made.tick()
    assert state(world, given) is S.FAILED


def test_an_answer_after_the_end_changes_nothing(world: World) -> None:
    made, given, command = dispatched(world)
    world.clock.advance(20 * 60)
    made.tick()
    answer(world, command, S.SIMULATED, data=PLAN)
    made.tick()
    assert state(world, given) is S.EXPIRED
    assert world.waiting() == 0


def test_a_command_that_was_never_issued_is_issued_while_it_is_time(world: World) -> None:
    given = quarantine(mode=Mode.APPROVE)
    world.propose(given)
    for step in (S.APPROVED, S.DISPATCHED):
        world.ports.actions.advance(TENANT, given.id, step, actor="system:respond", attempts=1)
    responder(world).tick()
    assert len(world.commands(KEY.public)) == 1


def test_a_command_that_was_never_issued_in_time_is_not_issued_late(world: World) -> None:
    given = quarantine(mode=Mode.APPROVE)
    world.propose(given)
    for step in (S.APPROVED, S.DISPATCHED):
        world.ports.actions.advance(TENANT, given.id, step, actor="system:respond", attempts=1)
    world.clock.advance(20 * 60)
    responder(world).tick()
    assert state(world, given) is S.EXPIRED
    assert world.commands(KEY.public) == []
