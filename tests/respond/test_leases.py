"""Leases: renewed while they are wanted, undone when they are not, and over by themselves in any case."""

from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from tests.respond.crashes import Crash, FragilePorts
from tests.respond.lease_play import KEY, LEASE, Play, in_force
from tests.respond.world import TENANT, World, events, quarantine, state, states

from vedette.core import (
    ActionState,
    CommandId,
    CommandResult,
    Conflict,
    Mode,
    Resolution,
    Verb,
    derived_id,
)
from vedette.respond import Quarantine, Registry, Responder

S = ActionState


@pytest.fixture
def play(world: World) -> Play:
    return in_force(world)


def test_it_is_verified_only_by_what_a_probe_saw(world: World) -> None:
    made = Play(world)
    (command,) = made.commands(Verb.APPLY)
    until = (world.clock.now() + timedelta(seconds=LEASE)).isoformat()
    claim = CommandResult(
        command=command.id, state=S.VERIFIED, at=world.clock.now(), data={"until": until}
    )
    world.answer(claim)
    made.responder.tick()
    assert made.stands().state is S.FAILED
    assert "no probe" in made.stands().detail


def test_the_host_is_told_to_undo_what_failed_without_a_word_of_that(world: World) -> None:
    made = Play(world)
    (command,) = made.commands(Verb.APPLY)
    for said in (S.ACKNOWLEDGED, S.APPLIED):
        world.answer(CommandResult(command=command.id, state=said, at=world.clock.now()))
    made.responder.tick()
    assert made.stands().state is S.APPLIED
    made.wait(18 * 60, host=False)
    assert made.stands().state is S.FAILED
    assert made.commands(Verb.RELEASE)


def test_a_lease_that_does_not_say_when_it_ends_is_a_failure(world: World) -> None:
    made = Play(world)
    (command,) = made.commands(Verb.APPLY)
    world.answer(
        CommandResult(
            command=command.id, state=S.VERIFIED, at=world.clock.now(), data={"probe": {"x": 1}}
        )
    )
    made.responder.tick()
    assert made.stands().state is S.FAILED


@pytest.mark.parametrize(
    "until",
    ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2000-01-01T00:00:00+00:00", "soon"],
)
def test_an_end_that_can_not_be_is_a_failure_and_stops_no_other(world: World, until: str) -> None:
    made = Play(world)
    (command,) = made.commands(Verb.APPLY)
    data = {"probe": {"x": 1}, "until": until}
    world.answer(
        CommandResult(command=command.id, state=S.VERIFIED, at=world.clock.now(), data=data)
    )
    made.responder.tick()
    made.responder.tick()
    assert made.stands().state in {S.DISPATCHED, S.FAILED}
    assert made.commands(Verb.RELEASE)


def test_a_host_can_not_make_its_lease_look_longer(world: World) -> None:
    made = Play(world)
    (command,) = made.commands(Verb.APPLY)
    far = world.clock.now() + timedelta(days=400)
    data = {"probe": {"x": 1}, "until": far.isoformat()}
    world.answer(
        CommandResult(command=command.id, state=S.VERIFIED, at=world.clock.now(), data=data)
    )
    made.responder.tick()
    assert made.stands().lease_until == world.clock.now() + timedelta(seconds=LEASE)


def test_it_is_renewed_when_half_of_it_is_left(play: Play) -> None:
    first = play.stands().lease_until
    assert first is not None
    play.wait(LEASE / 2 - 1)
    assert play.stands().lease_until == first
    play.wait(1)
    assert play.stands().lease_until == first + timedelta(seconds=LEASE / 2)
    assert play.stands().state is S.VERIFIED
    assert states(play.world, play.action)[-2:] == ["verified", "verified"]


def test_renewals_end_with_its_time_in_all(world: World) -> None:
    made = Play(world, most_seconds=2 * LEASE)
    made.poll()
    for _ in range(20):
        made.wait(LEASE / 4)
    assert made.stands().state is S.RELEASED
    begun = made.stands().proposed_at
    assert made.host.released_at[made.action.id] <= begun + timedelta(seconds=2 * LEASE)


def test_a_host_out_of_reach_ends_it_by_itself_and_that_is_said(play: Play) -> None:
    play.wait(LEASE + 119, host=False)
    assert play.stands().state is S.VERIFIED
    play.wait(1, host=False)
    assert play.stands().state is S.RELEASED
    assert "ended by itself" in play.stands().detail
    assert events(play.world, play.action)[-1].data == {"seen": False}


