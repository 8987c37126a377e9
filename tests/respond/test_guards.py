"""The kill switch, breakers and approvals: nothing begins past them, and what is in force can still be released."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.respond.simulated_host import SimulatedHost
from tests.respond.world import START, TENANT, VERDICT
from tests.respond.world import quarantine as _quarantine

from vedette.core import (
    Action,
    ActionState,
    Command,
    Conflict,
    HostDescription,
    HostId,
    Limits,
    ManualClock,
    Mode,
    Scope,
    Verb,
    Verdict,
    verdict_id,
)
from vedette.respond import Quarantine, Registry, Responder
from vedette.seal import SigningKey, verify_command
from vedette.store import Effect, Store

S = ActionState
KEY = SigningKey.generate()
COUNT = 40


def host(number: int) -> HostId:
    return HostId(f"11111111-1111-4111-8111-{number:012d}")


class Fleet:
    """A store with forty web hosts of one tenant, a responder, and the hosts that obey it."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.clock = ManualClock(START)
        self.store = Store(f"sqlite:///{folder / 'store.sqlite'}", self.clock)
        self.store.migrate()
        self.hosts = {host(number): SimulatedHost() for number in range(COUNT)}
        for number in range(COUNT):
            role = {"role": "web" if number < 20 else "db"}
            self.store.hosts.enrol(
                TENANT,
                description=HostDescription(id=host(number), hostname=f"h{number}", labels=role),
                kid=f"kid{number}",
                public_key=f"key{number}",
                actor="user:ada",
                host=host(number),
            )
        self.responder = Responder(
            self.store,
            Registry([Quarantine(self.store.commands, KEY)]),
            self.clock,
            sweep_seconds=0.0,
            limits=lambda _: limits,
            doubt=lambda _: self.doubt,
        )
        self.doubt = ""
        self._seq = 0

    def propose(self, number: int, **changes: object) -> Action:
        given: dict[str, object] = {
            "dry_run": False,
            "mode": Mode.AUTO,
            "incident": None,
            "host": host(number),
            "disruptive": True,
            "cohort": "web" if number < 20 else "db",
            "model": "sha256:m",
            "proposed_at": self.clock.now(),
            "updated_at": self.clock.now(),
            "expires_at": self.clock.now().replace(year=2027),
        }
        self._seq += 1
        made = _quarantine(self._seq, **(given | changes))
        verdict = _verdict(number, self._seq)
        self.store.apply([Effect(verdict=verdict, actions=(made,))], actor="system:test")
        return made

    def run(self) -> None:
        """The responder and every host, until nothing more happens."""
        while self.responder.tick():
            for ident, machine in self.hosts.items():
                for command in self.commands(ident):
                    for result in machine.obey(command, self.clock.now()):
                        self.store.commands.record_result(result, ident, tenant=TENANT)

    def commands(self, ident: HostId) -> list[Command]:
        pending = self.store.commands.pending(TENANT, ident, self.clock.now())
        return [verify_command(blob, KEY.public) for _, blob in pending]

    def now(self, action: Action) -> Action:
        return self.store.actions.get(TENANT, action.id)

    def states(self) -> dict[ActionState, int]:
        counts = self.store.actions.counts_by_state(TENANT)
        return {state: number for state, number in counts.items() if number}


def _verdict(number: int, seq: int) -> Verdict:
    made = msgspec.structs.replace(VERDICT, host=host(number), seq=seq)
    return msgspec.structs.replace(made, id=verdict_id(made.identity))


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
    assert [one.verb for one in fleet.commands(host(0))] == []
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
    assert [one.verb for one in fleet.commands(host(0))] == [Verb.RENEW]
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


def test_an_approval_after_its_time_is_an_expiry(fleet: Fleet) -> None:
    grave = fleet.propose(0, mode=Mode.APPROVE, expires_at=START.replace(hour=13))
    fleet.run()
    fleet.clock.advance(3_601)
    with pytest.raises(Conflict, match="the time to approve ended"):
        fleet.store.actions.approve(TENANT, grave.id, actor="user:ann")
    assert fleet.now(grave).state is S.EXPIRED
