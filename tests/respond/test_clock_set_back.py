"""What only the responder ends does not last longer because the server's clock was set back."""

from datetime import timedelta
from typing import Any

import pytest
from tests.respond.world import World, quarantine

from vedette.core import Action, ActionState, Mode, Unavailable
from vedette.respond import Job, Registry, Responder
from vedette.respond.actions.ec2_isolate.schema import Ec2IsolateSchema
from vedette.respond.cloud_lease import CloudLease

LEASE = 1_800.0


class Cut:
    """A measure in a made-up cloud, which stays as it was put."""

    lacks = ""
    settles = timedelta(minutes=1)

    def __init__(self) -> None:
        self.on = self.deaf = False

    def look(self, _job: Job) -> dict[str, Any]:
        return {"was": "open"}

    def plan(self, _job: Job, _former: dict[str, Any]) -> dict[str, Any]:
        return {}

    def put(self, _job: Job, _former: dict[str, Any]) -> None:
        self.on = True

    def seen(self, _job: Job, _former: dict[str, Any]) -> dict[str, Any]:
        return {"seen": self.on}

    def restore(self, _job: Job, _former: dict[str, Any]) -> dict[str, Any]:
        if self.deaf:
            raise Unavailable("the cloud does not answer")
        self.on = False
        return {"is": "open"}


def test_an_end_that_was_asked_for_does_not_wait_for_that_time(world: World) -> None:
    """The cloud did not answer at first; then the clock was set back by a day."""
    cut = Cut()
    made, begun = _begun(world, cut)
    cut.deaf = True
    world.ports.actions.recall(begun.tenant, begun.id, actor="user:ann", why="it is enough")
    made.tick()
    cut.deaf = False
    world.clock.step(world.clock.now() - timedelta(days=1))
    assert _time_until_undone(world, made, cut) <= 120.0


def _begun(world: World, cut: Cut) -> tuple[Responder, Action]:
    action = quarantine(
        dry_run=False,
        mode=Mode.AUTO,
        kind="ec2_isolate",
        lease_seconds=LEASE,
        most_seconds=LEASE,
    )
    registry = Registry([CloudLease(Ec2IsolateSchema(), cut)])
    made = Responder(world.ports, registry, world.clock, sweep_seconds=0.0)
    world.propose(action)
    for _ in range(5):
        made.tick()
        world.clock.advance(2)
    begun = world.ports.actions.get(action.tenant, action.id)
    assert begun.state is ActionState.VERIFIED
    return made, begun


def _time_until_undone(world: World, made: Responder, cut: Cut) -> float:
    passed = 0.0
    while cut.on and passed < 10 * LEASE:
        world.clock.advance(60.0)
        passed += 60.0
        made.tick()
    return passed


@pytest.mark.parametrize(
    ("back", "most"),
    [(timedelta(0), LEASE), (timedelta(minutes=20), 2 * LEASE), (timedelta(days=1), 120.0)],
)
def test_it_ends_within_two_lengths_at_the_most(world: World, back: timedelta, most: float) -> None:
    cut = Cut()
    made, begun = _begun(world, cut)
    world.clock.step(world.clock.now() - back)
    assert _time_until_undone(world, made, cut) <= most + 120.0
    for _ in range(5):
        world.clock.advance(60.0)
        made.tick()
    ended = world.ports.actions.get(begun.tenant, begun.id)
    assert ended.state in {ActionState.RELEASED, ActionState.FAILED}
    if back > timedelta(hours=1):
        assert "the server's clock was set back" in ended.recalled_why
