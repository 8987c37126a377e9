"""Escalations, and the texts of who is on call, on every backend."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.store.make import (
    ACTOR,
    HOST,
    OTHER,
    TENANT,
    action,
    apply,
    described,
    effect,
    incident,
    minute,
    opened,
)

from vedette.core import (
    Action,
    ActionId,
    Conflict,
    Escalated,
    Escalating,
    EscalationState,
    IncidentEvent,
    IncidentId,
    IncidentKind,
    InvalidInput,
    Label,
    ManualClock,
    Mode,
    NotFound,
    Resolution,
    Silence,
    SilenceScope,
)
from vedette.store import Store
from vedette.store.rows import values_of
from vedette.store.schema import INCIDENTS

__all__ = ["EscalationsContract"]

FIRST = incident().id


def _start(number: int = 1, **more: Any) -> Action:
    given: dict[str, Any] = {
        "kind": "escalate",
        "mode": Mode.AUTO,
        "dry_run": False,
        "lease_seconds": 0.0,
        "parameters": {"chain": "ops"},
    }
    return action(number, **(given | more))


def _filled(store: Store, clock: ManualClock) -> Action:
    clock.step(minute(2))
    one = incident()
    apply(
        store,
        effect(
            1,
            Label.ABNORMAL,
            description=described(labels={"role": "web"}),
            incidents=(one,),
            events=(opened(one),),
            actions=(_start(), _start(2), _start(3, parameters={"chain": "b"})),
        ),
    )
    return store.actions.get(TENANT, _start().id)


class Rule:
    """Tells one person of every case, five minutes apart, and keeps what it was shown."""

    def __init__(self) -> None:
        self.seen: list[Escalating] = []

    def __call__(self, case: Escalating) -> Escalated:
        self.seen.append(case)
        run = msgspec.structs.replace(
            case.run,
            told=case.run.told + 1,
            due_at=case.at + timedelta(minutes=5),
            detail=f"told {case.run.told + 1}",
        )
        told = _start(
            1,
            id=ActionId(f"{run.id}-{run.told}"),
            kind="mail",
            trigger="escalated",
            parameters={"to": ["a@example.com"]},
        )
        line = IncidentEvent(
            incident=run.incident, at=case.at, kind="escalated", actor=ACTOR, text=run.detail
        )
        return Escalated(run=run, actions=(told,), events=(line,))


def _audited(store: Store) -> list[str]:
    names = [entry.action for entry in reversed(store.audit.find(TENANT).items)]
    return [name for name in names if name.startswith(("escalation", "oncall", "policy"))]


class EscalationsContract:
    """Begun once, moved on once, ended with their incident."""

    @pytest.fixture
    def began(self, store: Store, clock: ManualClock) -> Action:
        return _filled(store, clock)

    def test_an_action_begins_one_escalation_however_often_it_is_carried_out(
        self, store: Store, clock: ManualClock, began: Action
    ) -> None:
        run = store.escalations.start(began, "ops")
        clock.advance(60)
        assert store.escalations.start(began, "ops") == run
        assert (run.state, run.due_at) == (EscalationState.RUNNING, minute(2))
        assert store.escalations.begun_by(TENANT, began.id) == run
        assert store.escalations.begun_by(TENANT, ActionId("no")) is None
        assert store.escalations.get(TENANT, run.id) == run
        assert _audited(store) == ["escalation.started"]

    def test_one_chain_runs_once_for_an_incident_and_another_beside_it(
        self, store: Store, began: Action
    ) -> None:
        store.escalations.start(began, "ops")
        with pytest.raises(Conflict, match="runs for its incident already") as caught:
            store.escalations.start(_start(2), "ops")
        assert caught.value.kind == "not-escalated"
        store.escalations.start(_start(3), "b")
        assert store.escalations.running_chains(TENANT) == {"ops", "b"}

    def test_what_somebody_took_on_is_not_escalated(self, store: Store, began: Action) -> None:
        store.incidents.acknowledge(TENANT, FIRST, "user:ada")
        with pytest.raises(Conflict, match="user:ada has acknowledged its incident"):
            store.escalations.start(began, "ops")
        store.incidents.close(TENANT, FIRST, "user:ada", Resolution.TRUE_POSITIVE)
        with pytest.raises(Conflict, match="its incident is closed"):
            store.escalations.start(began, "ops")
        assert store.escalations.find(TENANT).items == ()

    def test_what_is_due_is_moved_on_with_what_it_tells(
        self, store: Store, clock: ManualClock, began: Action
    ) -> None:
        run, rule = store.escalations.start(began, "ops"), Rule()
        assert store.escalations.sweep(rule) == 1
        assert store.escalations.sweep(rule) == 0
        clock.advance(300)
        assert store.escalations.sweep(rule) == 1
        after = store.escalations.get(TENANT, run.id)
        assert (after.told, after.due_at) == (2, minute(12))
        told = [one for one in store.actions.find(TENANT).items if one.trigger == "escalated"]
        assert {one.id for one in told} == {f"{run.id}-1", f"{run.id}-2"}
        lines = [e.text for e in store.incidents.events(TENANT, FIRST) if e.kind == "escalated"]
        assert lines == ["told 1", "told 2"]
        assert _audited(store) == ["escalation.started", "escalation.told", "escalation.told"]
        seen = rule.seen[0]
        assert (seen.incident.id, seen.action.id, seen.at) == (FIRST, began.id, minute(2))
        assert (seen.silence, seen.home, seen.home_escalated) == (None, None, False)

    def test_a_rule_that_breaks_moves_nothing(self, store: Store, began: Action) -> None:
        run = store.escalations.start(began, "ops")

        def broken(case: Escalating) -> Escalated:
            raise InvalidInput(case.run.id)

        with pytest.raises(InvalidInput):
            store.escalations.sweep(broken)
        assert store.escalations.get(TENANT, run.id) == run

    def test_waiting_and_ending_are_audited_once(
        self, store: Store, clock: ManualClock, began: Action
    ) -> None:
        store.escalations.start(began, "ops")

        def waits(case: Escalating) -> Escalated:
            due = case.at + timedelta(minutes=1)
            return Escalated(run=msgspec.structs.replace(case.run, due_at=due, detail="waits"))

        def ends(case: Escalating) -> Escalated:
            run = msgspec.structs.replace(
                case.run, due_at=None, state=EscalationState.EXHAUSTED, ended_at=case.at
            )
            return Escalated(run=run)

        for rule in (waits, waits, ends):
            assert store.escalations.sweep(rule) == 1
            clock.advance(60)
        assert store.escalations.sweep(ends) == 0
        assert _audited(store)[1:] == ["escalation.held", "escalation.ended"]
        assert store.escalations.find(TENANT, running=True).items == ()

    def test_acknowledging_or_closing_ends_it_in_the_same_transaction(
        self, store: Store, clock: ManualClock, began: Action
    ) -> None:
        run = store.escalations.start(began, "ops")
        clock.advance(60)
        store.incidents.acknowledge(TENANT, FIRST, "user:ada")
        after = store.escalations.get(TENANT, run.id)
        assert (after.state, after.due_at) == (EscalationState.ACKNOWLEDGED, None)
        assert (after.detail, after.ended_at) == ("acknowledged by user:ada", minute(3))
        store.incidents.close(TENANT, FIRST, "user:ada", Resolution.TRUE_POSITIVE)
        assert store.escalations.get(TENANT, run.id) == after

    def test_closing_a_running_one_ends_it(self, store: Store, began: Action) -> None:
        run = store.escalations.start(began, "ops")
        store.incidents.close(TENANT, FIRST, "user:ada", Resolution.TRUE_POSITIVE)
        assert store.escalations.get(TENANT, run.id).state is EscalationState.CLOSED

    def test_the_rule_is_shown_what_silences_the_incident(
        self, store: Store, began: Action
    ) -> None:
        made: Silence = store.silences.create(
            TENANT, SilenceScope(host=HOST), ends_at=minute(30), owner="user:ada", reason="known"
        )
        store.escalations.start(began, "ops")
        rule = Rule()
        store.escalations.sweep(rule)
        assert rule.seen[0].silence == made

    def test_the_rule_is_shown_what_the_incident_is_part_of(
        self, store: Store, began: Action
    ) -> None:
        home = incident(2, host=None, hostname="", kind=IncidentKind.FLEET, hosts=9)
        store.escalations.start(began, "ops")
        with store._database.writing() as connection:
            connection.execute(INCIDENTS.insert(), [values_of(home)])
            connection.execute(
                INCIDENTS.update().where(INCIDENTS.c.id == FIRST).values(part_of=home.id)
            )
        rule = Rule()
        store.escalations.sweep(rule)
        assert rule.seen[0].home is not None
        assert (rule.seen[0].home.id, rule.seen[0].home_escalated) == (home.id, False)

    def test_what_is_merged_is_escalated_in_the_other_once(
        self, store: Store, began: Action
    ) -> None:
        second, third = incident(2), incident(3)
        with store._database.writing() as connection:
            connection.execute(INCIDENTS.insert(), [values_of(one) for one in (second, third)])
        run = store.escalations.start(began, "ops")
        store.triage.merge(TENANT, FIRST, second.id, actor="user:ada", reason="the same")
        moved = store.escalations.get(TENANT, run.id)
        assert (moved.incident, moved.state) == (second.id, EscalationState.RUNNING)
        store.incidents.answer(TENANT, third.id, lambda _: (_start(8, incident=third.id),))
        other = store.escalations.start(_start(8, incident=third.id), "ops")
        store.triage.merge(TENANT, third.id, second.id, actor="user:ada", reason="the same")
        after = store.escalations.get(TENANT, other.id)
        assert (after.incident, after.state) == (second.id, EscalationState.GATHERED)
        assert store.escalations.get(TENANT, run.id).state is EscalationState.RUNNING

    def test_of_two_that_sweep_at_once_one_moves_it(
        self, store: Store, second: Store, began: Action
    ) -> None:
        store.escalations.start(began, "ops")
        barrier, rule = threading.Barrier(2), Rule()

        def sweep(one: Store) -> int:
            barrier.wait(timeout=30)
            return one.escalations.sweep(rule)

        with ThreadPoolExecutor(2) as pool:
            moved = list(pool.map(sweep, (store, second)))
        assert sorted(moved) == [0, 1]
        assert len(rule.seen) == 1

    def test_of_two_actions_that_begin_one_chain_at_once_one_does(
        self, store: Store, second: Store, began: Action
    ) -> None:
        barrier = threading.Barrier(2)

        def start(pair: tuple[Store, Action]) -> str:
            barrier.wait(timeout=30)
            try:
                return pair[0].escalations.start(pair[1], "ops").state.value
            except Conflict as error:
                return error.kind

        with ThreadPoolExecutor(2) as pool:
            ended = list(pool.map(start, ((store, began), (second, _start(2)))))
        assert sorted(ended) == ["not-escalated", "running"]

    def test_a_tenant_sees_its_own_alone(self, store: Store, began: Action) -> None:
        run = store.escalations.start(began, "ops")
        assert store.escalations.find(TENANT, incident=FIRST).items == (run,)
        assert store.escalations.find(TENANT, incident=IncidentId("x")).items == ()
        assert store.escalations.find(OTHER).items == ()
        assert store.escalations.running_chains(OTHER) == frozenset()
        with pytest.raises(NotFound):
            store.escalations.get(OTHER, run.id)

    def test_an_incident_is_answered_once(self, store: Store, began: Action) -> None:
        mail = _start(9, kind="mail", parameters={"to": ["a@example.com"]}, host=None)
        assert store.incidents.answer(TENANT, FIRST, lambda _: (mail,)) == 1
        assert store.incidents.answer(TENANT, FIRST, lambda _: (mail,)) == 0
        assert store.actions.get(TENANT, mail.id).kind == "mail"
        assert began.id != mail.id

    def test_who_is_on_call_and_the_policies_are_texts_beside_each_other(
        self, store: Store
    ) -> None:
        store.policies.put(TENANT, "sha256:p", "policies", "user:ada", "one")
        assert store.oncall.current(TENANT) is None
        store.oncall.put(TENANT, "sha256:o", "on call", "user:ada", "two")
        assert [one.text for one in store.oncall.list(TENANT).items] == ["on call"]
        assert [one.text for one in store.policies.list(TENANT).items] == ["policies"]
        present = store.policies.current(TENANT)
        assert present is not None
        assert present.text == "policies"
        assert _audited(store) == ["policy.applied", "oncall.applied"]
