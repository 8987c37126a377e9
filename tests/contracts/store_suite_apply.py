"""What the pipeline's one transaction must do on every backend."""

from datetime import timedelta

import msgspec
import pytest
from tests.store.make import (
    ACTOR,
    HOST,
    OTHER,
    START,
    TENANT,
    action,
    appeared,
    apply,
    chain,
    described,
    effect,
    enrol,
    gone,
    incident,
    minute,
    opened,
    verdict,
)

from vedette.core import (
    Conflict,
    Epoch,
    HostId,
    HostStatus,
    IncidentState,
    InvalidInput,
    Label,
    NotFound,
    Reason,
    Resolution,
    Severity,
    VerdictId,
)
from vedette.store import Applied, Effect, Known, Store, StoredState

__all__ = ["ApplyContract"]

APPLIED, DUPLICATE, LOST = Applied.APPLIED, Applied.DUPLICATE, Applied.LOST


def _turns(store: Store) -> list[tuple[str, str]]:
    return [(n.kind, n.subject) for n in store.outbox.take(100)]


def _audited(store: Store) -> list[str]:
    return [entry.action for entry in reversed(store.audit.find(TENANT).items)]


class ApplyContract:
    """Promises 1 and 2 as far as they are the store's."""

    def test_an_empty_batch_changes_nothing(self, store: Store) -> None:
        assert store.apply([], actor=ACTOR) == []

    def test_a_verdict_is_read_back_as_it_was_written(self, store: Store) -> None:
        enrol(store)
        reason = Reason(expert="vitals", subject="x", text="y", attack="T1053.003", since=START)
        one = verdict(1, Label.ABNORMAL, reasons=(reason,), knowledge=3)
        apply(store, effect(1, verdict=one))
        assert store.verdicts.get(TENANT, one.id) == one
        assert store.verdicts.known([verdict(2).identity]) == {}

    def test_what_is_known_of_a_snapshot_is_its_digest_and_whether_it_could_be_read(
        self, store: Store
    ) -> None:
        enrol(store)
        read = verdict(1, Label.ABNORMAL, input_digest="sha256:a")
        reason = Reason(expert="judge", subject="unreadable", text="It could not be read")
        blind = verdict(2, Label.UNKNOWN, input_digest="sha256:b", reasons=(reason,))
        plain = verdict(3, reasons=())
        apply(store, effect(1, verdict=read), Effect(verdict=blind), Effect(verdict=plain))
        replay = verdict(2, id=VerdictId("replayed"), of=blind.id, late=True)
        apply(store, Effect(verdict=replay))
        asked = [one.identity for one in (read, blind, plain, verdict(4))]
        assert store.verdicts.known(asked) == {
            read.identity: Known(id=read.id, input_digest="sha256:a", unreadable=False),
            blind.identity: Known(id=blind.id, input_digest="sha256:b", unreadable=True),
            plain.identity: Known(id=plain.id, input_digest="sha256:i", unreadable=False),
        }

    def test_the_effects_of_one_host_follow_each_other_within_a_batch(self, store: Store) -> None:
        enrol(store)
        effects = chain(1, 5)
        assert apply(store, *effects) == [APPLIED] * 5
        state = store.states.load(TENANT, [HOST])[HOST]
        assert state == effects[-1].result
        assert (state.epoch, state.last_seq, state.version) == ("epoch-1", 5, 5)
        assert apply(store, *chain(6, 7, state)) == [APPLIED] * 2
        assert store.states.load(TENANT, [HOST])[HOST].version == 7

    def test_the_same_effects_again_are_duplicates_and_write_nothing(self, store: Store) -> None:
        enrol(store)
        alarm = effect(1, Label.ABNORMAL, incidents=(incident(),), events=(opened(incident()),))
        assert apply(store, alarm) == [APPLIED]
        notices, audit = store.outbox.waiting(), _audited(store)
        assert apply(store, alarm, alarm) == [DUPLICATE, DUPLICATE]
        assert store.outbox.waiting() == notices
        assert _audited(store) == audit
        assert len(store.incidents.events(TENANT, incident().id)) == 1

    def test_a_snapshot_twice_in_one_batch_has_one_effect(self, store: Store) -> None:
        enrol(store)
        one = effect(1)
        assert apply(store, one, one) == [APPLIED, DUPLICATE]
        assert store.verdicts.counts(TENANT)[Label.NORMAL] == 1

    def test_a_host_whose_state_moved_is_lost_and_the_others_are_not(self, store: Store) -> None:
        other = HostId("host-2")
        enrol(store)
        enrol(store, host=other)
        first = chain(1, 1)
        apply(store, *first)
        zombie = effect(2, Label.ABNORMAL, expected=None, incidents=(incident(),))
        later = effect(3, expected=zombie.result)
        fine = effect(1, host=other)
        assert apply(store, zombie, fine, later) == [LOST, APPLIED, LOST]
        assert store.states.load(TENANT, [HOST, other])[HOST] == first[0].result
        assert store.verdicts.known([zombie.verdict.identity, later.verdict.identity]) == {}
        assert store.incidents.find(TENANT).items == ()
        assert store.hosts.get(TENANT, HOST).last_seq == 1

    @pytest.mark.parametrize("change", [{"epoch": "e"}, {"last_seq": 9}, {"version": 9}])
    def test_each_part_of_the_mark_is_compared(
        self, store: Store, change: dict[str, str | int]
    ) -> None:
        enrol(store)
        (first,) = chain(1, 1)
        apply(store, first)
        assert first.result is not None
        wrong = msgspec.structs.replace(first.result, **change)
        assert apply(store, effect(2, expected=wrong)) == [LOST]

    def test_an_expected_state_of_a_host_that_has_none_is_lost(self, store: Store) -> None:
        expected = StoredState(
            epoch=Epoch("e"), last_seq=1, version=1, blob=b"", last_taken_at=START
        )
        assert apply(store, effect(2, expected=expected), effect(3)) == [LOST, LOST]
        with pytest.raises(NotFound):
            store.hosts.get(TENANT, HOST)
        assert _audited(store) == []

    def test_a_decision_that_leaves_the_state_is_still_lost_when_the_state_moved(
        self, store: Store
    ) -> None:
        enrol(store)
        effects = chain(1, 3)
        apply(store, *effects)
        late = verdict(1, Label.UNKNOWN, epoch=Epoch("old"), late=True)
        stale = Effect(verdict=late, expected=effects[0].result)
        assert apply(store, stale) == [LOST]
        assert apply(store, msgspec.structs.replace(stale, expected=effects[2].result)) == [APPLIED]

    def test_a_new_epoch_takes_the_state_over(self, store: Store) -> None:
        enrol(store)
        effects = chain(1, 3)
        apply(store, *effects)
        wiped = effect(1, Label.UNKNOWN, epoch=Epoch("epoch-2"), expected=effects[-1].result)
        assert apply(store, wiped) == [APPLIED]
        state = store.states.load(TENANT, [HOST])[HOST]
        assert (state.epoch, state.last_seq, state.version) == ("epoch-2", 1, 4)

    def test_a_late_snapshot_does_not_touch_the_state_or_the_standing(self, store: Store) -> None:
        enrol(store)
        effects = chain(2, 3)
        apply(store, *effects)
        before = store.hosts.get(TENANT, HOST)
        late = verdict(1, Label.ABNORMAL, late=True, decided_at=minute(9))
        renamed = described(hostname="old-name")
        assert apply(store, Effect(verdict=late, description=renamed)) == [APPLIED]
        after = store.hosts.get(TENANT, HOST)
        assert after == msgspec.structs.replace(before, last_seen_at=minute(9))
        assert store.states.load(TENANT, [HOST])[HOST] == effects[-1].result
        assert store.verdicts.get(TENANT, late.id).late

    def test_a_late_snapshot_may_not_bring_a_state_or_facts(self, store: Store) -> None:
        late = verdict(1, late=True)
        with pytest.raises(InvalidInput):
            apply(store, Effect(verdict=late, state=b"x"))
        with pytest.raises(InvalidInput):
            apply(store, Effect(verdict=late, facts=(appeared("users", "a"),)))

    def test_a_late_snapshot_that_is_heard_keeps_the_states_place(self, store: Store) -> None:
        enrol(store)
        effects = chain(2, 3)
        apply(store, *effects)
        before = effects[-1].result
        assert before is not None
        standing = store.hosts.get(TENANT, HOST)
        rival = verdict(9, Label.UNKNOWN, epoch=Epoch("old"), late=True)
        heard = Effect(verdict=rival, expected=before, heard=b"heard", shared=True)
        followed = effect(4, expected=heard.result)
        assert apply(store, heard) == [APPLIED]
        after = store.states.load(TENANT, [HOST])[HOST]
        assert after == msgspec.structs.replace(before, version=before.version + 1, blob=b"heard")
        assert store.hosts.get(TENANT, HOST).status == standing.status
        again = msgspec.structs.replace(heard, verdict=verdict(10, epoch=Epoch("old"), late=True))
        assert apply(store, again) == [LOST]
        assert apply(store, followed) == [APPLIED]
        assert _audited(store).count("host.identity_shared") == 1

    @pytest.mark.parametrize("label", [Label.NORMAL, Label.ABNORMAL])
    def test_a_late_one_of_a_shared_identity_ends_normal_at_once(
        self, store: Store, label: Label
    ) -> None:
        enrol(store)
        first = effect(2, label)
        apply(store, first)
        two = Reason(expert="judge", subject="identity", text="Two agents report")
        late = verdict(9, Label.UNKNOWN, epoch=Epoch("old"), late=True, reasons=(two,))
        again = verdict(10, Label.UNKNOWN, epoch=Epoch("old"), late=True, reasons=(two,))
        store.outbox.take(9)
        apply(store, *(Effect(verdict=v, expected=first.result) for v in (late, again)))
        host = store.hosts.get(TENANT, HOST)
        if label is Label.ABNORMAL:
            assert host.status is HostStatus.ABNORMAL
            return
        assert (host.status, host.status_reason) == (HostStatus.UNKNOWN, "Two agents report")
        (told,) = store.outbox.take(9)
        assert (told.data["from"], told.data["to"]) == ("normal", "unknown")

    def test_a_conflict_is_kept_at_its_host_and_a_flood_of_them_is_few_writes(
        self, store: Store
    ) -> None:
        enrol(store)
        enrol(store, host=HostId("host-2"))
        identity = verdict(1).identity
        for seconds, kept in ((0, 0), (9, 0), (11, 11), (30, 30)):
            store.hosts.contest(identity, START + timedelta(seconds=seconds))
            assert store.hosts.get(TENANT, HOST).contested_at == START + timedelta(seconds=kept)
        other = msgspec.structs.replace(identity, epoch=Epoch("other"))
        store.hosts.contest(other, START + timedelta(seconds=31))
        host = store.hosts.get(TENANT, HOST)
        assert (host.contested_epoch, host.contested_at) == ("other", START + timedelta(seconds=31))
        assert store.hosts.get(TENANT, HostId("host-2")).contested_at is None

    def test_only_a_late_snapshot_of_a_known_host_is_heard(self, store: Store) -> None:
        with pytest.raises(InvalidInput):
            apply(store, Effect(verdict=verdict(1, late=True), heard=b"x"))
        with pytest.raises(InvalidInput):
            apply(store, Effect(verdict=verdict(1), expected=chain(1, 1)[0].result, heard=b"x"))

    def test_an_incident_is_opened_joined_raised_quieted_reopened_and_closed(
        self, store: Store
    ) -> None:
        enrol(store)
        one = incident()
        steps = [
            one,
            msgspec.structs.replace(one, verdicts=2),
            msgspec.structs.replace(one, severity=Severity.CRITICAL, verdicts=3),
            msgspec.structs.replace(one, severity=Severity.CRITICAL, state=IncidentState.QUIET),
            msgspec.structs.replace(one, severity=Severity.CRITICAL, verdicts=4),
            msgspec.structs.replace(
                one,
                state=IncidentState.CLOSED,
                resolution=Resolution.EXPIRED,
                closed_by="system:decide",
                closed_at=minute(6),
            ),
        ]
        effects: list[Effect] = []
        for seq, step in enumerate(steps, 1):
            expected = effects[-1].result if effects else None
            effects.append(effect(seq, Label.ABNORMAL, expected=expected, incidents=(step,)))
        assert apply(store, *effects[:3]) == [APPLIED] * 3
        assert store.incidents.get(TENANT, one.id) == steps[2]
        assert apply(store, *effects[3:]) == [APPLIED] * 3
        assert store.incidents.get(TENANT, one.id) == steps[-1]
        kinds = [kind for kind, subject in _turns(store) if subject == one.id]
        assert kinds == [
            "incident.opened",
            "incident.raised",
            "incident.quiet",
            "incident.reopened",
            "incident.closed",
        ]
        assert [a for a in _audited(store) if a.startswith("incident")] == kinds

    def test_what_people_said_of_an_incident_outlives_the_next_verdict(self, store: Store) -> None:
        enrol(store)
        first = effect(1, Label.ABNORMAL, incidents=(incident(),))
        apply(store, first)
        store.incidents.acknowledge(TENANT, incident().id, "user:ada")
        joined = msgspec.structs.replace(incident(), verdicts=2)
        apply(store, effect(2, Label.ABNORMAL, expected=first.result, incidents=(joined,)))
        found = store.incidents.get(TENANT, incident().id)
        assert (found.acknowledged_by, found.verdicts) == ("user:ada", 2)

    def test_joining_an_incident_that_people_closed_meanwhile_is_lost(self, store: Store) -> None:
        enrol(store)
        first = effect(1, Label.ABNORMAL, incidents=(incident(),))
        apply(store, first)
        store.incidents.close(TENANT, incident().id, "user:ada", Resolution.FALSE_POSITIVE)
        joined = msgspec.structs.replace(incident(), verdicts=2)
        second = effect(2, Label.ABNORMAL, expected=first.result, incidents=(joined,))
        assert apply(store, second) == [LOST]
        assert store.incidents.get(TENANT, incident().id).state is IncidentState.CLOSED
        fresh = effect(2, Label.ABNORMAL, expected=first.result, incidents=(incident(2),))
        assert apply(store, fresh) == [APPLIED]

    def test_a_proposed_action_is_kept_once(self, store: Store) -> None:
        enrol(store)
        one = effect(1, Label.ABNORMAL, incidents=(incident(),), actions=(action(),))
        two = effect(2, Label.ABNORMAL, expected=one.result, actions=(action(), action(2)))
        apply(store, one, two)
        assert store.actions.get(TENANT, action().id) == action()
        assert [event.actor for event in store.actions.events(TENANT, action().id)] == [ACTOR]
        assert _audited(store).count("action.proposed") == 2
        assert ("action.proposed", action(2).id) in _turns(store)

    def test_an_effect_for_another_host_or_tenant_is_refused_whole(self, store: Store) -> None:
        enrol(store)
        foreign = incident(tenant=OTHER)
        for wrong in (
            effect(2, Label.ABNORMAL, incidents=(foreign,)),
            effect(2, Label.ABNORMAL, actions=(action(host=HostId("else")),)),
            effect(2, description=described(HostId("else"))),
            effect(2, verdict=msgspec.structs.replace(verdict(2), seq=2**63)),
        ):
            with pytest.raises(InvalidInput):
                apply(store, effect(1), wrong)
        assert store.verdicts.find(TENANT).items == ()

    def test_an_action_without_its_incident_undoes_the_whole_batch(self, store: Store) -> None:
        enrol(store)
        with pytest.raises(Conflict):
            apply(
                store, effect(1), effect(1, host=HostId("h2"), actions=(action(host=HostId("h2")),))
            )
        assert store.verdicts.find(TENANT).items == ()
        with pytest.raises(NotFound):
            store.hosts.get(TENANT, HostId("h2"))

    def test_text_with_nul_from_a_host_is_kept_readable(self, store: Store) -> None:
        hostile = described(hostname="we\0b", labels={"a\0": "\0"})
        reason = Reason(expert="e", subject="s\0", text="t\0")
        one = verdict(1, Label.ABNORMAL, reasons=(reason,))
        assert apply(store, effect(1, verdict=one, description=hostile)) == [APPLIED]
        host = store.hosts.get(TENANT, HOST)
        assert host.hostname == "we\ufffdb"
        assert host.labels == {"a\0": "\0"}
        assert host.status_reason == "t\ufffd"
        assert store.verdicts.get(TENANT, one.id).reasons == (reason,)

    def test_a_big_batch_of_many_hosts_and_tenants_is_applied_in_order(self, store: Store) -> None:
        effects = [
            one
            for tenant in (TENANT, OTHER)
            for number in range(40)
            for one in chain(1, 5, tenant=tenant, host=HostId(f"h{number:02}"), facts=())
        ]
        effects = sorted(effects, key=lambda one: one.verdict.seq)
        assert apply(store, *effects) == [APPLIED] * 400
        assert store.verdicts.counts(OTHER)[Label.NORMAL] == 200
        states = store.states.load(OTHER, [HostId(f"h{number:02}") for number in range(50)])
        assert len(states) == 40
        assert {state.version for state in states.values()} == {5}

    def test_facts_that_change_twice_in_a_batch_end_as_they_should(self, store: Store) -> None:
        enrol(store)
        changes = [appeared("users", "a"), gone("users", "a"), appeared("users", "a")]
        effects: list[Effect] = []
        for seq, change in enumerate(changes, 1):
            expected = effects[-1].result if effects else None
            effects.append(effect(seq, expected=expected, facts=(change,)))
        apply(store, *effects)
        lives = store.facts.history(TENANT, HOST).items
        assert [(life.first_seen, life.gone_at) for life in lives] == [
            (minute(3), None),
            (minute(1), minute(2)),
        ]
