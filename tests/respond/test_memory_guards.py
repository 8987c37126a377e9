"""The fake of the guards goes by the store's rules."""

from datetime import timedelta

import pytest
from tests.respond.world import START, TENANT, MemoryWorld, action, decide, quarantine

from vedette.core import Action, ActionState, Conflict, Held, HostId, Limits, Mode, Scope, Switch
from vedette.respond import Quarantine, Registry, Responder
from vedette.seal import SigningKey

S = ActionState
KEY = SigningKey.generate()


def propose(world: MemoryWorld, number: int) -> Action:
    made = quarantine(
        number,
        mode=Mode.AUTO,
        dry_run=False,
        disruptive=True,
        cohort="web",
        host=HostId(f"h{number}"),
        proposed_at=world.clock.now(),
        expires_at=world.clock.now() + timedelta(hours=1),
    )
    world.propose(made)
    return made


@pytest.fixture
def world() -> MemoryWorld:
    made = MemoryWorld()
    made.memory.guards.hosts = {(Scope.TENANT, ""): 20, (Scope.COHORT, "web"): 4}
    return made


@pytest.fixture
def responder(world: MemoryWorld) -> Responder:
    kinds = Registry([Quarantine(world.memory.commands, KEY)])
    limits = Limits(tenant=0.5, cohort=0.5)
    return Responder(world.memory, kinds, world.clock, sweep_seconds=0.0, limits=lambda _: limits)


def test_the_share_of_a_cohort_is_all_that_begins(world: MemoryWorld, responder: Responder) -> None:
    made = [propose(world, number) for number in range(1, 5)]
    responder.tick()
    states = [world.memory.actions.get(TENANT, one.id).state for one in made]
    assert states == [S.DISPATCHED, S.DISPATCHED, S.REFUSED, S.AWAITING_APPROVAL]
    (breaker,) = world.memory.guards.breakers(TENANT, open_only=True)
    assert (breaker.scope, breaker.key, breaker.acted, breaker.most) == (Scope.COHORT, "web", 2, 2)
    # What people approve meanwhile is held by the same breaker, which keeps the moment at which it tripped.
    decide(world, made[3], S.APPROVED)
    world.clock.advance(1)
    responder.tick()
    assert world.memory.actions.get(TENANT, made[3].id).state is S.REFUSED
    assert world.memory.guards.breakers(TENANT, open_only=True) == [breaker]
    world.clock.advance(1)
    world.memory.guards.reset(world.clock.now())
    assert world.memory.guards.breakers(TENANT, open_only=True) == []
    world.clock.advance(1)
    late = propose(world, 5)
    responder.tick()
    assert world.memory.actions.get(TENANT, late.id).state is S.DISPATCHED


def test_nothing_begins_while_the_switch_is_thrown(
    world: MemoryWorld, responder: Responder
) -> None:
    world.memory.guards.switch = Switch(
        tenant=None, thrown_at=START, thrown_by="user:ann", reason="a drill"
    )
    made = propose(world, 1)
    responder.tick()
    assert world.memory.actions.get(TENANT, made.id).state is S.REFUSED
    with pytest.raises(Conflict, match="the action is refused"):
        world.memory.actions.recall(TENANT, made.id, actor="user:ann")


def test_a_reset_counts_anew_even_where_the_clock_was_set_back_after_it(
    world: MemoryWorld, responder: Responder
) -> None:
    for number in range(1, 4):
        propose(world, number)
    responder.tick()
    world.memory.guards.reset(world.clock.now())
    world.clock.step(world.clock.now() - timedelta(minutes=30))
    late = [propose(world, number) for number in range(5, 9)]
    responder.tick()
    states = [world.memory.actions.get(TENANT, one.id).state for one in late]
    assert states.count(S.DISPATCHED) == 2
    again = propose(world, 9)
    responder.tick()
    assert world.memory.actions.get(TENANT, again.id).state is S.AWAITING_APPROVAL
    assert len(world.memory.guards.breakers(TENANT, open_only=False)) == 1


def test_what_has_moved_meanwhile_is_not_held(world: MemoryWorld) -> None:
    made = action()
    world.propose(made)
    world.ports.actions.advance(TENANT, made.id, S.CANCELLED, actor="user:ann")
    held = Held(by="s1", until=START + timedelta(hours=1), why="it is known", source="user:ada")
    with pytest.raises(Conflict, match="moved meanwhile"):
        world.ports.silences.hold(made, held)
