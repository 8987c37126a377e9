"""Leases and their timers as the responder and people use them, on every backend."""

from datetime import timedelta

import pytest
from tests.store.make import (
    HOST,
    TENANT,
    action,
    apply,
    command,
    effect,
    enrol,
    incident,
    minute,
    with_action,
)

from vedette.core import (
    Action,
    ActionState,
    CommandId,
    Conflict,
    Label,
    ManualClock,
    Resolution,
    SilenceScope,
    Verb,
)
from vedette.store import Store

__all__ = ["LeasesContract"]

S = ActionState
ADA = "user:ada"


def _approve(store: Store, lease: Action) -> None:
    store.actions.advance(TENANT, lease.id, S.APPROVED, actor="system:respond")


class LeasesContract:
    """One of a kind on a host, awake when it is time, recalled once."""

    @pytest.fixture
    def lease(self, store: Store) -> Action:
        enrol(store)
        proposed = with_action(store, dry_run=False)
        _approve(store, proposed)
        return store.actions.advance(TENANT, proposed.id, S.DISPATCHED, actor="system:respond")

    def test_a_second_of_its_kind_on_its_host_is_refused(self, store: Store, lease: Action) -> None:
        other = action(2, dry_run=False)
        stored = store.states.load(TENANT, [HOST])[HOST]
        apply(store, effect(2, Label.ABNORMAL, expected=stored, actions=(other,)))
        _approve(store, other)
        with pytest.raises(Conflict) as caught:
            store.actions.advance(TENANT, other.id, S.DISPATCHED, actor="system:respond")
        assert (caught.value.kind, caught.value.extensions["action"]) == (
            "lease-in-force",
            lease.id,
        )
        assert store.actions.get(TENANT, other.id).state is S.APPROVED
        store.actions.advance(TENANT, lease.id, S.CANCELLED, actor=ADA)
        store.actions.advance(TENANT, other.id, S.DISPATCHED, actor="system:respond")

    def test_it_wakes_when_it_is_time_and_a_step_lets_it_sleep(
        self, store: Store, clock: ManualClock, lease: Action
    ) -> None:
        at = clock.now() + timedelta(minutes=5)
        store.actions.wake(TENANT, lease.id, expected=S.DISPATCHED, at=at)
        assert store.actions.awake(at - timedelta(microseconds=1)) == []
        assert [one.id for one in store.actions.awake(at)] == [lease.id]
        store.actions.wake(TENANT, lease.id, expected=S.VERIFIED, at=None)
        assert [one.id for one in store.actions.awake(at)] == [lease.id]
        store.actions.advance(TENANT, lease.id, S.ACKNOWLEDGED, actor="system:respond")
        assert store.actions.awake(at) == []

    def test_its_end_is_asked_for_once(
        self, store: Store, clock: ManualClock, lease: Action
    ) -> None:
        asked = store.actions.recall(TENANT, lease.id, actor=ADA, why="a false alarm")
        assert (asked.recalled_by, asked.recalled_why) == (ADA, "a false alarm")
        assert (asked.state, asked.wake_at) == (S.DISPATCHED, clock.now())
        assert [one.id for one in store.actions.going_on(TENANT, incident().id)] == [lease.id]
        with pytest.raises(Conflict) as caught:
            store.actions.recall(TENANT, lease.id, actor="user:bob")
        assert caught.value.kind == "recalled-before"
        assert store.audit.find(TENANT, action="action.recalled").items[0].reason == "a false alarm"
        assert "action.recalled" in [notice.kind for notice in store.outbox.take(500)]

    @pytest.mark.parametrize("one_click", [False, True])
    def test_closing_its_incident_as_harmless_asks_for_its_end_for_good(
        self, store: Store, clock: ManualClock, lease: Action, one_click: bool
    ) -> None:
        told = action(2, kind="mail", lease_seconds=0.0, dry_run=False)
        waits = action(3, dry_run=False)
        stored = store.states.load(TENANT, [HOST])[HOST]
        apply(store, effect(2, Label.ABNORMAL, expected=stored, actions=(told, waits)))
        if one_click:
            whose = SilenceScope(host=HOST)
            ends = clock.now() + timedelta(hours=1)
            store.incidents.false_positive(
                TENANT, incident().id, ADA, "mine", scope=whose, ends_at=ends
            )
        else:
            store.incidents.close(TENANT, incident().id, ADA, Resolution.FALSE_POSITIVE)
        store.triage.reopen(TENANT, incident().id, "user:bob", reason="it goes on")
        why = f"{ADA} closed the incident as false positive"
        for one in (lease, waits):
            found = store.actions.get(TENANT, one.id)
            assert (found.recalled_by, found.recalled_why) == (ADA, why)
            assert store.actions.events(TENANT, one.id)[-1].detail == f"asked for its end: {why}"
        assert store.actions.get(TENANT, told.id).recalled_by == ""
        assert [one.id for one in store.actions.awake(clock.now())] == [lease.id]
        assert len(store.audit.find(TENANT, action="action.recalled").items) == 2
        notices = [one.subject for one in store.outbox.take(500) if one.kind == "action.recalled"]
        assert sorted(notices) == sorted([lease.id, waits.id])

    def test_closing_it_as_a_true_alarm_does_not(self, store: Store, lease: Action) -> None:
        store.incidents.close(TENANT, incident().id, ADA, Resolution.TRUE_POSITIVE)
        assert store.actions.get(TENANT, lease.id).recalled_by == ""

    def test_there_is_nothing_to_recall_of_what_never_was_in_force(self, store: Store) -> None:
        enrol(store)
        idle = with_action(store)
        with pytest.raises(Conflict) as caught:
            store.actions.recall(TENANT, idle.id, actor=ADA)
        assert caught.value.kind == "not-in-force"

    @pytest.mark.parametrize("everyone", [False, True])
    def test_under_the_kill_switch_only_what_undoes_or_changes_nothing_is_given_out(
        self, store: Store, lease: Action, everyone: bool
    ) -> None:
        dry = command(1, action=lease.id)
        acts = [
            command(n, action=lease.id, dry_run=False, verb=v) for n, v in enumerate(Verb, start=2)
        ]
        for one in (dry, *acts):
            store.commands.put(one, b"signed")
        undoes = [one.id for one in acts if one.verb in {Verb.RELEASE, Verb.CANCEL}]

        def given() -> list[CommandId]:
            return [one for one, _ in store.commands.pending(TENANT, HOST, minute(6))]

        assert given() == [one.id for one in (dry, *acts)]
        store.guards.throw(TENANT, actor="ann", reason="wild", everyone=everyone)
        assert given() == [dry.id, *undoes]
        store.guards.lift(TENANT, actor="ann", reason="tame", everyone=everyone)
        assert given() == [one.id for one in (dry, *acts)]
