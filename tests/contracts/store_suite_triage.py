"""What people make of incidents, on every backend."""

from collections.abc import Sequence

import pytest
from tests.contracts.store_suite_storms import ill
from tests.store.make import (
    HOST,
    OTHER,
    TENANT,
    action,
    apply,
    effect,
    enrol,
    incident,
    minute,
    opened,
    verdict,
)

from vedette.core import (
    ActionId,
    Conflict,
    HostId,
    Incident,
    IncidentId,
    IncidentKind,
    IncidentState,
    InvalidInput,
    Label,
    NotFound,
    Reason,
    Resolution,
    Severity,
    SilenceScope,
)
from vedette.decide import gather
from vedette.store import Applied, Role, Store

__all__ = ["TriageContract"]

ADA = "user:ada"
CRON, PORT = "cron:/etc/cron.d/x", "port:4444"


def _about(subject: str) -> Reason:
    return Reason(expert="inventory", subject=subject, text=f"{subject} is new", share=0.5)


def _open(store: Store, number: int, cause: str, host: HostId = HOST) -> Incident:
    one = incident(number, host=host, causes=(cause,), reasons=(_about(cause),))
    proposed = action(number, incident=one.id, host=host)
    known = store.states.load(TENANT, [host]).get(host)
    alarm = effect(
        number,
        Label.ABNORMAL,
        host=host,
        expected=known,
        incidents=(one,),
        events=(opened(one),),
        actions=(proposed,),
    )
    assert apply(store, alarm) == [Applied.APPLIED]
    return store.incidents.get(TENANT, one.id)


def _fleet(store: Store, count: int = 12) -> tuple[Incident, list[Incident]]:
    apply(store, *(ill(number) for number in range(count)))
    store.incidents.gather(gather)
    (fleet,) = (
        one for one in store.incidents.find(TENANT, whole=True).items if one.kind == "fleet"
    )
    return fleet, _members(store, fleet.id)


def _members(store: Store, fleet: IncidentId) -> list[Incident]:
    return sorted(store.incidents.find(TENANT, part_of=fleet).items, key=lambda one: one.id)


def _kinds(store: Store, one: IncidentId) -> list[str]:
    return [event.kind for event in store.incidents.events(TENANT, one)]


def _audited(store: Store, one: IncidentId) -> list[str]:
    return [entry.action for entry in store.audit.find(TENANT, subject=one).items]


