"""Lists as people and the API read them: pages, cursors and filters, on every backend."""

import base64

import msgspec
import pytest
from tests.store.make import HOST, START, TENANT, apply, enrol, minute, verdict

from vedette.core import AuditEntry, HostId, InvalidInput, Label, ManualClock
from vedette.store import Effect, Store

__all__ = ["PagesContract"]


class PagesContract:
    """Lists come in pages that neither skip nor repeat a row."""

    @pytest.fixture(autouse=True)
    def _verdicts(self, store: Store) -> None:
        enrol(store)
        labels = [Label.NORMAL, Label.ABNORMAL, Label.UNKNOWN]
        # All at one moment: the order must still be whole.
        apply(
            store,
            *(
                Effect(verdict=verdict(seq, labels[seq % 3], taken_at=minute(1)))
                for seq in range(1, 12)
            ),
        )

    @pytest.mark.parametrize("limit", [1, 2, 5, 10, 11, 12])
    def test_pages_of_any_size_give_every_row_once(self, store: Store, limit: int) -> None:
        seen = []
        after = None
        while True:
            page = store.verdicts.find(TENANT, limit=limit, after=after)
            seen += [one.seq for one in page.items]
            after = page.next
            if after is None:
                break
            assert len(page.items) == limit
        assert sorted(seen) == list(range(1, 12))
        assert seen == [one.seq for one in store.verdicts.find(TENANT, limit=500).items]

    def test_rows_that_come_meanwhile_do_not_shift_a_page(self, store: Store) -> None:
        first = store.verdicts.find(TENANT, limit=6)
        apply(store, Effect(verdict=verdict(99, taken_at=minute(50))))
        rest = store.verdicts.find(TENANT, limit=6, after=first.next)
        seen = sorted(one.seq for one in (*first.items, *rest.items))
        assert seen == list(range(1, 12))

    def test_verdicts_are_found_by_what_is_asked(self, store: Store) -> None:
        apply(store, Effect(verdict=verdict(20, taken_at=minute(20), label=Label.ABNORMAL)))
        find = store.verdicts.find
        assert [v.seq for v in find(TENANT, limit=1).items] == [20]
        for label in Label:
            assert {v.label for v in find(TENANT, label=label).items} == {label}
        assert [v.seq for v in find(TENANT, since=minute(2)).items] == [20]
        assert len(find(TENANT, until=minute(20)).items) == 11
        assert find(TENANT, host=HostId("x")).items == ()
        assert find(TENANT, host=HOST, label=Label.ABNORMAL, since=minute(20)).items[0].seq == 20
        assert store.verdicts.counts(TENANT, until=minute(20)) == {
            Label.NORMAL: 3,
            Label.ABNORMAL: 4,
            Label.UNKNOWN: 4,
        }
        assert store.verdicts.counts(TENANT, host=HostId("x"), since=START)[Label.NORMAL] == 0

    @pytest.mark.parametrize("limit", [0, -1, 501])
    def test_a_limit_out_of_bounds_is_refused(self, store: Store, limit: int) -> None:
        with pytest.raises(InvalidInput, match="limit"):
            store.verdicts.find(TENANT, limit=limit)

    @pytest.mark.parametrize("cursor", ["", "x", "%%%", "gqh2ZXJkaWN0cw", "ü", "a" * 3_000])
    def test_a_malformed_cursor_is_refused(self, store: Store, cursor: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            store.verdicts.find(TENANT, after=cursor)
        assert caught.value.kind == "invalid-cursor"

    @pytest.mark.parametrize(
        "values",
        [
            ["verdicts", "soon", "id"],
            ["verdicts", 1, 2],
            ["verdicts", 2**63, "id"],
            ["verdicts", 2**62, "id"],
            ["verdicts", 1],
            [],
        ],
    )
    def test_a_made_up_cursor_is_refused(self, store: Store, values: list[str | int]) -> None:
        cursor = base64.urlsafe_b64encode(msgspec.msgpack.encode(values)).decode().rstrip("=")
        with pytest.raises(InvalidInput) as caught:
            store.verdicts.find(TENANT, after=cursor)
        assert caught.value.kind == "invalid-cursor"

    def test_a_time_without_a_zone_is_refused(self, store: Store) -> None:
        with pytest.raises(InvalidInput, match="zone"):
            store.verdicts.find(TENANT, since=START.replace(tzinfo=None))

    def test_a_cursor_of_another_list_is_refused(self, store: Store) -> None:
        cursor = store.verdicts.find(TENANT, limit=1).next
        with pytest.raises(InvalidInput):
            store.audit.find(TENANT, after=cursor)

    def test_audit_is_found_by_what_is_asked(self, store: Store, clock: ManualClock) -> None:
        for number in range(3):
            entry = AuditEntry(
                tenant=TENANT,
                at=minute(60 + number),
                actor=f"user:{number % 2}",
                action="door.refused",
                subject=f"s{number}",
                reason="wrong key",
                data={"n": number},
            )
            store.audit.add([entry])
        store.audit.add([])
        clock.advance(1)
        find = store.audit.find
        assert [e.subject for e in find(TENANT, action="door.refused").items] == ["s2", "s1", "s0"]
        assert [e.subject for e in find(TENANT, actor="user:0").items] == ["s2", "s0"]
        assert [e.data for e in find(TENANT, subject="s1").items] == [{"n": 1}]
        span = find(TENANT, since=minute(60), until=minute(62))
        assert [e.subject for e in span.items] == ["s1", "s0"]
        first = find(TENANT, limit=2)
        assert find(TENANT, limit=2, after=first.next).items[0].subject == "s0"
