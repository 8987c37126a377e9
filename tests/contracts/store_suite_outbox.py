"""The outbox as responders use it, on every backend."""

import pytest
from tests.store.make import apply, effect, enrol

from vedette.core import HostId, InvalidInput, Label, ManualClock
from vedette.store import Store

__all__ = ["OutboxContract"]


class OutboxContract:
    """Every notice is handled, and by one responder at a time."""

    @pytest.fixture(autouse=True)
    def _three(self, store: Store) -> None:
        for number in range(3):
            enrol(store, host=HostId(f"h{number}"))
            apply(store, effect(1, Label.ABNORMAL, host=HostId(f"h{number}")))

    def test_what_one_took_no_other_is_given(self, store: Store, second: Store) -> None:
        assert [n.subject for n in store.outbox.take(2)] == ["h0", "h1"]
        assert [n.subject for n in second.outbox.take(2)] == ["h2"]
        assert second.outbox.take(2) == []
        assert store.outbox.waiting() == 3

    def test_a_claim_that_ran_out_is_given_anew(
        self, store: Store, second: Store, clock: ManualClock
    ) -> None:
        taken = store.outbox.take(3, lease_seconds=30)
        clock.advance(29)
        assert second.outbox.take(3) == []
        clock.advance(1)
        assert second.outbox.take(3) == taken

    def test_what_is_done_never_comes_again(self, store: Store, clock: ManualClock) -> None:
        taken = store.outbox.take(2)
        store.outbox.done([notice.id for notice in taken])
        store.outbox.done([notice.id for notice in taken])
        clock.advance(60)
        assert [n.subject for n in store.outbox.take(3)] == ["h2"]

    def test_a_claim_can_be_given_back(self, store: Store, second: Store) -> None:
        store.outbox.release([notice.id for notice in store.outbox.take(3)])
        assert len(second.outbox.take(3)) == 3

    def test_wrong_ids_and_limits_are_refused(self, store: Store) -> None:
        for limit in (0, 501):
            with pytest.raises(InvalidInput):
                store.outbox.take(limit)
        with pytest.raises(InvalidInput):
            store.outbox.done(["x"])
