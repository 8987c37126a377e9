"""The kill switch, breakers and approvals: nothing begins past them, and what is in force can still be released."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.respond.fleet import COUNT, Fleet, fleet_host
from tests.respond.world import START, TENANT

from vedette.core import (
    ActionState,
    Conflict,
    Limits,
    Mode,
    Scope,
    Verb,
)
from vedette.store import Role

S = ActionState


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    made = Fleet(tmp_path, Limits(tenant=0.1, cohort=0.15, model=0.2))
    yield made
    made.store.close()


def test_a_fleet_that_turns_abnormal_at_once_is_acted_on_up_to_the_share(fleet: Fleet) -> None:
    for number in range(COUNT):
        fleet.propose(number)
    fleet.run()
    assert sum(bool(machine.in_force) for machine in fleet.hosts.values()) == 4
    assert fleet.states() == {S.VERIFIED: 4, S.REFUSED: 2, S.AWAITING_APPROVAL: 34}
    found = {(one.scope, one.key): one for one in fleet.store.guards.breakers(TENANT)}
    assert found[Scope.COHORT, "web"].most == 3
    assert found[Scope.TENANT, ""].most == 4
    assert "4 of 40 hosts of the fleet" in found[Scope.TENANT, ""].words
    own = [one for one in fleet.store.incidents.find(TENANT).items if one.kind == "breaker"]
    assert {one.title for one in own} == {
        f"A breaker tripped: {one.words}" for one in found.values()
    }


def test_an_approval_does_not_lead_past_a_breaker_until_it_is_reset(fleet: Fleet) -> None:
    actions = [fleet.propose(number) for number in range(6)]
    fleet.run()
    waiting = [one for one in actions if fleet.now(one).state is S.AWAITING_APPROVAL]
    fleet.store.actions.approve(TENANT, waiting[0].id, actor="user:ann")
    fleet.run()
    assert fleet.now(waiting[0]).state is S.REFUSED
    assert "the limit is 3" in fleet.now(waiting[0]).detail
    fleet.store.guards.reset(TENANT, Scope.COHORT, "web", actor="user:ada", reason="looked at")
    fleet.clock.advance(1)
    fleet.store.actions.approve(TENANT, waiting[1].id, actor="user:ann")
    fleet.run()
    # Four hosts of forty are acted on by then: one more takes two people.
    assert fleet.now(waiting[1]).state is S.AWAITING_APPROVAL
    fleet.store.actions.approve(TENANT, waiting[1].id, actor="user:bob")
    fleet.run()
    assert fleet.now(waiting[1]).state is S.VERIFIED


def test_a_breaker_closes_for_new_hosts_only_when_a_person_says_so(fleet: Fleet) -> None:
    for number in range(4):
        fleet.propose(number)
    fleet.run()
    fleet.clock.advance(7_200)
    fleet.run()
    late = fleet.propose(30, cohort="web")
    fleet.run()
    assert fleet.now(late).state is S.AWAITING_APPROVAL
    other = fleet.propose(31)
    fleet.run()
    assert fleet.now(other).state is S.VERIFIED


def test_what_a_model_in_doubt_asks_for_waits_for_a_person_and_says_why(fleet: Fleet) -> None:
    fleet.doubt = "the model is on trial"
    real, dry = fleet.propose(0), fleet.propose(1, dry_run=True)
    fleet.run()
    assert fleet.now(real).state is S.AWAITING_APPROVAL
    assert fleet.now(real).detail == "waits for a person: the model is on trial"
    assert fleet.now(dry).state is S.SIMULATED
    fleet.store.actions.approve(TENANT, real.id, actor="user:ann", reason="seen")
    fleet.run()
    assert fleet.now(real).state is S.VERIFIED


def test_what_one_person_approves_is_a_few_hosts_and_two_are_asked_from_then_on(
    tmp_path: Path,
) -> None:
    wide = Fleet(tmp_path, Limits(tenant=1, cohort=1, model=1))
    actions = [wide.propose(number, mode=Mode.APPROVE) for number in range(6)]
    wide.run()
    for one in actions:
        wide.store.actions.approve(TENANT, one.id, actor="user:ann")
        wide.run()
    states = [wide.now(one).state for one in actions]
    assert states == [S.VERIFIED] * 4 + [S.AWAITING_APPROVAL] * 2
    assert wide.now(actions[5]).approvals == 2
    late = wide.propose(7, mode=Mode.APPROVE, proposed_by="user:eve", policy="")
    wide.run()
    assert wide.now(late).detail == (
        "waits for a person; two people must approve it: "
        "4 other hosts are acted on within the hour, and 4 is the most by one person's word"
    )
    wide.store.actions.approve(TENANT, actions[5].id, actor="user:bob")
    wide.run()
    assert wide.now(actions[5]).state is S.VERIFIED
    wide.store.close()


def test_who_proposed_it_does_not_approve_it(fleet: Fleet) -> None:
    mine = fleet.propose(0, mode=Mode.APPROVE, proposed_by="user:ann", model="")
    fleet.run()
    with pytest.raises(Conflict, match="user:ann proposed it") as caught:
        fleet.store.actions.approve(TENANT, mine.id, actor="user:ann", reason="mine")
    assert caught.value.kind == "own-proposal"
    assert fleet.store.actions.approvals(TENANT, mine.id) == []
    fleet.store.actions.approve(TENANT, mine.id, actor="user:bob", reason="agreed")
    fleet.run()
    assert fleet.now(mine).state is S.VERIFIED


def test_dry_runs_and_news_are_not_counted(fleet: Fleet) -> None:
    for number in range(10):
        fleet.propose(number, dry_run=True)
    fleet.run()
    assert fleet.states() == {S.SIMULATED: 10}
    assert fleet.store.guards.breakers(TENANT) == []


@pytest.mark.parametrize("everyone", [True, False])
def test_the_thrown_switch_stops_beginnings_and_renewals_but_no_release(
    fleet: Fleet, *, everyone: bool
) -> None:
    held = fleet.propose(0)
    fleet.run()
    fleet.store.guards.throw(TENANT, actor="user:ada", reason="it went mad", everyone=everyone)
    with pytest.raises(Conflict):
        fleet.store.guards.throw(TENANT, actor="user:ada", reason="again", everyone=everyone)
    stopped = fleet.propose(1)
    fleet.run()
    assert fleet.now(stopped).state is S.REFUSED
    assert "it went mad" in fleet.now(stopped).detail
    fleet.clock.advance(1_000)
    fleet.run()
    assert [one.verb for one in fleet.commands(fleet_host(0))] == []
    until = fleet.now(held).lease_until
    assert until is not None
    assert (until - START).total_seconds() == 1_800
    fleet.store.actions.recall(TENANT, held.id, actor="user:ann", why="let it go")
    fleet.run()
    assert fleet.now(held).state is S.RELEASED
    fleet.store.guards.lift(TENANT, actor="user:ada", reason="mended", everyone=everyone)
    again = fleet.propose(2)
    fleet.run()
    assert fleet.now(again).state is S.VERIFIED
    assert fleet.now(stopped).state is S.REFUSED


def test_a_renewal_waits_for_the_switch_to_be_lifted(fleet: Fleet) -> None:
    held = fleet.propose(0)
    fleet.run()
    fleet.store.guards.throw(TENANT, actor="user:ada", reason="a drill")
    fleet.clock.advance(1_000)
    fleet.run()
    fleet.store.guards.lift(TENANT, actor="user:ada", reason="over")
    fleet.clock.advance(31)
    fleet.responder.tick()
    assert [one.verb for one in fleet.commands(fleet_host(0))] == [Verb.RENEW]
    fleet.run()
    assert fleet.now(held).state is S.VERIFIED


def test_two_people_must_approve_where_the_policy_says_so(fleet: Fleet) -> None:
    grave = fleet.propose(0, mode=Mode.APPROVE, approvals=2)
    fleet.run()
    first = fleet.store.actions.approve(TENANT, grave.id, actor="user:ann", reason="I saw it")
    assert first.state is S.AWAITING_APPROVAL
    with pytest.raises(Conflict, match="has approved it before"):
        fleet.store.actions.approve(TENANT, grave.id, actor="user:ann")
    fleet.run()
    assert fleet.now(grave).state is S.AWAITING_APPROVAL
    fleet.store.actions.approve(TENANT, grave.id, actor="user:bob")
    fleet.run()
    assert fleet.now(grave).state is S.VERIFIED
    assert fleet.store.actions.approvals(TENANT, grave.id) == ["user:ann", "user:bob"]


def test_what_a_token_approved_that_was_revoked_before_it_began_is_refused(fleet: Fleet) -> None:
    token = fleet.store.tokens.create(TENANT, "bob", Role.RESPONDER, "bob", None, "user:root")
    grave = fleet.propose(0, mode=Mode.APPROVE)
    fleet.run()
    fleet.store.actions.approve(TENANT, grave.id, actor="user:bob")
    fleet.store.tokens.revoke(TENANT, token.id, actor="user:root", reason="stolen")
    fleet.run()
    now = fleet.now(grave)
    assert (now.state, now.attempts) == (S.REFUSED, 0)
    assert now.detail == "user:bob's approval does not count any more: their token was revoked"


def test_an_approval_after_its_time_is_an_expiry(fleet: Fleet) -> None:
    grave = fleet.propose(0, mode=Mode.APPROVE, expires_at=START.replace(hour=13))
    fleet.run()
    fleet.clock.advance(3_601)
    with pytest.raises(Conflict, match="the time to approve ended"):
        fleet.store.actions.approve(TENANT, grave.id, actor="user:ann")
    assert fleet.now(grave).state is S.EXPIRED


def test_what_a_host_did_not_fetch_in_time_does_not_begin_under_the_thrown_switch(
    fleet: Fleet,
) -> None:
    begun, dry = fleet.propose(0), fleet.propose(1, dry_run=True)
    fleet.responder.tick()
    fleet.store.guards.throw(TENANT, actor="user:ada", reason="stop")
    assert fleet.commands(fleet_host(0)) == []
    assert [one.verb for one in fleet.commands(fleet_host(1))] == [Verb.APPLY]
    fleet.run()
    assert fleet.hosts[fleet_host(0)].in_force == {}
    assert (fleet.now(begun).state, fleet.now(dry).state) == (S.DISPATCHED, S.SIMULATED)
    fleet.store.guards.lift(TENANT, actor="user:ada", reason="on")
    assert [one.verb for one in fleet.commands(fleet_host(0))] == [Verb.APPLY]


def test_an_end_that_was_asked_for_is_not_overtaken_by_its_beginning_when_the_clock_is_set_back(
    fleet: Fleet,
) -> None:
    begun = fleet.propose(0)
    fleet.responder.tick()
    fleet.clock.step(fleet.clock.now() - timedelta(minutes=5))
    fleet.store.actions.recall(TENANT, begun.id, actor="user:ann", why="enough")
    fleet.responder.tick()
    assert [one.verb for one in fleet.commands(fleet_host(0))] == [Verb.RELEASE]
    fleet.run()
    assert fleet.now(begun).state is S.CANCELLED
    assert fleet.hosts[fleet_host(0)].in_force == {}


@pytest.mark.parametrize("back", [0, 30], ids=str)
def test_a_reset_counts_anew_even_where_the_clock_was_set_back_after_it(
    tmp_path: Path, back: int
) -> None:
    fleet = Fleet(tmp_path, Limits(tenant=1.0, cohort=0.15, model=1.0))
    for number in range(4):
        fleet.propose(number)
    fleet.run()
    fleet.store.guards.reset(TENANT, Scope.COHORT, "web", actor="user:ada", reason="seen")
    fleet.clock.step(fleet.clock.now() - timedelta(minutes=back))
    for number in range(4, 10):
        fleet.propose(number)
    fleet.run()
    fleet.clock.advance(60 * back + 1)
    for number in range(10, 15):
        fleet.propose(number)
    fleet.run()
    assert sum(bool(machine.in_force) for machine in fleet.hosts.values()) == 6
    fleet.store.close()
