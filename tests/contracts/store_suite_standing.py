"""What a store must say of a host between its snapshots, on every backend."""

from datetime import timedelta

import pytest
from tests.contracts.store_suite_apply import APPLIED, _audited, _turns
from tests.store.make import (
    HOST,
    TENANT,
    apply,
    chain,
    described,
    effect,
    enrol,
    minute,
    open_for,
    verdict,
)

from vedette.core import HostId, HostStatus, InvalidInput, Label, ManualClock, NotFound, VerdictId
from vedette.store import Effect, Store

__all__ = ["StandingContract"]


class StandingContract:
    """The standing is the last verdict's in order, and each change of it is told once."""

    def test_a_first_verdict_bears_the_id_of_its_snapshot(self, store: Store) -> None:
        for wrong in (verdict(1, id=VerdictId("x")), verdict(1, of=verdict(1).id)):
            with pytest.raises(InvalidInput):
                apply(store, Effect(verdict=wrong))

    def test_a_host_that_was_not_enrolled_is_added_by_its_first_snapshot(
        self, store: Store
    ) -> None:
        assert (
            apply(store, *chain(1, 2), effect(1, host=HostId("blind"), description=None))
            == [APPLIED] * 3
        )
        assert store.hosts.get(TENANT, HOST).hostname == "name-of-host-1"
        assert store.hosts.get(TENANT, HostId("blind")).hostname == "blind"
        assert _audited(store)[:2] == ["host.added", "host.added"]

    def test_the_last_verdict_in_order_is_the_standing(
        self, store: Store, clock: ManualClock
    ) -> None:
        enrol(store)
        clock.advance(600)
        labels = [Label.NORMAL, Label.NORMAL, Label.ABNORMAL, Label.ABNORMAL, Label.UNKNOWN]
        effects: list[Effect] = []
        for seq, label in enumerate(labels, 1):
            expected = effects[-1].result if effects else None
            effects.append(effect(seq, label, expected=expected))
        apply(store, *effects)
        host = store.hosts.get(TENANT, HOST)
        assert (host.status, host.status_since) == (HostStatus.UNKNOWN, minute(5))
        assert host.status_reason == "A new cron job (5)"
        assert (host.last_seq, host.last_taken_at) == (5, minute(5))
        assert host.last_seen_at == minute(5) + timedelta(seconds=1)
        told = store.outbox.take(100)
        assert [(n.kind, n.data["from"], n.data["to"]) for n in told] == [
            ("host.label", "unknown", "normal"),
            ("host.label", "normal", "abnormal"),
            ("host.label", "abnormal", "unknown"),
        ]
        assert {n.at for n in told} == {clock.now()}
        assert _audited(store) == ["host.enrolled", *["host.status"] * 3]

    def test_a_first_label_that_says_what_stands_is_no_news(self, store: Store) -> None:
        enrol(store)
        apply(store, effect(1, Label.UNKNOWN))
        assert _turns(store) == []

    def test_a_label_that_differs_from_the_last_is_told_even_if_silence_came_between(
        self, store: Store
    ) -> None:
        enrol(store)
        (first,) = chain(1, 1)
        apply(store, first)
        open_for(store, 3600)
        assert len(store.hosts.expire_silent(minute(60))) == 1
        store.outbox.done([n.id for n in store.outbox.take(10)])
        apply(store, effect(2, Label.UNKNOWN, expected=first.result))
        (notice,) = store.outbox.take(10)
        assert (notice.data["label_before"], notice.data["to"]) == ("normal", "unknown")

    def test_pinned_labels_win_over_what_the_agent_says(self, store: Store) -> None:
        enrol(store, labels={"role": "db"})
        lying = described(labels={"role": "web", "zone": "a"}, hostname="renamed")
        apply(store, effect(1, description=lying))
        host = store.hosts.get(TENANT, HOST)
        assert host.labels == {"role": "db", "zone": "a"}
        assert host.hostname == "renamed"
        assert store.hosts.pinned(TENANT, HOST) == {"role": "db"}
        with pytest.raises(NotFound):
            store.hosts.pinned(TENANT, HostId("x"))

    def test_needed_tables_stay_until_they_are_named_anew(self, store: Store) -> None:
        enrol(store, kid="k")
        one = effect(1, needed=("users", "mounts"))
        two = effect(2, expected=one.result)
        apply(store, one, two)
        assert store.hosts.signers(["k"])["k"].needed == ("users", "mounts")
        apply(store, effect(3, expected=two.result, needed=()))
        assert store.hosts.signers(["k"])["k"].needed == ()
