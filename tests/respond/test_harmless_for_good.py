"""What people called harmless ends though the incident is open again before the responder looked."""

import pytest
from tests.respond.lease_play import KEY, Play, in_force
from tests.respond.world import TENANT, World, action, events, quarantine, state

from vedette.core import ActionState, Mode, Resolution
from vedette.respond import Quarantine, Registry, Responder

S = ActionState
HARMLESS = [Resolution.FALSE_POSITIVE, Resolution.BENIGN_CHANGE]


@pytest.mark.parametrize("resolution", HARMLESS)
def test_a_lease_is_released(world: World, resolution: Resolution) -> None:
    play = in_force(world)
    world.close(resolution)
    world.reopen()
    play.responder.tick()
    play.poll()
    assert (play.stands().state, play.host.in_force) == (S.RELEASED, {})
    why = f"user:ann closed the incident as {resolution.replace('_', ' ')}"
    assert (play.stands().recalled_by, play.stands().recalled_why) == ("user:ann", why)
    assert f"asked for its end: {why}" in [one.detail for one in events(world, play.action)]


def test_what_was_a_true_alarm_goes_on(world: World) -> None:
    play = in_force(world)
    world.close(Resolution.TRUE_POSITIVE)
    world.reopen()
    play.wait(60)
    assert (play.stands().state, play.stands().recalled_by) == (S.VERIFIED, "")


@pytest.mark.parametrize("mode", [Mode.APPROVE, Mode.AUTO])
def test_what_had_not_begun_is_refused_and_what_is_proposed_later_begins(
    world: World, mode: Mode
) -> None:
    play = Play(world, mode=Mode.APPROVE, disruptive=True)
    waiting = quarantine(2, dry_run=False, mode=mode, disruptive=True)
    told = action(3)
    world.propose(waiting, told)
    world.close(Resolution.FALSE_POSITIVE)
    world.reopen()
    assert world.ports.actions.get(TENANT, told.id).recalled_by == ""
    play.responder.tick()
    assert [state(world, one) for one in (play.action, waiting)] == [S.REFUSED, S.REFUSED]
    assert "user:ann closed the incident as false positive" in play.stands().detail
    later = quarantine(4, dry_run=False, mode=Mode.AUTO)
    world.propose(later)
    play.responder.tick()
    play.poll()
    assert state(world, later) is S.VERIFIED


def test_what_was_under_way_without_that_word_is_called_off_too(world: World) -> None:
    """As where it was closed before an update."""
    world.close(Resolution.FALSE_POSITIVE)
    given = quarantine(2, dry_run=False, mode=Mode.AUTO)
    world.propose(given)
    for to in (S.APPROVED, S.DISPATCHED):
        world.ports.actions.advance(TENANT, given.id, to, actor="system:respond")
    kinds = Registry([Quarantine(world.ports.commands, KEY)])
    Responder(world.ports, kinds, world.clock, sweep_seconds=0.0).tick()
    ended = world.ports.actions.get(TENANT, given.id)
    assert (ended.state, ended.recalled_by) == (S.FAILED, "system:respond")
    why = "user:ann closed the incident as false positive"
    assert ended.detail == f"{why}; the host was not told yet"


def test_its_end_is_asked_for_once(world: World) -> None:
    play = in_force(world)
    world.ports.actions.recall(TENANT, play.action.id, actor="user:bob", why="enough")
    world.close(Resolution.FALSE_POSITIVE)
    assert (play.stands().recalled_by, play.stands().recalled_why) == ("user:bob", "enough")
