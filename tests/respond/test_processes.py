"""Ending and suspending processes: what policies may write, what the host is told, and what its answers make of it."""

from typing import Any

import pytest
from tests.respond.world import World, action, decide, events, state, states

from vedette.core import (
    Action,
    ActionState,
    Command,
    CommandResult,
    InvalidInput,
    Mode,
    Verb,
)
from vedette.respond import (
    KillProcess,
    KillProcessSchema,
    Registry,
    Responder,
    SuspendProcess,
    SuspendProcessSchema,
)
from vedette.seal import SigningKey

S = ActionState
KEY = SigningKey.generate()
EVIL = {"pid": 7, "start_time": 1_700_000_007, "path": "/tmp/x"}


def kill(**changes: Any) -> Action:
    given: dict[str, Any] = {
        "kind": "kill_process",
        "parameters": {"process": "@cause", "grace": 10.0, "processes": [EVIL]},
        "grace_seconds": 10.0,
    }
    return action(**(given | changes))


def responder(world: World) -> Responder:
    commands = world.ports.commands
    kinds = Registry([KillProcess(commands, KEY), SuspendProcess(commands, KEY)])
    return Responder(world.ports, kinds, world.clock, sweep_seconds=0.0)


def told(world: World, given: Action) -> tuple[Responder, Command]:
    made = responder(world)
    world.propose(given)
    made.tick()
    (command,) = world.commands(KEY.public)
    return made, command


def say(world: World, command: Command, to: ActionState, **more: Any) -> None:
    world.answer(CommandResult(command=command.id, state=to, at=world.clock.now(), **more))


def test_the_parameters_come_in_seconds() -> None:
    kill_schema, suspend_schema = KillProcessSchema(), SuspendProcessSchema()
    assert kill_schema.check({"process": "@cause"}, dry_run=False) == {
        "process": "@cause",
        "grace": 10.0,
    }
    given = {"process": "@cause", "lease": "30m"}
    assert suspend_schema.check(given, dry_run=True) == {
        "process": "@cause",
        "lease": 1800.0,
        "at_most": 86_400.0,
    }
    assert kill_schema.disruptive
    assert suspend_schema.disruptive


@pytest.mark.parametrize(
    ("parameters", "at"),
    [
        ({}, []),
        ({"process": "xmrig"}, ["process"]),
        ({"process": "@cause", "name": "x"}, ["name"]),
        ({"process": "@cause", "grace": "0s"}, ["grace"]),
        ({"process": "@cause", "grace": "6m"}, ["grace"]),
        ({"process": "@cause", "grace": 5}, ["grace"]),
    ],
)
def test_a_process_is_never_named_by_its_name_and_bad_values_have_their_place(
    parameters: dict[str, Any], at: list[str]
) -> None:
    with pytest.raises(InvalidInput) as error:
        KillProcessSchema().check(parameters, dry_run=False)
    assert error.value.extensions["at"] == at


def test_the_host_is_told_pid_start_and_path(world: World) -> None:
    _, command = told(world, kill())
    assert (command.kind, command.verb) == ("kill_process", Verb.APPLY)
    assert command.parameters == {"processes": [EVIL], "grace_seconds": 10.0}


def test_a_suspension_is_told_with_its_lease(world: World) -> None:
    given = kill(
        kind="suspend_process",
        grace_seconds=0.0,
        lease_seconds=600.0,
        parameters={"process": "@cause", "lease": 600.0, "processes": [EVIL]},
    )
    _, command = told(world, given)
    assert command.parameters == {"processes": [EVIL], "lease_seconds": 600.0}


@pytest.mark.parametrize("mode", [Mode.AUTO, Mode.APPROVE])
def test_where_no_process_is_named_nobody_is_asked_and_it_is_refused_with_the_reason(
    world: World, mode: Mode
) -> None:
    unresolved = {"process": "@cause", "grace": 10.0, "unresolved": "none runs now"}
    for number, parameters in enumerate((unresolved, {"process": "@cause", "grace": 10.0})):
        given = kill(number=number + 1, mode=mode, parameters=parameters)
        world.propose(given)
        responder(world).tick()
        assert state(world, given) is S.REFUSED
        why = events(world, given)[-1].detail
        assert ("none runs now" if number == 0 else "nobody looked") in why
    assert world.commands(KEY.public) == []


def test_it_is_verified_when_the_host_saw_it_gone(world: World) -> None:
    given = kill()
    made, command = told(world, given)
    say(world, command, S.ACKNOWLEDGED)
    say(world, command, S.APPLIED, detail="SIGTERM was sent")
    made.tick()
    assert state(world, given) is S.APPLIED
    say(world, command, S.VERIFIED, data={"probe": {"gone": "7"}})
    made.tick()
    assert states(world, given)[-3:] == ["acknowledged", "applied", "verified"]


def test_called_off_within_its_grace_it_is_cancelled_though_it_was_begun(world: World) -> None:
    given = kill()
    made, command = told(world, given)
    say(world, command, S.APPLIED)
    made.tick()
    world.ports.actions.recall(given.tenant, given.id, actor="user:ann", why="ours")
    made.tick()
    cancel = next(one for one in world.commands(KEY.public) if one.verb is Verb.CANCEL)
    say(world, cancel, S.CANCELLED, detail="no SIGKILL is sent")
    made.tick()
    assert state(world, given) is S.CANCELLED


def test_called_off_too_late_it_goes_on_and_says_so(world: World) -> None:
    given = kill()
    made, command = told(world, given)
    say(world, command, S.APPLIED)
    made.tick()
    world.ports.actions.recall(given.tenant, given.id, actor="user:ann", why="ours")
    made.tick()
    cancel = next(one for one in world.commands(KEY.public) if one.verb is Verb.CANCEL)
    say(world, cancel, S.REFUSED, detail="too late")
    made.tick()
    assert state(world, given) is S.APPLIED
    assert "too late" in events(world, given)[-1].detail
    say(world, command, S.VERIFIED, data={"probe": {"gone": "7"}})
    made.tick()
    assert state(world, given) is S.VERIFIED


def test_a_host_that_is_free_again_by_its_operator_says_cancelled(world: World) -> None:
    given = kill(mode=Mode.APPROVE)
    made = responder(world)
    world.propose(given)
    made.tick()
    assert state(world, given) is S.AWAITING_APPROVAL
    decide(world, given, S.APPROVED, "go")
    made.tick()
    (command,) = world.commands(KEY.public)
    say(world, command, S.APPLIED)
    made.tick()
    say(world, command, S.CANCELLED, detail="ann: mine")
    made.tick()
    assert state(world, given) is S.CANCELLED
