"""A renewal may have been heard though no answer came: the lease counts as long as it can be in force at its host."""

from datetime import timedelta

import pytest
from tests.respond.lease_play import LEASE, Play, in_force
from tests.respond.world import TENANT, World

from vedette.core import ActionState, CommandId, CommandResult, Verb, derived_id

S = ActionState


@pytest.fixture
def play(world: World) -> Play:
    return in_force(world)


def test_a_renewal_that_was_heard_and_not_answered_is_waited_for(play: Play) -> None:
    first = play.stands().lease_until
    assert first is not None
    play.wait(LEASE / 2, host=False)
    (renewal,) = play.commands(Verb.RENEW)
    play.host.obey(renewal, play.world.clock.now())
    held = play.host.in_force[play.action.id]
    assert held > first
    while play.world.clock.now() < held:
        assert play.stands().state is S.VERIFIED
        play.wait(60, host=False)
    while play.world.clock.now() < renewal.expires_at + timedelta(seconds=LEASE + 120):
        play.wait(60, host=False)
    assert play.stands().state is S.RELEASED
    assert "if a renewal that failed or was never answered was heard" in play.stands().detail


def test_an_answer_that_comes_after_the_end_it_moved_is_taken(play: Play) -> None:
    play.wait(LEASE / 2, host=False)
    (renewal,) = play.commands(Verb.RENEW)
    said = list(play.host.obey(renewal, play.world.clock.now()))
    held = play.host.in_force[play.action.id]
    play.wait(LEASE / 2 + 60, host=False)
    assert play.stands().state is S.VERIFIED
    for result in said:
        play.world.answer(result)
    play.responder.tick()
    assert play.stands().lease_until == held


def test_what_the_host_says_of_its_end_just_after_it_is_what_is_written(play: Play) -> None:
    begun = CommandId(derived_id("command", play.action.id))
    play.wait(LEASE + 30, host=False)
    ended = CommandResult(
        command=begun, state=S.RELEASED, at=play.world.clock.now(), detail="it was over"
    )
    play.world.answer(ended)
    play.responder.tick()
    assert (play.stands().state, play.stands().detail) == (S.RELEASED, "it was over")


def test_a_renewal_that_was_refused_moves_no_end(play: Play) -> None:
    play.wait(LEASE / 2, host=False)
    (renewal,) = play.commands(Verb.RENEW)
    play.world.answer(
        CommandResult(
            command=renewal.id, state=S.REFUSED, at=play.world.clock.now(), detail="not now"
        )
    )
    play.world.ports.actions.recall(TENANT, play.action.id, actor="user:ann", why="enough")
    play.wait(LEASE / 2 + 121, host=False)
    assert "ended by itself at" in play.stands().detail
