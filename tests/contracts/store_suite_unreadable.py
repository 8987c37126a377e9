"""What a store must keep of snapshots that could not be opened or read, on every backend."""

import msgspec
import pytest
from tests.contracts.store_suite_apply import APPLIED, DUPLICATE
from tests.store.make import HOST, TENANT, apply, chain, effect, enrol, minute, verdict

from vedette.core import Epoch, HostStatus, Label, Reason, VerdictId
from vedette.store import Effect, Store

__all__ = ["UnreadableContract"]


class UnreadableContract:
    """Such a snapshot is no effect of its host, and its host is unknown."""

    def test_an_unreadable_snapshot_makes_its_host_unknown(self, store: Store) -> None:
        enrol(store)
        effects = chain(1, 2)
        apply(store, *effects)
        reason = Reason(expert="judge", subject="telemetry", text="unreadable")
        blind = verdict(3, Label.UNKNOWN, reasons=(reason,))
        assert apply(store, Effect(verdict=blind)) == [APPLIED]
        host = store.hosts.get(TENANT, HOST)
        assert (host.status, host.status_reason) == (HostStatus.UNKNOWN, "unreadable")
        assert host.hostname == "name-of-host-1"
        assert store.states.load(TENANT, [HOST])[HOST] == effects[-1].result

    def test_an_unreadable_snapshot_amid_a_batch_breaks_no_chain(self, store: Store) -> None:
        enrol(store)
        one, three = chain(1, 1)[0], effect(3, expected=chain(1, 1)[0].result)
        blind = Effect(verdict=verdict(2, Label.UNKNOWN))
        assert apply(store, one, blind, three) == [APPLIED] * 3

    @pytest.mark.parametrize("seq", [1, 3, 5])
    def test_an_unreadable_snapshot_from_before_leaves_the_standing(
        self, store: Store, seq: int
    ) -> None:
        enrol(store)
        apply(store, effect(2), Effect(verdict=verdict(4, Label.UNKNOWN)))
        apply(store, effect(6, expected=effect(2).result))
        before = store.hosts.get(TENANT, HOST)
        told = store.outbox.waiting()
        old = Effect(verdict=verdict(seq, Label.UNKNOWN, taken_at=minute(9), decided_at=minute(9)))
        assert apply(store, old) == [APPLIED]
        after = store.hosts.get(TENANT, HOST)
        assert after == msgspec.structs.replace(before, last_seen_at=minute(9))
        assert store.outbox.waiting() == told
        assert store.verdicts.get(TENANT, old.verdict.id) == old.verdict

    def test_unreadable_snapshots_of_one_batch_are_weighed_against_each_other(
        self, store: Store
    ) -> None:
        enrol(store)
        blind = [Effect(verdict=verdict(seq, Label.UNKNOWN)) for seq in (5, 3)]
        assert apply(store, effect(2), *blind) == [APPLIED] * 3
        assert store.hosts.get(TENANT, HOST).last_seq == 5

    def test_an_unreadable_snapshot_of_a_new_epoch_makes_its_host_unknown(
        self, store: Store
    ) -> None:
        enrol(store)
        apply(store, effect(9))
        blind = [
            Effect(verdict=verdict(seq, Label.UNKNOWN, epoch=Epoch("epoch-2"))) for seq in (2, 1)
        ]
        for one in blind:
            assert apply(store, one) == [APPLIED]
            host = store.hosts.get(TENANT, HOST)
            assert (host.status, host.last_seq) == (HostStatus.UNKNOWN, 2)

    def test_a_replayed_dead_letter_is_kept_beside_the_first_verdict(self, store: Store) -> None:
        enrol(store)
        first = verdict(1, Label.UNKNOWN)
        apply(store, Effect(verdict=first))
        again = verdict(1, id=VerdictId("replayed"), of=first.id, late=True, decided_at=minute(99))
        assert apply(store, Effect(verdict=again)) == [APPLIED]
        assert apply(store, Effect(verdict=again)) == [DUPLICATE]
        assert store.verdicts.get(TENANT, first.id) == first
        assert store.verdicts.replays(TENANT, first.id) == [again]
        assert store.verdicts.replays(TENANT, again.id) == []
