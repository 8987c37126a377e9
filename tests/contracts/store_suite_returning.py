"""What was closed and comes back, from the verdict to the rows, on every backend."""

from datetime import timedelta

import pytest
from tests.contracts.store_suite_storms import ill
from tests.store.make import (
    HOST,
    OTHER,
    START,
    TENANT,
    apply,
    effect,
    enrol,
    incident,
    minute,
    verdict,
)

from vedette.core import (
    ActionState,
    HostId,
    Incident,
    IncidentId,
    IncidentState,
    Label,
    ManualClock,
    Resolution,
    SilenceScope,
    Verdict,
)
from vedette.decide import LINKED_FOR, MOST_CLOSED, PolicySet, Situation, decide, gather
from vedette.respond import schemas
from vedette.store import Applied, Effect, Role, Store

__all__ = ["ReturningContract"]

ADA = "user:ada"
TEXT = """
version: 1
policies:
  - {name: tell, mode: auto, then: [{action: mail, with: {to: ["@owner"]}}], within: {gather: 15s}}
"""
POLICIES = PolicySet.parse(TEXT, kinds=schemas())


def decided(store: Store, given: Verdict) -> Effect:
    """As the pipeline does it, from what the store has now."""
    host, tenant = given.host, given.tenant
    closed = store.incidents.closed(
        tenant, [host], since=given.taken_at - LINKED_FOR, most=MOST_CLOSED
    )
    decision = decide(
        given,
        Situation(
            host=store.hosts.get(tenant, host),
            incidents=store.incidents.live(tenant, [host]).get(host, ()),
            actions=store.actions.recent(tenant, [host], START - timedelta(days=1)).get(host, ()),
            closed=closed.get(host, ()),
            silences=store.silences.holding(tenant, given.taken_at),
        ),
        POLICIES,
    )
    return effect(
        given.seq,
        given.label,
        host=host,
        verdict=given,
        expected=store.states.load(tenant, [host]).get(host),
        incidents=decision.incidents,
        events=decision.events,
        actions=decision.actions,
    )


def see(store: Store, seq: int, label: Label = Label.ABNORMAL, host: HostId = HOST) -> Incident:
    """One snapshot more; what became of the incident that it is about."""
    made = decided(store, verdict(seq, label, host=host))
    assert apply(store, made) == [Applied.APPLIED]
    return store.incidents.get(TENANT, made.incidents[0].id)


def lines(store: Store, one: IncidentId) -> list[str]:
    return [event.kind for event in store.incidents.events(TENANT, one)]


