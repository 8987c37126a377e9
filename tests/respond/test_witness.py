"""What is signed for hosts that wait: over the real store, with the key that signs commands."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fixtures.migrated import migrated
from tests.store.make import (
    EPOCH,
    HOST,
    START,
    TENANT,
    apply,
    described,
    effect,
    enrol,
    incident,
    minute,
    opened,
)

from vedette.core import (
    OWN_POLICY,
    Action,
    ActionState,
    Confirmation,
    Host,
    Label,
    Limits,
    ManualClock,
    Ruling,
    Severity,
    SilenceKind,
    SilenceScope,
    Unavailable,
    Verb,
    Waiter,
    Wish,
    verdict_id,
)
from vedette.decide import PolicySet
from vedette.respond import Registry, Responder, Witness, host_kinds, schemas
from vedette.seal import SigningKey, verify_ruling
from vedette.store import Effect, Store

KEY = SigningKey.generate()
WISH = Wish(severity=Severity.HIGH, confirmed=True, lease=300.0)
CONFIRMED = Confirmation(abnormal=2, of=3, experts=1)
S = ActionState
TELLS = 'then: [{action: mail, with: {to: ["@owner"]}}], within: {protected: {role: [web]}}'
CUTS_OFF = "then: [{action: quarantine, with: {lease: 30m}}], within: {protected: {role: [%s]}}"


def protecting(policy: str) -> Callable[[Host, str], str]:
    """As one policy in force does it."""
    text = f"version: 1\npolicies: [{{name: p, mode: approve, {policy}}}]\n"
    return PolicySet.parse(text, kinds=schemas()).protects


class Case:
    """A store, one host that waits for the verdict on its first snapshot, and who signs."""

    def __init__(self, store: Store, clock: ManualClock) -> None:
        self.store = store
        self.clock = clock
        enrol(store, description=described(labels={"role": "web"}))
        clock.advance(60)

    def wait(self, wish: Wish | None = WISH, seq: int = 1) -> None:
        until = self.clock.now() + timedelta(seconds=10)
        self.waiter = Waiter(
            tenant=TENANT,
            host=HOST,
            epoch=EPOCH,
            seq=seq,
            digest="sha256:i",
            until=until,
            wish=wish,
        )
        self.store.waits.ask([self.waiter])

    def judge(self, label: Label = Label.ABNORMAL, *, alone: bool = False, **more: Any) -> None:
        """With an incident, where it is abnormal and not `alone`."""
        made = effect(1, label, description=described(labels={"role": "web"}))
        given = {"confirmation": CONFIRMED} | more
        one = incident(1, last_abnormal_at=minute(1))
        beside: dict[str, Any] = {}
        if label is Label.ABNORMAL and not alone:
            beside = {"incidents": (one,), "events": (opened(one),)}
        judged = msgspec.structs.replace(
            made, verdict=msgspec.structs.replace(made.verdict, **given), **beside
        )
        apply(self.store, _late(judged))

    def ruling(
        self,
        doubt: Callable[[Action], str] = lambda _: "",
        limits: Limits | None = None,
        policy: str = TELLS,
    ) -> Ruling:
        more: dict[str, Any] = {} if limits is None else {"limits": lambda _: limits}
        witness = Witness(
            self.store, KEY, self.clock, protects=protecting(policy), doubt=doubt, **more
        )
        assert witness.look() == 1
        assert witness.look() == 0
        blob = self.store.waits.answered([self.waiter.identity])[self.waiter.identity]
        return verify_ruling(blob, KEY.public)

    def action(self) -> Action:
        (found,) = self.store.actions.find(TENANT).items
        return found


def _late(judged: Effect) -> Effect:
    if not judged.verdict.late:
        return judged
    return msgspec.structs.replace(judged, state=None, facts=())


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    clock = ManualClock(START)
    store = Store(migrated(tmp_path / "store.sqlite"), clock)
    yield Case(store, clock)
    store.close()


def test_a_verdict_is_signed_with_what_binds_it_to_its_snapshot(case: Case) -> None:
    case.wait(wish=None)
    case.judge(Label.NORMAL)
    told = case.ruling()
    assert told.identity == case.waiter.identity
    assert (told.verdict, told.digest) == (verdict_id(told.identity), "sha256:i")
    assert (told.label, told.command, told.withheld) == (Label.NORMAL, None, "")
    assert told.reasons == ("A new cron job (1)",)
    assert told.expires_at - told.signed_at == timedelta(seconds=60)
    assert not case.store.actions.find(TENANT).items


def test_who_asked_for_no_leave_gets_none_on_an_abnormal_verdict(case: Case) -> None:
    case.wait(wish=None)
    case.judge()
    told = case.ruling()
    assert (told.label, told.command, told.withheld) == (Label.ABNORMAL, None, "")


def test_leave_is_an_action_of_the_incident_and_goes_its_way(case: Case) -> None:
    case.wait()
    case.judge()
    told = case.ruling()
    assert told.command is not None
    assert (told.command.verb, told.command.kind) == (Verb.APPLY, "quarantine")
    assert told.command.parameters == {"lease_seconds": 300.0, "exceptions": []}
    assert told.command.expires_at == told.expires_at
    begun = case.action()
    assert (begun.id, begun.state, begun.policy) == (told.command.action, S.DISPATCHED, OWN_POLICY)
    assert (begun.cohort, begun.model, begun.disruptive) == ("web", "sha256:m", True)
    case.clock.advance(61)
    case.clock.advance(120)
    kinds = Registry(host_kinds(case.store.commands, KEY, case.store.hosts, case.store.evidence))
    responder = Responder(case.store, kinds, case.clock)
    while responder.tick():
        pass
    assert (case.action().state, "did not fetch" in case.action().detail) == (S.EXPIRED, True)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"severity": Severity.MEDIUM}, "only high or worse"),
        ({"confirmation": Confirmation(abnormal=1, of=1, experts=1)}, "not confirmed"),
        ({"late": True}, "came late"),
    ],
)
def test_what_the_wish_is_not_about_gets_no_leave_and_no_action(
    case: Case, more: dict[str, Any], words: str
) -> None:
    case.wait()
    case.judge(alone="late" in more, **more)
    told = case.ruling()
    assert told.command is None
    assert words in told.withheld
    assert not case.store.actions.find(TENANT).items


def test_without_an_incident_there_is_no_leave(case: Case) -> None:
    case.wait()
    case.judge(alone=True)
    assert "no incident stands" in case.ruling().withheld


def test_the_kill_switch_lets_nothing_be_signed(case: Case) -> None:
    case.store.guards.throw(TENANT, actor="user:ada", reason="a drill")
    case.wait()
    case.judge()
    told = case.ruling()
    assert (told.label, told.command) == (Label.ABNORMAL, None)
    assert "the kill switch is thrown" in told.withheld
    assert case.action().state is S.REFUSED


def test_a_model_in_doubt_lets_nothing_be_signed(case: Case) -> None:
    case.wait()
    case.judge()
    assert case.ruling(doubt=lambda _: "the model is on trial").withheld == "the model is on trial"
    assert (case.action().state, case.action().detail) == (S.REFUSED, "the model is on trial")


def test_a_breaker_lets_nothing_be_signed(case: Case) -> None:
    case.wait()
    case.judge()
    told = case.ruling(limits=Limits(tenant=0.0, least=0))
    assert told.command is None
    assert "the breaker tripped" in told.withheld
    (breaker,) = case.store.guards.breakers(TENANT, open_only=True)
    assert (breaker.acted, breaker.most) == (0, 0)


def test_a_maintenance_window_lets_nothing_be_signed(case: Case) -> None:
    case.store.silences.create(
        TENANT,
        SilenceScope(host=HOST),
        ends_at=case.clock.now() + timedelta(hours=1),
        owner="user:ada",
        reason="new disks",
        kind=SilenceKind.MAINTENANCE,
    )
    case.wait()
    case.judge()
    told = case.ruling()
    assert told.command is None
    assert "maintenance of user:ada" in told.withheld


def test_a_host_that_a_policy_protects_from_quarantine_gets_no_leave(case: Case) -> None:
    case.wait()
    case.judge()
    told = case.ruling(policy=CUTS_OFF % "db, web")
    assert (told.label, told.command) == (Label.ABNORMAL, None)
    assert told.withheld == "policy p protects hosts with role: web from quarantine"
    assert (case.action().state, case.action().detail) == (S.REFUSED, told.withheld)


def test_a_policy_that_protects_other_hosts_holds_no_leave_back(case: Case) -> None:
    case.wait()
    case.judge()
    assert case.ruling(policy=CUTS_OFF % "db").command is not None


def test_a_failure_of_leave_does_not_keep_the_verdict(case: Case) -> None:
    case.wait()
    case.judge()

    def broken(_: Action) -> str:
        raise Unavailable("the store is busy")

    told = case.ruling(doubt=broken)
    assert told.label is Label.ABNORMAL
    assert told.withheld.startswith("the server could not give leave: ")


def test_rows_that_are_over_are_taken_away(case: Case) -> None:
    case.wait()
    case.clock.advance(100)
    witness = Witness(case.store, KEY, case.clock, protects=protecting(TELLS))
    assert witness.forget() == 1
