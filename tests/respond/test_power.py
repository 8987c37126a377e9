"""Shutting down and rebooting: what is told, what its silence or its next life shows, and how it is called off."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.respond.world import HOST, START, TENANT, StoreWorld, action, events, state
from tests.store.make import open_for

from vedette.core import Action, ActionState, Command, CommandResult, InvalidInput, Mode, Verb
from vedette.respond import (
    Reboot,
    RebootSchema,
    Registry,
    Responder,
    Shutdown,
    ShutdownSchema,
)
from vedette.seal import SigningKey

S = ActionState
KEY = SigningKey.generate()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[StoreWorld]:
    made = StoreWorld(tmp_path)
    yield made
    made.store.close()


def begun(world: StoreWorld, kind: str, **said: Any) -> tuple[Responder, Action, Command]:
    """Told to a host that says when it will be."""
    given = action(
        kind=kind,
        mode=Mode.AUTO,
        grace_seconds=60.0,
        parameters={"grace": 60.0, "message": "by policy"},
    )
    commands = world.store.commands
    kinds = Registry([Shutdown(commands, KEY, world.store.hosts), Reboot(commands, KEY)])
    made = Responder(world.ports, kinds, world.clock, sweep_seconds=0.0)
    world.propose(given)
    made.tick()
    (command,) = world.commands(KEY.public)
    assert command.parameters == {"grace_seconds": 60.0, "message": "by policy"}
    at = (START + timedelta(seconds=60)).isoformat()
    say(world, command, S.APPLIED, **({"data": {"at": at}} | said))
    made.tick()
    assert state(world, given) is S.APPLIED
    return made, given, command


def say(world: StoreWorld, command: Command, to: ActionState, **more: Any) -> None:
    world.answer(CommandResult(command=command.id, state=to, at=world.clock.now(), **more))


def silent(world: StoreWorld) -> None:
    """Nothing came for more than three intervals, though the door was open."""
    open_for(world.store, 600.0)
    (found,) = world.store.hosts.expire_silent(world.clock.now())
    assert found.id == HOST


def test_the_parameters_come_in_seconds_with_five_minutes_unless_told() -> None:
    for schema in (ShutdownSchema(), RebootSchema()):
        assert schema.check({}, dry_run=False) == {"grace": 300.0, "message": ""}
        given = {"grace": "1h", "message": "by ann"}
        assert schema.check(given, dry_run=True) == {"grace": 3600.0, "message": "by ann"}
        assert schema.disruptive
    assert (ShutdownSchema().name, RebootSchema().name) == ("shutdown", "reboot")


@pytest.mark.parametrize(
    ("parameters", "at"),
    [
        ({"grace": "59s"}, ["grace"]),
        ({"grace": "61m"}, ["grace"]),
        ({"message": 5}, ["message"]),
        ({"message": "x" * 201}, ["message"]),
        ({"now": True}, ["now"]),
    ],
)
def test_bad_values_have_their_place(parameters: dict[str, Any], at: list[str]) -> None:
    with pytest.raises(InvalidInput) as error:
        ShutdownSchema().check(parameters, dry_run=False)
    assert error.value.extensions["at"] == at


@pytest.mark.parametrize("said", [{}, {"data": {}}, {"data": {"at": "2099-01-01"}}])
def test_a_shutdown_is_verified_by_silence_since_the_moment_that_the_host_named(
    world: StoreWorld, said: dict[str, Any]
) -> None:
    made, given, _ = begun(world, "shutdown", **said)
    world.clock.advance(30)
    made.tick()
    assert state(world, given) is S.APPLIED
    world.clock.advance(300)
    made.tick()
    assert state(world, given) is S.APPLIED
    silent(world)
    made.tick()
    assert state(world, given) is S.VERIFIED
    last = events(world, given)[-1]
    assert "a network that broke just then would look the same" in last.detail
    assert "found silent at" in last.data["probe"]["silent"]


def test_a_host_that_was_silent_before_its_moment_shows_nothing(world: StoreWorld) -> None:
    made, given, _ = begun(world, "shutdown")
    world.clock.advance(50)
    silent(world)
    world.clock.advance(600)
    made.tick()
    assert state(world, given) is S.APPLIED
    world.clock.advance(3_600)
    made.tick()
    assert state(world, given) is S.FAILED


def test_a_host_that_is_heard_goes_on_and_the_shutdown_has_failed(world: StoreWorld) -> None:
    made, given, _ = begun(world, "shutdown")
    world.clock.advance(3_600 + 60 + 179)
    made.tick()
    assert state(world, given) is S.APPLIED
    world.clock.advance(2)
    made.tick()
    assert state(world, given) is S.FAILED
    assert "said nothing more" in events(world, given)[-1].detail


def test_a_host_that_was_last_heard_long_before_shows_nothing_by_its_silence(
    world: StoreWorld,
) -> None:
    at = (START + timedelta(seconds=600)).isoformat()
    world.clock.advance(590)
    made, given, _ = begun(world, "shutdown", data={"at": at})
    world.clock.advance(300)
    silent(world)
    made.tick()
    assert state(world, given) is S.APPLIED


@pytest.mark.parametrize("kind", ["shutdown", "reboot"])
def test_its_next_life_verifies_it(world: StoreWorld, kind: str) -> None:
    made, given, command = begun(world, kind)
    world.clock.advance(500)
    say(world, command, S.VERIFIED, data={"probe": {"rebooted": "another boot id"}})
    made.tick()
    assert state(world, given) is S.VERIFIED


def test_a_reboot_is_not_verified_by_silence_and_fails_after_an_hour(world: StoreWorld) -> None:
    made, given, _ = begun(world, "reboot")
    world.clock.advance(300)
    silent(world)
    made.tick()
    assert state(world, given) is S.APPLIED
    world.clock.advance(3_600)
    made.tick()
    assert state(world, given) is S.FAILED


@pytest.mark.parametrize("kind", ["shutdown", "reboot"])
def test_a_host_that_says_nothing_at_all_lets_the_command_expire(
    world: StoreWorld, kind: str
) -> None:
    given = action(
        kind=kind, grace_seconds=60.0, parameters={"grace": 60.0, "message": ""}, mode=Mode.AUTO
    )
    commands = world.store.commands
    kinds = Registry([Shutdown(commands, KEY, world.store.hosts), Reboot(commands, KEY)])
    made = Responder(world.ports, kinds, world.clock, sweep_seconds=0.0)
    world.propose(given)
    made.tick()
    world.clock.advance(15 * 60 + 60 + 121)
    made.tick()
    assert state(world, given) is S.EXPIRED


@pytest.mark.parametrize("kind", ["shutdown", "reboot"])
def test_it_is_called_off_within_its_grace(world: StoreWorld, kind: str) -> None:
    made, given, _ = begun(world, kind)
    world.ports.actions.recall(TENANT, given.id, actor="user:ann", why="not now")
    made.tick()
    cancel = next(one for one in world.commands(KEY.public) if one.verb is Verb.CANCEL)
    say(world, cancel, S.CANCELLED, detail="the schedule was taken away")
    made.tick()
    assert state(world, given) is S.CANCELLED