def test_a_release_that_was_asked_for_is_done_when_the_host_says_so(play: Play) -> None:
    play.recall()
    assert play.stands().state is S.VERIFIED
    assert (play.stands().recalled_by, play.stands().recalled_why) == ("user:ann", "it was me")
    play.poll()
    assert play.stands().state is S.RELEASED
    assert events(play.world, play.action)[-1].data == {"restored": True}
    assert play.host.in_force == {}


def test_nobody_asks_twice_and_nobody_for_what_is_over(play: Play) -> None:
    play.recall()
    with pytest.raises(Conflict):
        play.recall()
    play.poll()
    with pytest.raises(Conflict):
        play.world.ports.actions.recall(TENANT, play.action.id, actor="user:bob")


def test_a_release_that_was_not_fetched_is_issued_again(world: World) -> None:
    made = Play(world, lease_seconds=14_400.0, parameters={"lease": 14_400.0, "allow": []})
    made.poll()
    made.recall()
    first = {command.id for command in made.commands(Verb.RELEASE)}
    made.wait(18 * 60, host=False)
    made.wait(31, host=False)
    again = {command.id for command in made.commands(Verb.RELEASE)}
    assert again - first
    made.poll()
    assert made.stands().state is S.RELEASED


def test_a_clock_that_was_set_back_does_not_keep_a_release_waiting(play: Play) -> None:
    play.recall()
    (first,) = play.commands(Verb.RELEASE)
    taken = CommandResult(command=first.id, state=S.ACKNOWLEDGED, at=play.world.clock.now())
    play.world.answer(taken)
    play.world.clock.step(play.world.clock.now() - timedelta(seconds=5_000))
    for _ in range(2):
        play.wait(31, host=False)
        again = [one for one in play.commands(Verb.RELEASE) if one.id != first.id]
        assert len(again) == 1, "once for each time that it is set back"


def test_it_is_not_renewed_once_its_release_was_asked_for(play: Play) -> None:
    play.recall()
    play.wait(LEASE / 2 + 60, host=False)
    assert play.commands(Verb.RENEW) == []
    play.wait(LEASE / 2 + 60, host=False)
    assert play.stands().state is S.RELEASED


def test_what_the_host_could_not_undo_ends_by_itself_and_is_told(play: Play) -> None:
    play.recall()
    (command,) = play.commands(Verb.RELEASE)
    play.world.answer(
        CommandResult(
            command=command.id, state=S.FAILED, at=play.world.clock.now(), detail="nft is gone"
        )
    )
    play.responder.tick()
    assert play.stands().state is S.VERIFIED
    told = [event.detail for event in events(play.world, play.action)]
    assert sum("could not be undone" in detail for detail in told) == 1
    play.wait(LEASE + 121, host=False)
    assert play.stands().state is S.RELEASED


def test_a_second_lease_of_its_kind_on_its_host_is_refused(play: Play) -> None:
    second = quarantine(2, dry_run=False, mode=Mode.AUTO)
    play.world.propose(second)
    play.responder.tick()
    assert state(play.world, second) is S.REFUSED
    assert play.action.id in events(play.world, second)[-1].detail
    dry = quarantine(3, mode=Mode.AUTO)
    play.world.propose(dry)
    play.responder.tick()
    assert state(play.world, dry) is S.DISPATCHED


def test_a_host_that_refuses_a_renewal_is_asked_again_while_the_lease_lasts(play: Play) -> None:
    play.wait(LEASE / 2, host=False)
    (command,) = play.commands(Verb.RENEW)
    play.world.answer(
        CommandResult(
            command=command.id, state=S.REFUSED, at=play.world.clock.now(), detail="too often"
        )
    )
    play.responder.tick()
    assert "too often" in play.stands().detail
    play.wait(LEASE / 4)
    left = play.stands().lease_until
    assert left == play.world.clock.now() + timedelta(seconds=LEASE)


def test_a_host_that_says_it_is_over_is_believed(play: Play) -> None:
    play.wait(LEASE / 2, host=False)
    (command,) = play.commands(Verb.RENEW)
    play.world.answer(
        CommandResult(
            command=command.id, state=S.RELEASED, at=play.world.clock.now(), detail="by root"
        )
    )
    play.responder.tick()
    assert (play.stands().state, play.stands().detail) == (S.RELEASED, "by root")


