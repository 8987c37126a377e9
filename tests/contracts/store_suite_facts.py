"""What the history of facts must answer on every backend: a host's state at any past moment."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.store.make import (
    HOST,
    TENANT,
    appeared,
    apply,
    effect,
    enrol,
    gone,
    minute,
    verdict,
)

from vedette.core import Fact, FactChange, HostId, Row, derived_id
from vedette.store import Applied, Effect, Store

__all__ = ["FactsContract"]

# What each snapshot saw: by table the rows that were there, or no entry where the table could not be read.
Seen = dict[str, frozenset[str]]
_SEEN = st.dictionaries(
    st.sampled_from(["users", "mounts"]), st.frozensets(st.sampled_from("abc")), max_size=2
)


def _all_at(store: Store, host: HostId, when: datetime) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    after = None
    while True:
        page = store.facts.at(TENANT, host, when, limit=2, after=after)
        found |= {(fact.table, fact.id) for fact in page.items}
        after = page.next
        if after is None:
            return found


def _changes(before: Seen, seen: Seen) -> Iterator[FactChange]:
    for table, rows in sorted(seen.items()):
        had = before.get(table, frozenset())
        if rows != had:
            yield FactChange(
                table=table,
                appeared={one: {"name": one} for one in sorted(rows - had)},
                gone=tuple(sorted(had - rows)),
            )


def _effects(host: HostId, history: list[Seen]) -> list[Effect]:
    effects: list[Effect] = []
    before: Seen = {}
    for seq, seen in enumerate(history, 1):
        effects.append(
            effect(
                seq,
                host=host,
                expected=effects[-1].result if effects else None,
                facts=tuple(_changes(before, seen)),
                read=tuple(sorted(seen)),
            )
        )
        before = before | seen
    return effects


class FactsContract:
    """Facts lead lives: they appear, are seen, go, and may come back."""

    def test_a_fact_lives_from_its_first_snapshot_until_one_lacks_it(self, store: Store) -> None:
        enrol(store)
        one = effect(1, facts=(appeared("users", "a", "b"), appeared("mounts", "m")))
        two = effect(2, expected=one.result, read=("users",))
        three = effect(3, expected=two.result, facts=(gone("users", "a"),))
        apply(store, one, two, three)
        a, b = (store.facts.history(TENANT, HOST, fact=fact).items[0] for fact in "ab")
        assert a == Fact(
            tenant=TENANT,
            host=HOST,
            table="users",
            id="a",
            row={"name": "a"},
            first_seen=minute(1),
            last_seen=minute(2),
            gone_at=minute(3),
        )
        assert (b.last_seen, b.gone_at) == (minute(3), None)
        (mount,) = store.facts.at(TENANT, HOST, minute(3), table="mounts").items
        assert mount.last_seen == minute(1)

    def test_a_moment_shows_what_was_there_then(self, store: Store) -> None:
        enrol(store)
        apply(store, *_effects(HOST, [{"users": frozenset("a")}, {"users": frozenset("b")}]))
        assert _all_at(store, HOST, minute(0.9)) == set()
        assert _all_at(store, HOST, minute(1)) == {("users", "a")}
        assert _all_at(store, HOST, minute(1.99)) == {("users", "a")}
        assert _all_at(store, HOST, minute(2)) == {("users", "b")}
        assert _all_at(store, HOST, minute(999)) == {("users", "b")}

    def test_a_fact_that_appears_again_while_it_lives_goes_on_living(self, store: Store) -> None:
        enrol(store)
        one = effect(1, facts=(appeared("users", "a"),))
        two = effect(2, expected=one.result, facts=(appeared("users", "a"),))
        apply(store, one)
        apply(store, two)
        (life,) = store.facts.history(TENANT, HOST).items
        assert (life.first_seen, life.last_seen, life.gone_at) == (minute(1), minute(2), None)

    def test_a_fact_that_is_not_there_cannot_go(self, store: Store) -> None:
        enrol(store)
        apply(store, effect(1, facts=(gone("users", "nobody"),)))
        assert store.facts.history(TENANT, HOST).items == ()

    def test_a_fact_back_within_the_same_instant_was_never_gone(self, store: Store) -> None:
        enrol(store)
        one = effect(1, facts=(appeared("users", "a"),))
        two = effect(
            2,
            verdict=verdict(2, taken_at=minute(1)),
            expected=one.result,
            facts=(gone("users", "a"),),
        )
        three = effect(
            3,
            verdict=verdict(3, taken_at=minute(1)),
            expected=two.result,
            facts=(appeared("users", "a"),),
        )
        apply(store, one, two, three)
        (life,) = store.facts.history(TENANT, HOST).items
        assert (life.first_seen, life.gone_at) == (minute(1), None)

    def test_a_clock_that_went_back_leaves_no_life_that_ends_before_it_was_last_seen(
        self, store: Store
    ) -> None:
        enrol(store)
        one = effect(5, facts=(appeared("users", "a"),))
        two = effect(
            6,
            verdict=verdict(6, taken_at=minute(1)),
            expected=one.result,
            facts=(gone("users", "a"),),
        )
        apply(store, one, two)
        (life,) = store.facts.history(TENANT, HOST).items
        assert life.last_seen == life.first_seen == minute(5)
        assert life.gone_at == minute(1)
        assert _all_at(store, HOST, minute(5)) == set()

    def test_history_runs_newest_first_within_its_span(self, store: Store) -> None:
        enrol(store)
        effects = _effects(HOST, [{"users": frozenset(name)} for name in "abc"])
        apply(store, *effects)
        first = store.facts.history(TENANT, HOST, limit=2)
        assert [fact.id for fact in first.items] == ["c", "b"]
        rest = store.facts.history(TENANT, HOST, limit=2, after=first.next)
        assert [fact.id for fact in rest.items] == ["a"]
        assert rest.next is None
        span = store.facts.history(TENANT, HOST, since=minute(2), until=minute(3))
        assert [fact.id for fact in span.items] == ["b"]
        assert store.facts.history(TENANT, HOST, table="mounts").items == ()

    def test_rows_keep_every_kind_of_cell(self, store: Store) -> None:
        enrol(store)
        row: Row = {"text": "ü\0", "int": 2**70, "float": 0.1, "yes": True, "none": None}
        change = FactChange(table="users", appeared={"a": row}, gone=())
        apply(store, effect(1, facts=(change,)))
        assert store.facts.at(TENANT, HOST, minute(2)).items[0].row == row

    @settings(
        max_examples=40,
        deadline=None,
        # Each example has a host of its own, and each backend's class runs the same examples.
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.differing_executors,
            HealthCheck.too_slow,
        ],
    )
    @given(history=st.lists(_SEEN, min_size=1, max_size=8), batch=st.integers(1, 8))
    def test_any_history_of_tables_can_be_asked_back(
        self, store: Store, history: list[Seen], batch: int
    ) -> None:
        host = HostId(derived_id(history, batch))
        effects = _effects(host, history)
        # Hypothesis may give the same history again in one test's database.
        fresh = not store.hosts.many(TENANT, [host])
        for start in range(0, len(effects), batch):
            applied = apply(store, *effects[start : start + batch])
            assert set(applied) == {Applied.APPLIED if fresh else Applied.DUPLICATE}
        there: Seen = {}
        for seq, seen in enumerate(history, 1):
            there = there | seen
            expected = {(table, row) for table, rows in there.items() for row in rows}
            for when in (minute(seq), minute(seq) + timedelta(seconds=59)):
                assert _all_at(store, host, when) == expected
        self._check_lives(store, host, history)

    @staticmethod
    def _check_lives(store: Store, host: HostId, history: list[Seen]) -> None:
        for fact in store.facts.history(TENANT, host, limit=500).items:
            reads = [minute(n) for n, seen in enumerate(history, 1) if fact.table in seen]
            end = fact.gone_at or minute(len(history) + 1)
            assert fact.last_seen == max(at for at in reads if fact.first_seen <= at < end)
