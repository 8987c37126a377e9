"""Incidents of a fleet and of the service itself, on every backend."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from tests.store.make import (
    HOST,
    OTHER,
    START,
    TENANT,
    action,
    apply,
    effect,
    incident,
    minute,
    opened,
    verdict,
)

from vedette.core import (
    DIGEST,
    ActionId,
    ActionState,
    Conflict,
    Gathered,
    HostId,
    Incident,
    IncidentId,
    IncidentKind,
    IncidentState,
    Label,
    Limits,
    ManualClock,
    Mode,
    NotFound,
    Resolution,
    Severity,
    Spread,
    TenantId,
)
from vedette.decide import Crowding, gather
from vedette.store import Effect, Store

__all__ = ["StormsContract", "ill"]


def ill(number: int, tenant: TenantId = TENANT, **more: Any) -> Effect:
    """One host that turns abnormal, its incident, and the mail that waits."""
    host = HostId(f"host-{number:03d}")
    one = incident(
        number,
        id=IncidentId(f"incident-{number:03d}"),
        tenant=tenant,
        host=host,
        hostname=f"web-{number}",
        opened_at=START + timedelta(seconds=number),
        last_abnormal_at=START + timedelta(seconds=number),
        **more,
    )
    told = action(
        number,
        id=ActionId(f"mail-{number:03d}"),
        tenant=tenant,
        incident=one.id,
        host=host,
        kind="mail",
        policy="tell",
        mode=Mode.AUTO,
        dry_run=False,
        lease_seconds=0.0,
        gather_seconds=15.0,
    )
    return effect(
        1,
        Label.ABNORMAL,
        tenant=tenant,
        host=host,
        incidents=(one,),
        events=(opened(one),),
        actions=(told,),
    )


def _storm(store: Store, tenant: TenantId = TENANT) -> Incident:
    (found,) = [one for one in store.incidents.find(tenant, whole=True).items if one.host is None]
    return found


class StormsContract:
    """Many hosts at once."""

    def test_what_tells_of_an_incident_waits_to_be_gathered(
        self, store: Store, clock: ManualClock
    ) -> None:
        clock.step(START)
        apply(store, ill(1))
        told = store.actions.get(TENANT, ActionId("mail-001"))
        assert told.wake_at == START + timedelta(seconds=15)
        assert store.actions.due([ActionState.PROPOSED], disruptive=False) == []
        clock.step(START + timedelta(seconds=15))
        assert store.actions.due([ActionState.PROPOSED], disruptive=False) == [told]

    def test_few_incidents_are_left_as_they_are(self, store: Store) -> None:
        apply(store, *[ill(number) for number in range(10)])
        assert store.incidents.gather(gather) == 0
        assert len(store.incidents.find(TENANT, whole=True).items) == 10

    def test_many_become_one_and_their_notifications_too(self, store: Store) -> None:
        apply(store, *[ill(number) for number in range(20)])
        assert store.incidents.gather(gather) == 41
        storm = _storm(store)
        assert (storm.kind, storm.hosts, storm.state) == (
            IncidentKind.FLEET,
            20,
            IncidentState.OPEN,
        )
        members = store.incidents.find(TENANT, part_of=storm.id).items
        assert len(members) == 20
        assert store.incidents.find(TENANT, whole=True).items == (storm,)
        assert store.incidents.counts_by_state(TENANT)[IncidentState.OPEN] == 1
        (line,) = [
            event
            for event in store.incidents.events(TENANT, members[0].id)
            if event.kind == "gathered"
        ]
        assert storm.id in line.text
        (told,) = store.actions.find(TENANT, incident=storm.id).items
        assert (told.host, told.state) == (None, ActionState.PROPOSED)
        ended = store.actions.get(TENANT, ActionId("mail-007"))
        assert (ended.state, ended.wake_at) == (ActionState.REFUSED, None)
        assert storm.id in ended.detail
        steps = store.actions.events(TENANT, ended.id)
        assert [step.state for step in steps] == [ActionState.PROPOSED, ActionState.REFUSED]
        assert steps[-1].detail == ended.detail
        audited = [entry.action for entry in store.audit.find(TENANT, limit=500).items]
        assert audited.count("action.refused") == 20
        assert "incident.opened" in {
            n.kind for n in store.outbox.take(500) if n.subject == storm.id
        }
        assert store.incidents.gather(gather) == 0

    def test_a_crowd_of_notifications_is_one_digest_that_grows(
        self, store: Store, clock: ManualClock
    ) -> None:
        rule = partial(gather, crowding=Crowding(kinds=frozenset({"mail"}), most=2))
        apply(store, *[ill(number) for number in range(4)])
        assert store.incidents.gather(rule) == 0
        clock.step(START + timedelta(seconds=20))
        assert store.incidents.gather(rule) == 2
        (digest,) = [one for one in store.actions.find(TENANT).items if one.trigger == DIGEST]
        assert (digest.state, digest.incident, digest.host) == (ActionState.PROPOSED, None, None)
        assert digest.parameters["incidents"] == ["incident-002", "incident-003"]
        assert digest.wake_at == START + timedelta(seconds=20 + 900)
        assert store.incidents.gather(rule) == 0
        for number in range(2):
            which = ActionId(f"mail-{number:03d}")
            store.actions.advance(TENANT, which, ActionState.APPROVED, actor="system:x")
            store.actions.dispatch(
                TENANT, which, actor="x", expected=ActionState.APPROVED, limits=Limits()
            )
        apply(store, ill(5))
        clock.step(START + timedelta(seconds=40))
        assert store.incidents.gather(rule) == 1
        grown = store.actions.get(TENANT, digest.id)
        assert grown.parameters["incidents"] == ["incident-002", "incident-003", "incident-005"]
        assert grown.wake_at == digest.wake_at
        ended = store.actions.get(TENANT, ActionId("mail-005"))
        assert ended.state is ActionState.REFUSED
        assert f"digest {digest.id} tells of it" in ended.detail

    def test_two_who_gather_at_once_make_one(self, store: Store, second: Store) -> None:
        apply(store, *[ill(number) for number in range(20)])

        def late(spread: Spread) -> Gathered:
            if not spread.storms:
                store.incidents.gather(gather)
            return gather(spread)

        looks = iter([late, gather])

        def rule(spread: Spread) -> Gathered:
            return next(looks)(spread)

        second.incidents.gather(rule)
        assert _storm(store).hosts == 20
        assert len(store.actions.find(TENANT, incident=_storm(store).id).items) == 1

    def test_a_rule_that_breaks_leaves_nothing(self, store: Store) -> None:
        apply(store, *[ill(number) for number in range(20)])
        looks = iter([gather, None])

        def breaks(spread: Spread) -> Gathered:
            rule = next(looks)
            if rule is None:
                raise RuntimeError
            return rule(spread)

        with pytest.raises(RuntimeError):
            store.incidents.gather(breaks)
        assert len(store.incidents.find(TENANT, whole=True).items) == 20
        assert store.actions.get(TENANT, ActionId("mail-003")).state is ActionState.PROPOSED

    def test_tenants_are_gathered_apart(self, store: Store) -> None:
        apply(store, *[ill(number) for number in range(8)])
        apply(store, *[ill(number, OTHER) for number in range(8)])
        assert store.incidents.gather(gather) == 0
        apply(store, *[ill(number, OTHER) for number in range(8, 12)])
        store.incidents.gather(gather)
        assert _storm(store, OTHER).hosts == 12
        assert len(store.incidents.find(TENANT, whole=True).items) == 8

    def test_a_verdict_decided_before_does_not_take_an_incident_out_again(
        self, store: Store
    ) -> None:
        effects = [ill(number) for number in range(20)]
        apply(store, *effects)
        store.incidents.gather(gather)
        (before,) = effects[3].incidents
        host = effects[3].verdict.host
        more = verdict(2, Label.ABNORMAL, host=host)
        apply(
            store,
            effect(2, expected=effects[3].result, host=host, verdict=more, incidents=(before,)),
        )
        assert store.incidents.get(TENANT, before.id).part_of == _storm(store).id

    def test_closing_it_closes_its_hosts_and_says_the_same_of_them(self, store: Store) -> None:
        apply(store, *[ill(number) for number in range(20)])
        store.incidents.gather(gather)
        storm = _storm(store)
        store.incidents.close(
            TENANT, IncidentId("incident-001"), "user:ben", Resolution.TRUE_POSITIVE
        )
        store.outbox.done([one.id for one in store.outbox.take(500)])
        store.incidents.close(
            TENANT, storm.id, "user:ada", Resolution.FALSE_POSITIVE, "a bad model"
        )
        members = store.incidents.find(TENANT, part_of=storm.id).items
        assert {one.state for one in members} == {IncidentState.CLOSED}
        said = {one.id: one.resolution for one in members}
        assert said.pop(IncidentId("incident-001")) is Resolution.TRUE_POSITIVE
        assert set(said.values()) == {Resolution.FALSE_POSITIVE}
        assert len(store.sayings.find(TENANT).items) == 20
        notices = [one.subject for one in store.outbox.take(500) if one.kind == "incident.closed"]
        assert len(notices) == 20
        assert storm.id in notices
        with pytest.raises(Conflict, match="user:ada"):
            store.incidents.close(TENANT, storm.id, "user:ben", Resolution.TRUE_POSITIVE)
        assert store.incidents.gather(gather) == 0

    def test_it_ends_when_its_hosts_are_normal_again(self, store: Store) -> None:
        apply(store, *[ill(number) for number in range(20)])
        store.incidents.gather(gather)
        for one in store.incidents.find(TENANT, part_of=_storm(store).id).items:
            store.incidents.close(TENANT, one.id, "user:ada", Resolution.BENIGN_CHANGE)
        store.incidents.acknowledge(TENANT, _storm(store).id, "user:ada")
        assert store.incidents.gather(gather) == 1
        storm = _storm(store)
        assert (storm.state, storm.resolution, storm.acknowledged_by) == (
            IncidentState.CLOSED,
            Resolution.BENIGN_CHANGE,
            "user:ada",
        )

    def test_a_later_one_of_other_hosts_names_the_one_that_was_closed(self, store: Store) -> None:
        apply(store, *[ill(number) for number in range(20)])
        store.incidents.gather(gather)
        first = _storm(store)
        assert first.seen_before is None
        store.incidents.close(TENANT, first.id, "user:ada", Resolution.TRUE_POSITIVE)
        apply(store, *[ill(number) for number in range(20, 40)])
        store.incidents.gather(gather)
        found = store.incidents.find(TENANT, state=IncidentState.OPEN, whole=True).items
        assert [(one.host, one.hosts, one.seen_before) for one in found] == [(None, 20, first.id)]

    def test_what_was_opened_long_ago_is_left_alone(self, store: Store, clock: ManualClock) -> None:
        apply(store, *[ill(number) for number in range(20)])
        clock.step(START + timedelta(hours=2))
        assert store.incidents.gather(gather) == 0

    def test_the_service_opens_an_incident_of_its_own_once(
        self, store: Store, clock: ManualClock
    ) -> None:
        def trip(key: str = "breaker:tenant") -> Incident:
            return store.incidents.raise_own(
                TENANT,
                key,
                title="A breaker tripped",
                severity=Severity.HIGH,
                actor="system:respond",
            )

        one = trip()
        assert (one.kind, one.host, one.first_verdict, one.hosts) == (
            IncidentKind.BREAKER,
            None,
            None,
            0,
        )
        clock.step(minute(5))
        again = trip()
        assert (again.id, again.verdicts, again.last_abnormal_at) == (one.id, 2, minute(5))
        assert trip("breaker:model").id != one.id
        assert [event.kind for event in store.incidents.events(TENANT, one.id)] == [
            "opened",
            "joined",
        ]
        store.incidents.close(TENANT, one.id, "user:ada", Resolution.TRUE_POSITIVE)
        assert store.sayings.find(TENANT).items == ()
        assert trip().id != one.id
        with pytest.raises(NotFound):
            store.incidents.get(OTHER, one.id)
        assert HOST not in {item.host for item in store.incidents.find(TENANT).items}