@pytest.mark.parametrize("resolution", [Resolution.FALSE_POSITIVE, Resolution.BENIGN_CHANGE])
def test_a_host_that_nothing_was_wrong_with_is_released(play: Play, resolution: Resolution) -> None:
    play.world.close(resolution)
    play.wait(31)
    play.wait(31)
    assert play.stands().state is S.RELEASED
    assert "closed the incident" in play.stands().recalled_why


def test_an_incident_that_grows_quiet_under_quarantine_does_not_end_it(play: Play) -> None:
    play.world.close(Resolution.EXPIRED)
    play.wait(LEASE / 2)
    assert play.stands().state is S.VERIFIED
    assert play.stands().lease_until == play.world.clock.now() + timedelta(seconds=LEASE)


def test_a_word_that_comes_after_the_end_is_answered_by_an_undoing(world: World) -> None:
    made = Play(world)
    (command,) = made.commands(Verb.APPLY)
    results = made.host.obey(command, world.clock.now())
    made.wait(18 * 60, host=False)
    assert made.stands().state is S.EXPIRED
    for result in results:
        world.answer(result)
    made.responder.tick()
    made.poll()
    assert made.host.in_force == {}
    assert made.stands().state is S.EXPIRED


def test_what_is_recalled_before_the_host_fetched_it_never_lasts(world: World) -> None:
    made = Play(world)
    made.recall()
    made.poll()
    made.poll()
    assert made.host.in_force == {}
    assert made.stands().state in {S.RELEASED, S.CANCELLED}


def test_a_lease_that_was_ended_at_the_host_is_over_here_too_and_says_by_whom(play: Play) -> None:
    began = CommandId(derived_id("command", play.action.id))
    play.world.answer(
        CommandResult(
            command=began,
            state=S.RELEASED,
            at=play.world.clock.now(),
            detail="released at the host by root: a drill; all is as before",
            data={"restored": True},
        )
    )
    play.responder.tick()
    assert play.stands().state is S.RELEASED
    (end,) = [one for one in events(play.world, play.action) if one.state is S.RELEASED]
    assert end.detail == "released at the host by root: a drill; all is as before"
    assert end.data == {"restored": True}
    assert play.commands(Verb.RENEW) == []


def test_what_was_never_told_to_its_host_is_called_off_at_once(world: World) -> None:
    plan: list[str] = []
    ports = FragilePorts(world.ports, plan)
    kinds = Registry([Quarantine(ports.commands, KEY)])
    responder = Responder(ports, kinds, world.clock, sweep_seconds=0.0)
    given = quarantine(dry_run=False, mode=Mode.AUTO)
    world.propose(given)
    plan[:] = ["put:before"]
    with pytest.raises(Crash):
        responder.tick()
    assert state(world, given) is S.DISPATCHED
    assert world.commands(KEY.public) == []
    world.ports.actions.recall(TENANT, given.id, actor="user:ann")
    responder.tick()
    assert state(world, given) is S.CANCELLED
    assert "not told yet" in events(world, given)[-1].detail


def test_what_its_host_can_not_undo_after_the_end_is_an_error_in_the_log(world: World) -> None:
    made = Play(world)
    (command,) = made.commands(Verb.APPLY)
    made.wait(18 * 60, host=False)
    assert made.stands().state is S.EXPIRED
    late = made.host.obey(command, command.issued_at)
    world.answer(late[-1])
    made.responder.tick()
    (undoing,) = made.commands(Verb.RELEASE)
    failed = CommandResult(
        command=undoing.id, state=S.FAILED, at=world.clock.now(), detail="nft is gone"
    )
    world.answer(failed)
    with capture_logs() as lines:
        made.responder.tick()
    (line,) = [one for one in lines if one["event"] == "respond.not_undone"]
    assert "nft is gone" in line["detail"]


def test_two_responders_that_begin_the_same_lease_issue_one_command(world: World) -> None:
    plan = ["dispatch:rival"]
    kinds = Registry([Quarantine(world.ports.commands, KEY)])
    rival = Responder(world.ports, kinds, world.clock, sweep_seconds=0.0)

    ports = FragilePorts(world.ports, plan, lambda: _tick(rival))
    responder = Responder(ports, kinds, world.clock, sweep_seconds=0.0)
    given = quarantine(dry_run=False, mode=Mode.AUTO)
    world.propose(given)
    with capture_logs() as lines:
        responder.tick()
    assert "respond.moved_by_another" in [one["event"] for one in lines]
    assert state(world, given) is S.DISPATCHED
    assert len(world.commands(KEY.public)) == 1


def _tick(responder: Responder) -> None:
    responder.tick()
