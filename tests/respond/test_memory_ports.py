"""The fake ports go by the store's rules: what is asked of one in vain is asked of the other in vain."""

from datetime import timedelta

import pytest
from tests.respond.world import (
    HOST,
    START,
    TENANT,
    MemoryWorld,
    StoreWorld,
    World,
    action,
    decide,
    quarantine,
    state,
)

from vedette.core import ActionState, Conflict, Mode
from vedette.respond import Quarantine, Registry, Responder
from vedette.seal import SigningKey

S = ActionState
KEY = SigningKey.generate()


def quarantines(world: World) -> Responder:
    kinds = Registry([Quarantine(world.ports.commands, KEY)])
    return Responder(world.ports, kinds, world.clock, sweep_seconds=0.0)


def pending(world: World) -> int:
    """How many commands the host would be given."""
    assert isinstance(world, MemoryWorld | StoreWorld)
    held = world.memory if isinstance(world, MemoryWorld) else world.store
    return len(held.commands.pending(TENANT, HOST, world.clock.now()))


def test_what_is_proposed_again_is_left_as_it_became(world: World) -> None:
    given = action(mode=Mode.OBSERVE)
    world.propose(given)
    decide(world, given, S.REFUSED, "no")
    world.propose(given)
    assert state(world, given) is S.REFUSED


def test_an_attempt_on_what_moved_meanwhile_is_not_noted(world: World) -> None:
    given = action()
    world.propose(given)
    for expected, before in ((S.DISPATCHED, 0), (S.PROPOSED, 1)):
        with pytest.raises(Conflict):
            world.ports.actions.note(
                TENANT,
                given.id,
                actor="system:respond",
                expected=expected,
                expected_attempts=before,
                attempts=2,
            )
    assert world.ports.actions.get(TENANT, given.id).attempts == 0


def test_what_moved_meanwhile_is_not_put_to_sleep(world: World) -> None:
    given = action()
    world.propose(given)
    later = START + timedelta(hours=1)
    world.ports.actions.wake(TENANT, given.id, expected=S.DISPATCHED, at=later)
    assert world.ports.actions.get(TENANT, given.id).wake_at is None
    world.ports.actions.wake(TENANT, given.id, expected=S.PROPOSED, at=later)
    assert world.ports.actions.get(TENANT, given.id).wake_at == later


def test_a_host_has_what_did_not_end(world: World) -> None:
    over, going = action(1, mode=Mode.APPROVE), action(2, mode=Mode.APPROVE)
    world.propose(over, going)
    decide(world, over, S.CANCELLED)
    assert [one.id for one in world.ports.actions.of_host(TENANT, HOST)] == [going.id]


def test_a_host_is_not_given_what_was_asked_back(world: World) -> None:
    given = quarantine(dry_run=False, mode=Mode.AUTO)
    world.propose(given)
    quarantines(world).tick()
    assert pending(world) == 1
    world.ports.actions.recall(TENANT, given.id, actor="user:ann", why="a drill")
    assert pending(world) == 0
    quarantines(world).tick()
    assert pending(world) == 1, "what undoes it is given"


def test_what_names_no_host_is_refused() -> None:
    world, given = MemoryWorld(), quarantine(host=None, mode=Mode.APPROVE)
    world.propose(given)
    quarantines(world).tick()
    assert state(world, given) is S.REFUSED
    assert "this action names none" in world.memory.actions.get(TENANT, given.id).detail


def test_a_revoked_host_is_asked_for_nothing() -> None:
    world, given = MemoryWorld(), quarantine(mode=Mode.APPROVE)
    world.memory.hosts.revoke(HOST, START)
    world.propose(given)
    quarantines(world).tick()
    assert state(world, given) is S.REFUSED
    assert "was revoked at" in world.memory.actions.get(TENANT, given.id).detail
