"""Back-tests that people ask for from afar: one at a time of a tenant, over a bounded history, for a bounded time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fixtures.migrated import migrated
from tests.store.make import OTHER, START, TENANT, apply, chain, enrol, minute

from vedette.app.policy_book import PolicyBook
from vedette.app.settings import Settings
from vedette.core import Backtest, Conflict, ManualClock, TenantId
from vedette.store import Store

TEXT = """
version: 1
policies:
  - {name: cut, then: [{action: quarantine, with: {lease: 6m}}], mode: auto}
"""
COUNT = 20


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(migrated(tmp_path / "store.sqlite"), ManualClock(START))
    enrol(made)
    apply(made, *chain(1, COUNT))
    yield made
    made.close()


@pytest.fixture
def book(store: Store) -> PolicyBook:
    return PolicyBook(Settings(), store, ManualClock(START))


class Slow(ManualClock):
    """Each look at it finds it seven seconds later."""

    def monotonic(self) -> float:
        self.advance(7.0)
        return super().monotonic()


def attempt(book: PolicyBook, tenant: TenantId = TENANT) -> Backtest:
    return book.backtest(tenant, TEXT, since=START, until=minute(60), actor="user:ada")


def test_a_tenant_has_one_at_a_time_and_another_tenant_its_own(
    book: PolicyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside: list[object] = []

    def meanwhile(*_: object, **__: object) -> None:
        with pytest.raises(Conflict) as caught:
            attempt(book)
        inside.append(caught.value.kind)
        patched.undo()
        inside.append(attempt(book, OTHER).verdicts)

    with monkeypatch.context() as patched:
        patched.setattr("vedette.app.policy_book.backtest", meanwhile)
        attempt(book)
    assert inside == ["backtest-running", 0]
    assert attempt(book).verdicts == COUNT


def test_a_long_history_is_the_servers_own_to_try(
    book: PolicyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vedette.app.policy_book.MOST_VERDICTS", COUNT - 1)
    with pytest.raises(Conflict, match="there are 20 verdicts in that time") as caught:
        attempt(book)
    assert caught.value.kind == "history-too-long"
    monkeypatch.setattr("vedette.app.policy_book.MOST_VERDICTS", COUNT)
    assert attempt(book).verdicts == COUNT


def test_it_ends_in_time_and_keeps_nothing_of_what_it_began(
    book: PolicyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vedette.app.policy_book.MOST_SECONDS", -1.0)
    with pytest.raises(Conflict, match="0 of 20 verdicts were tried, and nothing of it") as caught:
        attempt(book)
    assert caught.value.kind == "backtest-too-slow"
    assert book.check(TENANT, TEXT).backtest is None
    monkeypatch.undo()
    assert attempt(book).verdicts == COUNT


def test_the_time_it_may_take_is_looked_at_after_every_verdict(store: Store) -> None:
    with pytest.raises(Conflict, match="after 60 seconds 8 of 20 verdicts were tried"):
        attempt(PolicyBook(Settings(), store, Slow(START)))