class ReturningContract:
    """Once, with its lines, and not over what people said."""

    @pytest.fixture(autouse=True)
    def _known(self, store: Store) -> None:
        enrol(store)

    def test_it_opens_by_itself_with_its_line_audit_and_mail(self, store: Store) -> None:
        one = see(store, 1)
        store.tokens.create(TENANT, "bob", Role.RESPONDER, "h1", None, ADA)
        store.triage.assign(TENANT, one.id, ADA, to="bob")
        store.incidents.acknowledge(TENANT, one.id, ADA)
        store.incidents.close(TENANT, one.id, ADA, Resolution.TRUE_POSITIVE)
        again = see(store, 120)
        assert (again.id, again.state, again.returns) == (one.id, IncidentState.OPEN, 1)
        assert (again.returned_at, again.verdicts_before) == (minute(120), 1)
        assert (again.acknowledged_by, again.acknowledged_at) == ("", None)
        assert (again.closed_at, again.resolution, again.assigned_to) == (None, None, "user:bob")
        assert lines(store, one.id)[-2:] == ["reopened", "joined"]
        (entry,) = store.audit.find(TENANT, action="incident.reopened", subject=one.id).items
        assert entry.actor == "system:detector"
        told = store.actions.find(TENANT, incident=one.id).items
        assert [(action.kind, action.trigger) for action in told] == [("mail", "opened")] * 2
        notices = [notice.kind for notice in store.outbox.take(100)]
        assert notices.count("incident.reopened") == 1

    def test_two_detectors_open_it_once(self, store: Store) -> None:
        one = see(store, 1)
        store.incidents.close(TENANT, one.id, ADA, Resolution.TRUE_POSITIVE)
        first, second = (decided(store, verdict(seq, Label.ABNORMAL)) for seq in (120, 121))
        assert apply(store, first) == [Applied.APPLIED]
        assert apply(store, second) == [Applied.LOST]
        assert apply(store, decided(store, verdict(121, Label.ABNORMAL))) == [Applied.APPLIED]
        found = store.incidents.get(TENANT, one.id)
        assert (found.returns, found.verdicts) == (1, 3)
        assert lines(store, one.id).count("reopened") == 1

    def test_one_batch_closes_and_opens_it(self, store: Store) -> None:
        one = see(store, 1)
        for seq in (2, 40):
            see(store, seq, Label.NORMAL)
        assert store.incidents.get(TENANT, one.id).resolution is Resolution.EXPIRED
        assert see(store, 41).returns == 1

    def test_what_people_did_meanwhile_stands(self, store: Store) -> None:
        one = see(store, 1)
        joins = decided(store, verdict(2, Label.ABNORMAL))
        store.incidents.close(TENANT, one.id, ADA, Resolution.TRUE_POSITIVE)
        assert apply(store, joins) == [Applied.LOST]
        opens = decided(store, verdict(2 + 20, Label.ABNORMAL))
        assert opens.incidents[0].returns == 1
        store.triage.reopen(TENANT, one.id, ADA, reason="too soon")
        assert apply(store, opens) == [Applied.LOST]
        found = store.incidents.get(TENANT, one.id)
        assert (found.state, found.returns, found.verdicts) == (IncidentState.OPEN, 0, 1)

    def test_what_is_silenced_is_counted_where_it_was_closed(self, store: Store) -> None:
        one = see(store, 1)
        scope = SilenceScope(host=HOST, causes=one.causes)
        closed, silence = store.incidents.false_positive(
            TENANT, one.id, ADA, "ours", scope=scope, ends_at=minute(9_000)
        )
        told = len(store.actions.find(TENANT).items)
        counted = see(store, 120)
        assert (counted.state, counted.verdicts) == (IncidentState.CLOSED, 2)
        assert (counted.closed_at, counted.resolution) == (closed.closed_at, closed.resolution)
        assert len(store.actions.find(TENANT).items) == told
        # People change their minds: what was decided on a closed one is decided anew.
        late = decided(store, verdict(121, Label.ABNORMAL))
        assert late.incidents[0].state is IncidentState.CLOSED
        store.triage.reopen(TENANT, one.id, ADA, reason="it was not")
        assert apply(store, late) == [Applied.LOST]
        assert store.silences.get(TENANT, silence.id).ended_at is not None
        assert store.silences.holding(TENANT, minute(120)) == ()

    def test_a_fleets_opens_with_the_first_of_its_hosts_and_is_told_anew(
        self, store: Store, clock: ManualClock
    ) -> None:
        apply(store, *(ill(number) for number in range(12)))
        store.incidents.gather(gather)
        (fleet,) = (one for one in store.incidents.find(TENANT, whole=True).items if not one.host)
        before = _told(store, fleet.id)
        assert before
        store.incidents.close(TENANT, fleet.id, ADA, Resolution.TRUE_POSITIVE)
        clock.advance(7_200)
        for number in (3, 5):
            see(store, 120 + number, host=HostId(f"host-{number:03d}"))
        again = store.incidents.get(TENANT, fleet.id)
        assert (again.state, again.returns, again.acknowledged_by) == (IncidentState.OPEN, 1, "")
        assert lines(store, fleet.id).count("reopened") == 1
        assert store.audit.find(TENANT, action="incident.reopened", subject=fleet.id).items
        store.incidents.gather(gather)
        assert store.incidents.get(TENANT, fleet.id).state is IncidentState.OPEN
        anew = _told(store, fleet.id) - before
        assert len(anew) == 1
        waiting = store.actions.find(TENANT, state=ActionState.PROPOSED).items
        assert {one.incident for one in waiting} == {fleet.id}

    def test_many_that_come_back_at_once_are_one(self, store: Store, clock: ManualClock) -> None:
        for number in range(12):
            one = ill(number).incidents[0]
            apply(store, ill(number))
            store.incidents.close(TENANT, one.id, ADA, Resolution.TRUE_POSITIVE)
        store.incidents.gather(gather)
        assert all(one.host for one in store.incidents.find(TENANT).items)
        clock.advance(7_200)
        for number in range(12):
            see(store, 120, host=HostId(f"host-{number:03d}"))
        store.incidents.gather(gather)
        (fleet,) = (one for one in store.incidents.find(TENANT, whole=True).items if not one.host)
        assert (fleet.hosts, fleet.opened_at) == (12, minute(120))

    def test_the_closed_ones_are_the_newest_of_each_host(self, store: Store) -> None:
        other = HostId("host-2")
        enrol(store, host=other)
        for number in range(1, 7):
            host = other if number == 6 else HOST
            known = store.states.load(TENANT, [host]).get(host)
            one = incident(
                number,
                host=host,
                state=IncidentState.CLOSED,
                closed_at=minute(number),
                merged_into=IncidentId("x") if number == 5 else None,
            )
            apply(store, effect(number, host=host, expected=known, incidents=(one,)))
        found = store.incidents.closed(TENANT, [HOST, other], since=minute(2), most=2)
        assert {host: [one.closed_at for one in ones] for host, ones in found.items()} == {
            HOST: [minute(3), minute(4)],
            other: [minute(6)],
        }
        assert store.incidents.closed(OTHER, [HOST], since=minute(0), most=2) == {}
        assert [
            one.closed_at
            for one in store.incidents.closed(TENANT, [HOST], since=minute(4), most=9)[HOST]
        ] == [minute(4)]


def _told(store: Store, fleet: IncidentId) -> set[str]:
    return {one.id for one in store.actions.find(TENANT, incident=fleet).items}
