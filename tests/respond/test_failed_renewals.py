"""A renewal that its host calls failed may have made the lease longer all the same, unless the host says what is in force."""

from datetime import timedelta
from typing import Any

import pytest
from tests.respond.lease_play import LEASE, Play, in_force
from tests.respond.world import START, TENANT, MemoryWorld, World, events

from vedette.core import ActionState, Command, CommandResult, Switch, Verb

S = ActionState
STOPPED = "the agent was stopped while carrying it out; it is not tried again"


@pytest.fixture
def play(world: World) -> Play:
    return in_force(world)


def throw(play: Play) -> None:
    """From now on nothing is renewed, and leases run out."""
    if isinstance(play.world, MemoryWorld):
        switch = Switch(tenant=TENANT, thrown_by="user:ann", thrown_at=START, reason="stop")
        play.world.memory.guards.switch = switch
    else:
        play.world.store.guards.throw(TENANT, actor="user:ann", reason="stop")  # type: ignore[attr-defined]


def answer(play: Play, renewal: Command, state: ActionState = S.FAILED, **data: Any) -> None:
    at = play.world.clock.now()
    said = CommandResult(command=renewal.id, state=state, at=at, detail=STOPPED, data=data)
    play.world.answer(said)
    play.responder.tick()


def stopped_in_it(play: Play) -> Command:
    """Its host heard the renewal, has the longer lease, and was stopped before it could say so."""
    play.wait(LEASE / 2, host=False)
    (renewal,) = play.commands(Verb.RENEW)
    play.host.obey(renewal, play.world.clock.now())
    throw(play)
    return renewal


def wait_for_end(play: Play, *, host: bool) -> None:
    for _ in range(int(2 * LEASE / 60)):
        play.wait(60, host=host)
        if play.stands().state is S.RELEASED:
            return


def test_its_end_is_told_to_the_host_that_may_have_it_in_force(play: Play) -> None:
    known = play.stands().lease_until
    assert known is not None
    answer(play, stopped_in_it(play))
    assert play.stands().lease_until == known
    held = play.host.in_force[play.action.id]
    assert held > known
    while play.world.clock.now() < known + timedelta(seconds=119):
        assert (play.stands().state, play.commands(Verb.RELEASE)) == (S.VERIFIED, [])
        play.wait(60, host=False)
    wait_for_end(play, host=True)
    assert play.world.clock.now() < held
    assert (play.stands().state, play.host.in_force) == (S.RELEASED, {})
    assert len(play.releases) == 1
    assert events(play.world, play.action)[-1].data == {"restored": True}


def test_a_host_that_says_no_more_counts_as_under_it_for_as_long_as_can_be(play: Play) -> None:
    renewal = stopped_in_it(play)
    answer(play, renewal)
    latest = renewal.expires_at + timedelta(seconds=LEASE + 120)
    wait_for_end(play, host=False)
    assert latest <= play.world.clock.now() < latest + timedelta(seconds=120)
    assert play.action.id not in play.host.in_force
    assert play.stands().state is S.RELEASED
    assert "if a renewal that failed or was never answered was heard" in play.stands().detail


def test_a_person_may_release_it_after_the_end_that_is_known(play: Play) -> None:
    answer(play, stopped_in_it(play))
    play.wait(LEASE / 2 + 60, host=False)
    play.recall()
    play.poll()
    assert (play.stands().state, play.host.in_force) == (S.RELEASED, {})
    assert play.stands().recalled_by == "user:ann"


def test_the_end_that_its_host_tells_is_taken(play: Play) -> None:
    renewal = stopped_in_it(play)
    held = play.host.in_force[play.action.id]
    answer(play, renewal, until=held.isoformat())
    assert play.stands().lease_until == held
    assert "not renewed: " in play.stands().detail
    wait_for_end(play, host=False)
    assert play.stands().detail.startswith("its lease ended by itself at")
    assert play.world.clock.now() < held + timedelta(seconds=240)
    assert play.commands(Verb.RELEASE) == []


def test_an_end_as_before_moves_nothing(play: Play) -> None:
    known = play.stands().lease_until
    assert known is not None
    play.wait(LEASE / 2, host=False)
    (renewal,) = play.commands(Verb.RENEW)
    throw(play)
    answer(play, renewal, until=(known - timedelta(seconds=1)).isoformat())
    assert play.stands().lease_until == known
    wait_for_end(play, host=False)
    assert play.world.clock.now() < known + timedelta(seconds=240)
    assert "ended by itself at" in play.stands().detail


@pytest.mark.parametrize("until", ["soon", "2026-03-01T11:00:00+00:00", "2026-03-01T12:40:00"])
def test_what_is_no_end_is_not_taken_for_one(play: Play, until: str) -> None:
    renewal = stopped_in_it(play)
    answer(play, renewal, until=until)
    wait_for_end(play, host=False)
    assert play.world.clock.now() >= renewal.expires_at + timedelta(seconds=LEASE)


def test_no_end_is_later_than_the_renewal_can_have_made_it(play: Play) -> None:
    renewal = stopped_in_it(play)
    asked = play.world.clock.now()
    answer(play, renewal, until="2036-01-01T00:00:00+00:00")
    assert play.stands().lease_until == asked + timedelta(seconds=LEASE)


def test_the_next_renewal_settles_it_and_a_refusal_does_not(play: Play) -> None:
    play.wait(LEASE / 2, host=False)
    (renewal,) = play.commands(Verb.RENEW)
    answer(play, renewal)
    play.wait(LEASE / 4, host=False)
    second = play.commands(Verb.RENEW)[-1]
    answer(play, second, S.REFUSED)
    play.wait(LEASE / 8, host=False)
    third = play.commands(Verb.RENEW)[-1]
    assert len({renewal.id, second.id, third.id}) == 3
    job = play.responder._desk.job(play.stands())
    kind = play.responder._kinds.get("quarantine")
    assert kind is not None
    assert kind.unsettled(job)  # type: ignore[attr-defined]
    for said in play.host.obey(third, play.world.clock.now()):
        play.world.answer(said)
    play.responder.tick()
    assert play.stands().lease_until == play.host.in_force[play.action.id]
    assert not kind.unsettled(play.responder._desk.job(play.stands()))  # type: ignore[attr-defined]
