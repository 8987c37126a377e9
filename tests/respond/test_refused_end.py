"""A host that refuses to undo something may have it in force all the same; one that has nothing in force says so."""

from datetime import timedelta

import pytest
from tests.respond.lease_play import LEASE, Play, in_force
from tests.respond.world import World, events

from vedette.core import NOTHING_IN_FORCE, ActionState, CommandResult, Verb

S = ActionState


@pytest.fixture
def play(world: World) -> Play:
    return in_force(world)


def test_what_was_undone_after_it_had_failed_is_released(play: Play) -> None:
    play.recall()
    (command,) = play.commands(Verb.RELEASE)
    for said in (S.FAILED, S.RELEASED):
        play.world.answer(
            CommandResult(command=command.id, state=said, at=play.world.clock.now(), detail="it is")
        )
    play.responder.tick()
    assert (play.stands().state, play.stands().detail) == (S.RELEASED, "it is")


def test_a_host_that_has_nothing_in_force_has_nothing_to_undo(play: Play) -> None:
    play.host.in_force.clear()
    play.recall()
    play.poll()
    assert play.stands().state is S.RELEASED
    assert "nothing of it is left" in play.stands().detail
    assert events(play.world, play.action)[-1].data == {NOTHING_IN_FORCE: True}


def test_a_host_that_finds_each_release_expired_holds_it_and_is_told_again_at_growing_pauses(
    play: Play,
) -> None:
    play.host.ahead = timedelta(hours=1)
    play.recall()
    play.poll()
    assert play.stands().state is S.VERIFIED
    assert "refuses that, and is told again: expired" in play.stands().detail
    play.poll()
    assert len(play.releases) == 2
    play.wait(59)
    assert len(play.releases) == 2
    play.wait(31)
    assert len(play.releases) == 3
    play.wait(100)
    assert len(play.releases) == 3
    told = [event.detail for event in events(play.world, play.action)]
    assert sum("expired" in detail for detail in told) == 1
    assert play.action.id in play.host.in_force
    play.host.ahead = timedelta(0)
    play.wait(61)
    assert (play.stands().state, play.host.in_force) == (S.RELEASED, {})
    assert events(play.world, play.action)[-1].data == {"restored": True}


def test_a_host_that_refuses_each_release_has_it_until_its_lease_ends_by_itself(play: Play) -> None:
    play.host.ahead = timedelta(hours=1)
    play.recall()
    for _ in range(60):
        play.wait(29)
    assert play.stands().state is S.VERIFIED
    assert len(play.releases) < 9
    play.wait(181)
    assert play.stands().state is S.RELEASED
    assert "ended by itself" in play.stands().detail
    assert events(play.world, play.action)[-1].data == {"seen": False}


def test_a_release_that_is_older_than_the_hosts_journal_is_told_again_at_once(play: Play) -> None:
    play.recall()
    play.world.clock.advance(5)
    play.host.since = play.world.clock.now()
    play.poll()
    assert play.stands().state is S.VERIFIED
    assert "older than the journal" in play.stands().detail
    assert play.action.id in play.host.in_force
    play.poll()
    assert (play.stands().state, play.host.in_force) == (S.RELEASED, {})


@pytest.mark.parametrize("said", [(S.FAILED,), (S.ACKNOWLEDGED, S.FAILED)])
def test_a_release_that_its_agent_was_stopped_in_is_told_again(
    play: Play, said: tuple[ActionState, ...]
) -> None:
    play.recall()
    (command,) = play.commands(Verb.RELEASE)
    for state in said:
        play.world.answer(
            CommandResult(command=command.id, state=state, at=play.world.clock.now(), detail="cut")
        )
    play.responder.tick()
    assert play.stands().state is S.VERIFIED
    assert "could not undo it, and is told again: cut" in play.stands().detail
    assert play.action.id in play.host.in_force
    play.poll()
    assert (play.stands().state, play.host.in_force) == (S.RELEASED, {})


def test_a_host_that_has_nothing_in_force_to_renew_is_believed(play: Play) -> None:
    play.wait(LEASE / 2, host=False)
    play.host.in_force.clear()
    play.poll()
    assert play.stands().state is S.RELEASED
    assert events(play.world, play.action)[-1].data == {NOTHING_IN_FORCE: True}


def test_an_undoing_after_the_end_that_was_refused_is_told_once_more(world: World) -> None:
    made = Play(world)
    (command,) = made.commands(Verb.APPLY)
    results = made.host.obey(command, world.clock.now())
    made.wait(18 * 60, host=False)
    assert made.stands().state is S.EXPIRED
    for result in results:
        world.answer(result)
    made.responder.tick()
    world.clock.advance(5)
    made.host.since = world.clock.now()
    made.poll()
    assert made.action.id in made.host.in_force
    made.poll()
    assert made.host.in_force == {}
