"""A host that was revoked can be told nothing: what waits for it is refused or called off, and what is in force there ends by itself."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.respond.simulated_host import SimulatedHost
from tests.respond.world import HOST, START, TENANT, StoreWorld, action, events, quarantine, state

from vedette.core import Action, ActionState, Command, Mode
from vedette.respond import Registry, Responder, host_kinds
from vedette.seal import SigningKey

S = ActionState
KEY = SigningKey.generate()
LEASE = 1800.0


class Play:
    """A responder and a host of the store's."""

    def __init__(self, world: StoreWorld) -> None:
        self.world = world
        self.host = SimulatedHost()
        store = world.store
        kinds = Registry(host_kinds(store.commands, KEY, store.hosts, store.evidence))
        self.responder = Responder(world.ports, kinds, world.clock, sweep_seconds=0.0)

    def revoke(self) -> None:
        self.world.store.hosts.revoke(TENANT, HOST, "user:ada", "stolen")

    def lease(self, **changes: Any) -> Action:
        given: dict[str, Any] = {"dry_run": False, "mode": Mode.AUTO, "most_seconds": 86_400.0}
        made = quarantine(**(given | changes))
        self.world.propose(made)
        self.responder.tick()
        return made

    def poll(self, *, words: int = 10) -> list[Command]:
        found = self.world.commands(KEY.public)
        for command in found:
            for result in self.host.obey(command, self.world.clock.now())[:words]:
                self.world.answer(result)
        self.responder.tick()
        return found

    def wait(self, **time: float) -> None:
        self.world.clock.advance(timedelta(**time).total_seconds())
        self.responder.tick()

    def detail(self, which: Action) -> str:
        return self.world.ports.actions.get(TENANT, which.id).detail


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    world = StoreWorld(tmp_path)
    yield Play(world)
    world.store.close()


def test_what_is_proposed_for_it_is_refused_and_nobody_asked(play: Play) -> None:
    play.revoke()
    for mode in (Mode.AUTO, Mode.APPROVE):
        given = quarantine(1 if mode is Mode.AUTO else 2, dry_run=False, mode=mode)
        play.world.propose(given)
        play.responder.tick()
        assert state(play.world, given) is S.REFUSED
        assert play.detail(given) == (
            f"host web-1 was revoked at {START.isoformat()}: it can't be told of this any more"
        )
    assert play.world.commands(KEY.public) == []


def test_what_waits_for_approval_or_was_approved_is_refused_at_once(play: Play) -> None:
    waits = play.lease(mode=Mode.APPROVE)
    assert state(play.world, waits) is S.AWAITING_APPROVAL
    play.revoke()
    play.responder.tick()
    assert state(play.world, waits) is S.REFUSED


def test_what_it_has_not_answered_is_called_off_with_what_may_be_in_force(play: Play) -> None:
    given = play.lease()
    assert state(play.world, given) is S.DISPATCHED
    play.revoke()
    play.responder.tick()
    assert state(play.world, given) is S.CANCELLED
    ends = START + timedelta(seconds=LEASE, minutes=15)
    assert play.detail(given) == (
        f"host web-1 was revoked at {START.isoformat()}, and had not said a word of this; if it has begun, "
        f"its lease ends there by itself by {ends.isoformat()}"
    )


def test_what_it_had_begun_is_not_taken_for_done(play: Play) -> None:
    given = play.lease()
    play.poll(words=1)
    assert state(play.world, given) is S.ACKNOWLEDGED
    play.revoke()
    play.responder.tick()
    assert state(play.world, given) is S.FAILED
    assert "what came of this can't be heard any more" in play.detail(given)


def test_a_machine_that_was_to_be_off_is_not_so_because_nobody_hears_it(play: Play) -> None:
    given = action(
        kind="shutdown",
        disruptive=True,
        grace_seconds=600.0,
        parameters={"grace": 600.0, "message": ""},
    )
    play.world.propose(given)
    play.responder.tick()
    play.poll(words=2)
    assert state(play.world, given) is S.APPLIED
    play.revoke()
    play.wait(hours=1)
    assert state(play.world, given) is S.FAILED
    assert "lease" not in play.detail(given)


def test_a_lease_in_force_is_not_renewed_and_ends_by_itself(play: Play) -> None:
    given = play.lease()
    play.poll()
    assert state(play.world, given) is S.VERIFIED
    until = play.world.ports.actions.get(TENANT, given.id).lease_until
    assert until is not None
    play.wait(minutes=1)
    play.revoke()
    play.responder.tick()
    words = (
        f"host web-1 was revoked at {play.world.clock.now().isoformat()}: this is not renewed; it ends there by itself "
        f"at {until.isoformat()}; before that, root at the host may end it by `vedette agent release`"
    )
    assert play.detail(given) == words
    play.wait(seconds=LEASE / 2)
    assert [event.detail for event in events(play.world, given)].count(words) == 1
    assert play.world.commands(KEY.public) == []
    assert state(play.world, given) is S.VERIFIED
    play.wait(seconds=LEASE / 2 + 120)
    assert state(play.world, given) is S.RELEASED
    assert "ended by itself" in play.detail(given)


def test_who_asks_for_its_end_is_told_that_nobody_can_tell_the_host(play: Play) -> None:
    given = play.lease()
    play.poll()
    play.revoke()
    play.responder.tick()
    play.world.ports.actions.recall(TENANT, given.id, actor="user:ann", why="it was me")
    play.responder.tick()
    assert "it can't be told to release this" in play.detail(given)
    assert play.world.commands(KEY.public) == []
    play.wait(seconds=LEASE + 120)
    assert state(play.world, given) is S.RELEASED


def test_what_only_tells_of_it_goes_on(play: Play) -> None:
    play.revoke()
    given = action()
    play.world.propose(given)
    play.responder.tick()
    assert state(play.world, given) is S.FAILED
    assert "no action 'mail'" in play.detail(given)
