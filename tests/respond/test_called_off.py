"""What is on its way ends when people say that nothing was wrong, and what waits for its grace when the switch is thrown."""

from datetime import timedelta
from typing import Any

import pytest
from tests.respond.world import START, TENANT, StoreWorld, World, action, events, quarantine, state

from vedette.core import (
    NOTHING_IN_FORCE,
    Action,
    ActionState,
    CommandResult,
    Mode,
    Resolution,
    Verb,
)
from vedette.respond import Quarantine, Registry, Responder, Shutdown
from vedette.seal import SigningKey

S = ActionState
KEY = SigningKey.generate()


def responder(world: World) -> Responder:
    kinds = Registry([Quarantine(world.ports.commands, KEY)])
    return Responder(world.ports, kinds, world.clock, sweep_seconds=0.0)


def shutting_down(world: StoreWorld, **said: Any) -> tuple[Responder, Action]:
    """A host that says that it waits for the end of a grace of ten minutes."""
    given = action(
        kind="shutdown",
        mode=Mode.AUTO,
        disruptive=True,
        grace_seconds=600.0,
        parameters={"grace": 600.0, "message": ""},
    )
    kinds = Registry([Shutdown(world.store.commands, KEY, world.store.hosts)])
    made = Responder(world.ports, kinds, world.clock, sweep_seconds=0.0)
    world.propose(given)
    made.tick()
    (command,) = world.commands(KEY.public)
    data = {"at": (START + timedelta(seconds=600)).isoformat()} | said
    world.answer(
        CommandResult(command=command.id, state=S.APPLIED, at=world.clock.now(), data=data)
    )
    made.tick()
    assert state(world, given) is S.APPLIED
    return made, given


@pytest.mark.parametrize("resolution", [Resolution.FALSE_POSITIVE, Resolution.BENIGN_CHANGE])
@pytest.mark.parametrize("mode", [Mode.APPROVE, Mode.AUTO])
def test_what_has_not_begun_is_refused_when_its_incident_was_harmless(
    world: World, mode: Mode, resolution: Resolution
) -> None:
    given = quarantine(dry_run=False, mode=mode, disruptive=True)
    world.propose(given)
    if mode is Mode.APPROVE:
        responder(world).tick()
        assert state(world, given) is S.AWAITING_APPROVAL
    world.close(resolution)
    responder(world).tick()
    assert state(world, given) is S.REFUSED
    assert "closed the incident" in world.ports.actions.get(TENANT, given.id).detail
    assert world.commands(KEY.public) == []


def test_what_was_a_true_alarm_may_begin_after_it_is_closed(world: World) -> None:
    given = quarantine(dry_run=False, mode=Mode.AUTO, disruptive=True)
    world.propose(given)
    world.close(Resolution.TRUE_POSITIVE)
    responder(world).tick()
    assert state(world, given) is S.DISPATCHED


def test_a_lease_that_its_host_has_not_answered_is_undone_when_its_incident_was_harmless(
    world: World,
) -> None:
    given = quarantine(dry_run=False, mode=Mode.AUTO, disruptive=True)
    world.propose(given)
    made = responder(world)
    made.tick()
    world.close(Resolution.FALSE_POSITIVE)
    made.tick()
    assert [one.verb for one in world.commands(KEY.public)][-1:] == [Verb.RELEASE]


@pytest.mark.parametrize("why", ["closed", "thrown"])
def test_a_shutdown_in_its_grace_is_called_off_and_ends_by_its_hosts_word(
    stored: StoreWorld, why: str
) -> None:
    made, given = shutting_down(stored)
    if why == "closed":
        stored.close(Resolution.FALSE_POSITIVE)
    else:
        stored.store.guards.throw(TENANT, actor="user:ann", reason="it runs wild")
    made.tick()
    made.tick()
    assert state(stored, given) is S.APPLIED
    (cancel,) = [one for one in stored.commands(KEY.public) if one.verb is Verb.CANCEL]
    stored.answer(
        CommandResult(command=cancel.id, state=S.CANCELLED, at=stored.clock.now(), detail="off")
    )
    made.tick()
    assert state(stored, given) is S.CANCELLED
    recalled = stored.store.actions.get(TENANT, given.id).recalled_why
    assert {"closed": "false positive", "thrown": "kill switch"}[why] in recalled


