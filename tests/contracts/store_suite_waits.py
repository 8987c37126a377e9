"""Verdicts that are waited for, and leave that hosts are given, on every backend."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.store.make import (
    HOST,
    OTHER,
    TENANT,
    action,
    apply,
    command,
    effect,
    enrol,
    incident,
    opened,
    verdict,
    with_action,
)

from vedette.core import (
    OWN_POLICY,
    Action,
    ActionId,
    ActionState,
    Command,
    CommandId,
    CommandResult,
    HostId,
    Identity,
    Label,
    Limits,
    ManualClock,
    Resolution,
    Severity,
    Verdict,
    Waiter,
    Wish,
    derived_id,
)
from vedette.store import Store

__all__ = ["GrantsContract", "WaitsContract"]

S = ActionState
RESPOND = "system:respond"
WIDE = Limits(tenant=1.0, cohort=1.0, model=1.0)


def _waiter(of: Verdict, clock: ManualClock, **more: Any) -> Waiter:
    given: dict[str, Any] = {
        "tenant": of.tenant,
        "host": of.host,
        "epoch": of.epoch,
        "seq": of.seq,
        "digest": of.input_digest,
        "until": clock.now() + timedelta(seconds=5),
    }
    return Waiter(**(given | more))


class WaitsContract:
    """Asked in a batch, signed in a batch, forgotten."""

    def test_who_waits_is_found_once_the_verdict_is_there_and_until_it_is_signed(
        self, store: Store, clock: ManualClock
    ) -> None:
        enrol(store)
        wish = Wish(severity=Severity.HIGH, confirmed=False, lease=120.0)
        first = _waiter(verdict(1), clock, wish=wish)
        store.waits.ask([first, _waiter(verdict(2), clock)])
        assert store.waits.waiting() == []
        apply(store, effect(1))
        assert store.waits.waiting() == [(first, verdict(1))]
        assert store.waits.answered([first.identity]) == {}
        store.waits.answer({first.identity: b"signed"})
        assert store.waits.waiting() == []
        both = [first.identity, verdict(2).identity]
        assert store.waits.answered(both) == {first.identity: b"signed"}
        assert store.waits.answered([]) == {}

    def test_who_asks_again_gets_what_is_signed_from_then_on(
        self, store: Store, clock: ManualClock
    ) -> None:
        enrol(store)
        apply(store, effect(1))
        one = _waiter(verdict(1), clock)
        store.waits.ask([one])
        store.waits.answer({one.identity: b"old"})
        later = msgspec.structs.replace(one, until=one.until + timedelta(seconds=5))
        store.waits.ask([later, later])
        assert store.waits.answered([one.identity]) == {}
        assert store.waits.waiting() == [(later, verdict(1))]

    def test_other_content_or_another_tenant_is_never_answered_by_it(
        self, store: Store, clock: ManualClock
    ) -> None:
        enrol(store)
        apply(store, effect(1))
        store.waits.ask(
            [
                _waiter(verdict(1), clock, digest="sha256:x"),
                _waiter(verdict(1, tenant=OTHER), clock),
            ]
        )
        assert store.waits.waiting() == []

    def test_whose_time_is_over_is_not_answered_and_is_forgotten_soon(
        self, store: Store, clock: ManualClock
    ) -> None:
        enrol(store)
        apply(store, effect(1))
        store.waits.ask([_waiter(verdict(1), clock)])
        clock.advance(5)
        assert store.waits.waiting() == []
        assert store.waits.forget() == 0
        clock.advance(61)
        assert store.waits.forget() == 1

    def test_a_thousand_wait_at_once(self, store: Store, clock: ManualClock) -> None:
        many = [_waiter(verdict(seq), clock) for seq in range(1_200)]
        store.waits.ask(many)
        store.waits.answer({one.identity: b"s" for one in many})
        assert len(store.waits.answered([one.identity for one in many])) == 1_200


class GrantsContract:
    """Leave is an action like all others: counted, held back, begun once."""

    @pytest.fixture
    def case(self, store: Store) -> tuple[Action, Command]:
        """An incident of the host, and leave that could be given for it."""
        enrol(store)
        with_action(store, kind="mail", lease_seconds=0.0)
        return _leave(1)

    def test_it_begins_at_once_and_its_command_goes_by_no_long_poll(
        self, store: Store, clock: ManualClock, case: tuple[Action, Command]
    ) -> None:
        wanted, told = case
        assert _grant(store, case) == (told, "")
        begun = store.actions.get(TENANT, wanted.id)
        assert (begun.state, begun.attempts) == (S.DISPATCHED, 1)
        assert begun.dispatched_at == clock.now()
        assert [one.state for one in store.actions.events(TENANT, wanted.id)] == [
            S.PROPOSED,
            S.APPROVED,
            S.DISPATCHED,
        ]
        assert store.commands.pending(TENANT, HOST, clock.now()) == []
        said = CommandResult(command=told.id, state=S.ACKNOWLEDGED, at=clock.now())
        assert store.commands.record_result(said, HOST, tenant=TENANT)
        assert store.commands.get(TENANT, told.id) == told

    def test_the_same_again_is_the_same_command(
        self, store: Store, case: tuple[Action, Command]
    ) -> None:
        wanted, told = case
        _grant(store, case)
        other = msgspec.structs.replace(told, nonce="another")
        assert _grant(store, (wanted, other)) == (told, "")

    @pytest.mark.parametrize("by", ["switch", "recall", "closing", "settings"])
    def test_the_same_again_is_none_once_something_is_against_it(
        self, store: Store, case: tuple[Action, Command], by: str
    ) -> None:
        wanted, _ = case
        _grant(store, case)
        against = "the host is maintained" if by == "settings" else ""
        if by == "switch":
            store.guards.throw(TENANT, actor="user:ada", reason="a drill")
        if by == "recall":
            store.actions.recall(TENANT, wanted.id, actor="user:ada", why="stop")
        if by == "closing":
            assert wanted.incident is not None
            store.incidents.close(TENANT, wanted.incident, "user:ada", Resolution.FALSE_POSITIVE)
        none, why = _grant(store, case, against=against)
        words = {
            "switch": "the kill switch is thrown by user:ada: a drill",
            "recall": "user:ada asked for its end: stop",
            "closing": "user:ada asked for its end: user:ada closed the incident as false positive",
            "settings": against,
        }
        assert (none, why) == (None, words[by])
        assert store.actions.get(TENANT, wanted.id).state is S.DISPATCHED

    @pytest.mark.parametrize("state", [S.FAILED, S.CANCELLED])
    def test_there_is_one_for_an_incident_even_after_it_ended(
        self, store: Store, clock: ManualClock, case: tuple[Action, Command], state: S
    ) -> None:
        _grant(store, case)
        store.actions.advance(TENANT, case[0].id, state, actor="user:ada")
        clock.advance(3_600)
        none, why = _grant(store, _leave(2))
        assert none is None
        assert "the host had leave before" in why

    def test_what_is_against_it_is_an_action_that_people_see(
        self, store: Store, clock: ManualClock, case: tuple[Action, Command]
    ) -> None:
        assert _grant(store, case, against="a model on trial") == (None, "a model on trial")
        refused = store.actions.get(TENANT, case[0].id)
        assert (refused.state, refused.detail) == (S.REFUSED, "a model on trial")
        none, why = _grant(store, _leave(2))
        assert none is None
        assert "came to nothing: a model on trial" in why
        clock.advance(601)
        assert _grant(store, case)[0] is None
        given = _leave(2, proposed_at=clock.now(), updated_at=clock.now())
        assert _grant(store, given) == (given[1], "")

    def test_the_kill_switch_is_against_it(
        self, store: Store, case: tuple[Action, Command]
    ) -> None:
        store.guards.throw(TENANT, actor="user:ada", reason="a drill")
        none, why = _grant(store, case)
        assert none is None
        assert "the kill switch is thrown by user:ada: a drill" in why
        assert store.actions.get(TENANT, case[0].id).state is S.REFUSED

    def test_a_breaker_that_it_trips_is_against_it_and_stays_open(
        self, store: Store, clock: ManualClock, case: tuple[Action, Command]
    ) -> None:
        second = HostId("host-2")
        enrol(store, host=second)
        assert _grant(store, case, limits=Limits())[0] is not None
        at_second = incident(2, host=second)
        apply(
            store,
            effect(
                1, Label.ABNORMAL, host=second, incidents=(at_second,), events=(opened(at_second),)
            ),
        )
        none, why = _grant(store, _leave(2, host=second, incident=at_second.id), limits=Limits())
        assert none is None
        assert "the breaker tripped: 1 of 2 hosts" in why
        (breaker, *_) = store.guards.breakers(TENANT, open_only=True)
        clock.advance(7_200)
        none, why = _grant(store, _leave(3, host=second, incident=at_second.id), limits=WIDE)
        assert none is None
        assert f"a breaker is open: {breaker.words}" in why

    def test_a_lease_in_force_is_against_it(
        self, store: Store, case: tuple[Action, Command]
    ) -> None:
        other = action(9, dry_run=False)
        stored = store.states.load(TENANT, [HOST])[HOST]
        apply(store, effect(2, Label.ABNORMAL, expected=stored, actions=(other,)))
        for state in (S.APPROVED, S.DISPATCHED):
            store.actions.advance(TENANT, other.id, state, actor=RESPOND)
        none, why = _grant(store, case)
        assert none is None
        assert f"under quarantine by action {other.id}" in why

    def test_identities_are_the_waiters_own(self, clock: ManualClock) -> None:
        of = verdict(3)
        assert _waiter(of, clock).identity == Identity(
            tenant=of.tenant, host=of.host, epoch=of.epoch, seq=3
        )


def _leave(number: int, **more: Any) -> tuple[Action, Command]:
    wanted = action(
        100 + number,
        policy=OWN_POLICY,
        dry_run=False,
        disruptive=True,
        model="sha256:m",
        **more,
    )
    told = command(
        100 + number,
        id=CommandId(derived_id("command", wanted.id)),
        action=ActionId(wanted.id),
        host=wanted.host,
        dry_run=False,
    )
    return wanted, told


def _grant(
    store: Store, case: tuple[Action, Command], *, limits: Limits = WIDE, against: str = ""
) -> tuple[Command | None, str]:
    return store.actions.grant(
        case[0], case[1], b"signed", actor=RESPOND, limits=limits, against=against
    )