class TriageContract:
    """Guarded, written down, and whole or not at all."""

    @pytest.fixture(autouse=True)
    def _known(self, store: Store) -> None:
        enrol(store)

    def test_it_is_assigned_to_who_may_respond_and_taken_back(self, store: Store) -> None:
        one = _open(store, 1, CRON)
        store.tokens.create(TENANT, "bob", Role.RESPONDER, "h1", None, ADA)
        store.tokens.create(TENANT, "eve", Role.VIEWER, "h2", None, ADA)
        for wrong in ("eve", "nobody"):
            with pytest.raises(InvalidInput, match=r"may respond; those who may: bob$"):
                store.triage.assign(TENANT, one.id, ADA, to=wrong)
        assert store.triage.assign(TENANT, one.id, ADA, to="bob").assigned_to == "user:bob"
        with pytest.raises(Conflict, match="bob's already"):
            store.triage.assign(TENANT, one.id, ADA, to="bob")
        # What the detector writes meanwhile leaves it assigned.
        known = store.states.load(TENANT, [HOST])[HOST]
        apply(store, effect(2, Label.ABNORMAL, expected=known, incidents=(one,)))
        assert store.incidents.get(TENANT, one.id).assigned_to == "user:bob"
        assert store.triage.assign(TENANT, one.id, ADA, to="", reason="away").assigned_to == ""
        assert _kinds(store, one.id) == ["opened", "assigned", "assigned"]
        assert _audited(store, one.id).count("incident.assigned") == 2
        store.incidents.close(TENANT, one.id, ADA, Resolution.BENIGN_CHANGE)
        with pytest.raises(Conflict, match="re-open it first"):
            store.triage.assign(TENANT, one.id, ADA, to="bob")

    def test_a_closed_one_goes_on_and_what_it_silenced_is_told_again(self, store: Store) -> None:
        one = _open(store, 1, CRON)
        with pytest.raises(Conflict, match="open, not closed"):
            store.triage.reopen(TENANT, one.id, ADA, reason="no")
        _, made = store.incidents.false_positive(
            TENANT, one.id, ADA, "ours", scope=SilenceScope(host=HOST), ends_at=minute(9_000)
        )
        after = store.triage.reopen(TENANT, one.id, ADA, reason="it was not")
        assert (after.state, after.closed_at, after.resolution) == (IncidentState.OPEN, None, None)
        assert "re-opened" in store.silences.get(TENANT, made.id).ended_why
        assert _kinds(store, one.id)[-1] == "reopened"
        assert "incident.reopened" in _audited(store, one.id)
        assert store.incidents.live(TENANT, [HOST])[HOST] == (after,)

    def test_a_fleets_closing_is_undone_with_its_hosts(self, store: Store) -> None:
        fleet, members = _fleet(store)
        store.incidents.close(TENANT, members[0].id, ADA, Resolution.TRUE_POSITIVE)
        store.incidents.close(TENANT, fleet.id, "user:bob", Resolution.FALSE_POSITIVE)
        store.triage.reopen(TENANT, fleet.id, ADA, reason="too soon")
        states = [one.state for one in _members(store, fleet.id)]
        assert states == [IncidentState.CLOSED] + [IncidentState.OPEN] * (len(members) - 1)
        store.incidents.gather(gather)
        assert store.incidents.get(TENANT, fleet.id).state is IncidentState.OPEN

    def test_a_host_that_goes_on_opens_its_fleet(self, store: Store) -> None:
        fleet, members = _fleet(store)
        for one in members:
            store.incidents.close(TENANT, one.id, ADA, Resolution.FALSE_POSITIVE)
        store.incidents.gather(gather)
        assert store.incidents.get(TENANT, fleet.id).state is IncidentState.CLOSED
        with pytest.raises(Conflict, match="one by one"):
            store.triage.reopen(TENANT, fleet.id, ADA, reason="all of them")
        store.triage.reopen(TENANT, members[3].id, ADA, reason="this one")
        store.incidents.gather(gather)
        assert store.incidents.get(TENANT, fleet.id).state is IncidentState.OPEN

    def test_two_of_one_host_are_one_with_all_that_was_theirs(self, store: Store) -> None:
        first, second = _open(store, 1, CRON), _open(store, 2, PORT)
        into = store.triage.merge(TENANT, second.id, first.id, ADA, reason="one act")
        assert (into.id, into.causes, into.verdicts) == (first.id, (CRON, PORT), 2)
        gone = store.incidents.get(TENANT, second.id)
        assert (gone.state, gone.merged_into, gone.resolution) == (
            IncidentState.CLOSED,
            first.id,
            None,
        )
        assert {one.id for one in store.actions.find(TENANT, incident=first.id).items} == {
            action(1).id,
            action(2).id,
        }
        assert _kinds(store, first.id) == ["opened", "opened", "merged", "merged"]
        assert store.incidents.live(TENANT, [HOST])[HOST] == (into,)
        with pytest.raises(Conflict, match=f"merged into {first.id}"):
            store.triage.reopen(TENANT, second.id, ADA, reason="no")
        third = _open(store, 3, "unit:x")
        store.triage.merge(TENANT, first.id, third.id, ADA, reason="more of it")
        assert store.incidents.get(TENANT, second.id).merged_into == third.id
        assert "incident.merged" in _audited(store, second.id)

    def test_what_was_decided_before_people_changed_it_is_not_written(self, store: Store) -> None:
        first, second = _open(store, 1, CRON), _open(store, 2, PORT)
        known = store.states.load(TENANT, [HOST])[HOST]
        store.triage.merge(TENANT, second.id, first.id, ADA, reason="one act")
        for stale in (first, second):
            late = effect(3, Label.ABNORMAL, expected=known, incidents=(stale,))
            assert apply(store, late) == [Applied.LOST]
        assert store.incidents.get(TENANT, first.id).causes == (CRON, PORT)

    def test_two_hosts_are_part_of_a_new_fleets(self, store: Store) -> None:
        enrol(store, host=HostId("host-2"))
        first, second = _open(store, 1, CRON), _open(store, 2, CRON, HostId("host-2"))
        fleet = store.triage.merge(TENANT, first.id, second.id, ADA, reason="one act")
        assert (fleet.kind, fleet.hosts, fleet.causes) == (IncidentKind.FLEET, 2, (CRON,))
        assert {one.id for one in _members(store, fleet.id)} == {first.id, second.id}
        assert store.triage.cohorts(TENANT, fleet.id) == ("",)
        with pytest.raises(Conflict, match=r"part of .* already"):
            store.triage.merge(TENANT, first.id, fleet.id, ADA, reason="again")
        with pytest.raises(Conflict, match="not the other way"):
            store.triage.merge(TENANT, fleet.id, first.id, ADA, reason="turned")
        # It is kept up as any other.
        store.incidents.gather(gather)
        assert store.incidents.get(TENANT, fleet.id).state is IncidentState.OPEN

    def test_a_host_joins_a_fleet_and_fleets_join_each_other(self, store: Store) -> None:
        fleet, members = _fleet(store)
        own = _open(store, 1, PORT)
        joined = store.triage.merge(TENANT, own.id, fleet.id, ADA, reason="the same")
        assert joined.hosts == len(members) + 1
        assert store.incidents.get(TENANT, own.id).state is IncidentState.OPEN
        out = store.triage.split(TENANT, fleet.id, ADA, reason="other", hosts=[HOST])
        assert (out.hosts, out.kind) == (1, IncidentKind.FLEET)
        store.incidents.gather(gather)
        assert [one.id for one in _members(store, out.id)] == [own.id]
        with pytest.raises(Conflict, match="last host"):
            store.triage.merge(TENANT, own.id, fleet.id, ADA, reason="back")
        store.triage.merge(TENANT, out.id, fleet.id, ADA, reason="back")
        assert len(_members(store, fleet.id)) == len(members) + 1
        assert store.incidents.get(TENANT, out.id).merged_into == fleet.id
        store.incidents.gather(gather)
        assert store.incidents.get(TENANT, fleet.id).hosts == len(members) + 1

    def test_causes_go_with_what_speaks_of_them(self, store: Store) -> None:
        both = incident(
            1,
            causes=(CRON, PORT),
            reasons=(_about(CRON), _about(PORT)),
            last_abnormal_at=minute(3),
            severity=Severity.HIGH,
            verdicts=3,
        )
        said = {1: (CRON,), 2: (PORT,), 3: (PORT, CRON)}
        known = None
        for seq, subjects in said.items():
            seen = verdict(
                seq,
                Label.ABNORMAL,
                reasons=tuple(_about(one) for one in subjects),
                severity=Severity.MEDIUM if seq == 2 else Severity.HIGH,
            )
            one = effect(seq, Label.ABNORMAL, expected=known, verdict=seen, incidents=(both,))
            assert apply(store, one) == [Applied.APPLIED]
            known = one.result
        new = store.triage.split(TENANT, both.id, ADA, reason="two acts", causes=[PORT])
        rest = store.incidents.get(TENANT, both.id)
        assert (new.causes, rest.causes) == ((PORT,), (CRON,))
        assert (new.verdicts, new.opened_at) == (2, minute(2))
        assert (rest.verdicts, rest.reasons) == (2, (_about(CRON),))
        assert new.host == rest.host
        assert _kinds(store, both.id)[-1] == _kinds(store, new.id)[-1] == "split"
        with pytest.raises(Conflict, match="last cause"):
            store.triage.split(TENANT, new.id, ADA, reason="all", causes=[PORT])
        back = store.triage.merge(TENANT, new.id, both.id, ADA, reason="one after all")
        assert set(back.causes) == {CRON, PORT}

    @pytest.mark.parametrize(
        ("hosts", "causes", "error", "words"),
        [
            ((), (), InvalidInput, "name the hosts, or else the causes"),
            (("host-001",), ("x",), InvalidInput, "name the hosts, or else the causes"),
            (("host-900",), (), InvalidInput, "no host of this incident: host-900"),
            ((), (CRON,), InvalidInput, "causes out of a host's"),
            (tuple(f"host-{n:03d}" for n in range(12)), (), Conflict, "last host"),
        ],
    )
    def test_a_split_that_can_not_be_changes_nothing(
        self,
        store: Store,
        hosts: Sequence[str],
        causes: Sequence[str],
        error: type[Exception],
        words: str,
    ) -> None:
        fleet, members = _fleet(store)
        named = [HostId(one) for one in hosts]
        with pytest.raises(error, match=words):
            store.triage.split(TENANT, fleet.id, ADA, reason="x", hosts=named, causes=causes)
        assert _members(store, fleet.id) == members
        assert store.incidents.get(TENANT, fleet.id) == fleet

    def test_a_merge_that_can_not_be_changes_nothing(self, store: Store) -> None:
        first, second = _open(store, 1, CRON), _open(store, 2, PORT)
        own = store.incidents.raise_own(
            TENANT, "breaker:x", title="x", severity=Severity.LOW, actor=ADA
        )
        full = _open(store, 3, "c")
        many = tuple(f"cause-{n}" for n in range(20))
        known = store.states.load(TENANT, [HOST])[HOST]
        wide = incident(4, causes=many)
        apply(store, effect(4, Label.ABNORMAL, expected=known, incidents=(wide,)))
        store.incidents.close(TENANT, second.id, ADA, Resolution.BENIGN_CHANGE)
        for one, into, error, words in (
            (first.id, first.id, InvalidInput, "with itself"),
            (first.id, IncidentId("nothing"), NotFound, "no incident nothing"),
            (first.id, second.id, Conflict, "is closed; re-open it first"),
            (second.id, first.id, Conflict, "is closed; re-open it first"),
            (first.id, own.id, Conflict, "service itself"),
            (full.id, wide.id, Conflict, "21 causes; 20 is the most"),
        ):
            with pytest.raises(error, match=words):
                store.triage.merge(TENANT, one, into, ADA, reason="x")
        with pytest.raises(NotFound):
            store.triage.merge(OTHER, first.id, full.id, ADA, reason="x")
        store.incidents.close(TENANT, own.id, ADA, Resolution.TRUE_POSITIVE)
        with pytest.raises(Conflict, match="opens by itself"):
            store.triage.reopen(TENANT, own.id, ADA, reason="x")
        assert store.incidents.get(TENANT, first.id) == first
        assert store.actions.get(TENANT, ActionId(action(1).id)).incident == first.id
        with pytest.raises(Conflict, match="re-open it first"):
            store.triage.split(TENANT, second.id, ADA, reason="x", causes=[PORT])