def test_a_cancel_that_its_host_refuses_is_told_again_until_nothing_is_on_its_way(
    stored: StoreWorld,
) -> None:
    made, given = shutting_down(stored)
    stored.ports.actions.recall(TENANT, given.id, actor="user:ann", why="not now")
    made.tick()
    for data, waiting in (({}, 1), ({NOTHING_IN_FORCE: True}, 0)):
        last = [one for one in stored.commands(KEY.public) if one.verb is Verb.CANCEL][-1]
        now = stored.clock.now()
        stored.answer(
            CommandResult(command=last.id, state=S.REFUSED, at=now, detail="late", data=data)
        )
        made.tick()
        _wait(stored, made, 1.1)
        assert state(stored, given) is S.APPLIED
        cancels = [one for one in stored.commands(KEY.public) if one.verb is Verb.CANCEL]
        assert len(cancels) == waiting
    words = [one.detail for one in events(stored, given) if "could not be undone" in one.detail]
    assert words == [
        "could not be undone: the host refuses that, and is told again: late",
        "could not be undone: late",
    ]


@pytest.mark.parametrize("at", ["9999-12-31T23:59:59+00:00", "0001-01-01T00:00:00+23:59", "soon"])
def test_a_moment_that_can_not_be_lets_a_shutdown_end_all_the_same(
    stored: StoreWorld, at: str
) -> None:
    made, given = shutting_down(stored, at=at)
    stored.clock.advance(3 * 3_600)
    made.tick()
    assert state(stored, given) is S.FAILED


def _held(world: World) -> tuple[Responder, Action]:
    given = quarantine(dry_run=False, mode=Mode.AUTO, disruptive=True)
    made = responder(world)
    world.propose(given)
    made.tick()
    assert state(world, given) is S.DISPATCHED
    return made, given


def _throw(world: StoreWorld, made: Responder) -> None:
    world.store.guards.throw(TENANT, actor="user:ada", reason="it runs wild")
    made.tick()


def _wait(world: StoreWorld, made: Responder, minutes: float) -> None:
    world.clock.advance(minutes * 60)
    made.tick()


def test_a_command_that_the_kill_switch_held_until_its_end_says_so(stored: StoreWorld) -> None:
    made, given = _held(stored)
    _throw(stored, made)
    words = "its command is held back: user:ada threw the kill switch: it runs wild"
    assert stored.ports.actions.get(TENANT, given.id).detail == words
    made.tick()
    _wait(stored, made, 18)
    assert state(stored, given) is S.EXPIRED
    told = stored.ports.actions.get(TENANT, given.id).detail
    assert told == f"the host was not given the command in its time: {words}"
    assert [one.detail for one in events(stored, given)].count(words) == 1


def test_a_command_that_was_let_through_again_is_the_hosts_to_fetch(stored: StoreWorld) -> None:
    made, given = _held(stored)
    _throw(stored, made)
    stored.store.guards.lift(TENANT, actor="user:ada", reason="seen")
    made.tick()
    told = [one.detail for one in events(stored, given)]
    assert told[-1] == "its command is given out: the kill switch is lifted"
    _throw(stored, made)
    stored.store.guards.lift(TENANT, actor="user:ada", reason="seen")
    made.tick()
    _wait(stored, made, 18)
    assert state(stored, given) is S.EXPIRED
    assert "did not fetch" in stored.ports.actions.get(TENANT, given.id).detail


def test_a_dry_run_is_not_held_back(stored: StoreWorld) -> None:
    given = quarantine(mode=Mode.AUTO, disruptive=True)
    made = responder(stored)
    stored.propose(given)
    made.tick()
    _throw(stored, made)
    assert len(stored.commands(KEY.public)) == 1
    assert stored.ports.actions.get(TENANT, given.id).detail == "attempt 1"
