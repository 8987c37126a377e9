"""A back-test lets a text act by itself where it met a week up to the present, or all there is of a young service and enough of that."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.store.make import START, TENANT, apply, chain, enrol

from vedette.app.enough import Enough
from vedette.app.policy_book import PolicyBook
from vedette.app.settings import RespondSettings, Settings
from vedette.core import Backtest, Conflict, ManualClock
from vedette.store import Store

TEXT = """
version: 1
policies:
  - {name: cut, then: [{action: quarantine, with: {lease: 6m}}], mode: auto}
"""
WEEK = Enough(days=7, verdicts=100)
NOW = START + timedelta(days=60)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def lacks(
    *,
    since: float,
    first: float,
    begins: float,
    verdicts: int = 100,
    until: float = 0,
    last: float = 0,
) -> str:
    """By days before now."""
    return WEEK.lacks(
        since=ago(since),
        until=ago(until),
        at=NOW,
        met=(ago(first), ago(last)),
        begins=ago(begins),
        verdicts=verdicts,
    )


def test_a_week_up_to_the_present_is_enough_whatever_there_was_before() -> None:
    assert lacks(since=7, first=6.999, begins=40) == ""
    assert lacks(since=30, first=7, begins=7) == ""
    assert lacks(since=30, first=29.5, begins=29.5, until=0.9, last=0.9) == ""


def test_a_week_with_hardly_a_verdict_is_too_little() -> None:
    assert lacks(since=7, first=6.5, begins=40, verdicts=99) == (
        "it met 7.0 days of history with 99 verdicts, and 100 verdicts are needed; "
        "let people approve until then, and try it again when hosts have sent more"
    )


def test_less_than_a_week_of_a_longer_history_is_too_little_with_any_number_of_verdicts() -> None:
    for verdicts in (2, 100_000):
        assert lacks(since=1, first=0.99, begins=40, verdicts=verdicts) == (
            f"it met 1.0 days of history with {verdicts} verdicts, and 7 days are needed; choose a longer time"
        )
    # Nothing was judged in most of the time that was asked for.
    assert "0.5 days of history" in lacks(since=7, first=0.5, begins=40)
    assert "6.9 days of history" in lacks(since=30, first=6.9, begins=40)


def test_all_of_a_young_history_is_enough_with_enough_verdicts() -> None:
    assert lacks(since=30, first=0.5, begins=0.5, verdicts=100) == ""
    assert "0.5 days of history with 99 verdicts, and 100 verdicts are needed" in lacks(
        since=30, first=0.5, begins=0.5, verdicts=99
    )


def test_the_past_alone_or_nothing_at_all_is_too_little() -> None:
    assert "ends more than a day before" in lacks(since=40, first=39, begins=39, until=1.1)
    stale = lacks(since=40, first=39, begins=39, last=1.1, verdicts=100_000)
    assert stale == "no host was judged since 2026-04-29 09:36 UTC; try it again when some are"
    nothing = WEEK.lacks(since=ago(30), until=NOW, at=NOW, met=None, begins=ago(40), verdicts=0)
    assert nothing.startswith("it met no verdict; choose a longer time")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'store.sqlite'}", clock)
    made.migrate()
    enrol(made)
    apply(made, *chain(1, 20))
    yield made
    made.close()


def attempt(book: PolicyBook, clock: ManualClock, days: float) -> Backtest:
    until = clock.now()
    since = until - timedelta(days=days)
    return book.backtest(TENANT, TEXT, since=since, until=until, actor="user:ada")


def test_two_verdicts_or_a_few_seconds_set_nothing_to_auto(
    store: Store, clock: ManualClock
) -> None:
    book = PolicyBook(Settings(), store, clock)
    clock.step(START + timedelta(hours=1))
    found = attempt(book, clock, 30)
    assert found.verdicts == 20
    assert "0.0 days of history with 20 verdicts, and 1000 verdicts are needed" in found.lacks
    assert book.check(TENANT, TEXT).backtest == found
    with pytest.raises(
        Conflict, match=r"history first \(it was, but it met 0.0 days of history"
    ) as why:
        book.apply(TENANT, TEXT, actor="user:ada", reason="bold")
    assert why.value.kind == "needs-backtest"
    young = PolicyBook(Settings(respond=RespondSettings(backtest_verdicts=20)), store, clock)
    assert attempt(young, clock, 30).lacks == ""
    young.apply(TENANT, TEXT, actor="user:ada", reason="tried over all there is")


def test_a_shorter_run_does_not_take_the_place_of_one_that_met_enough(
    store: Store, clock: ManualClock
) -> None:
    few = Settings(respond=RespondSettings(backtest_verdicts=20))
    book = PolicyBook(few, store, clock)
    clock.step(START + timedelta(hours=20))
    enough = attempt(book, clock, 30)
    assert (enough.verdicts, enough.lacks) == (20, "")
    short = attempt(book, clock, 0.5)
    assert (short.verdicts, short.lacks[:18]) == (0, "it met no verdict;")
    checked = book.check(TENANT, TEXT)
    assert (checked.untried, checked.backtest) == ((), enough)
    book.apply(TENANT, TEXT, actor="user:ada", reason="tried")


def test_verdicts_of_last_week_alone_set_nothing_to_auto(store: Store, clock: ManualClock) -> None:
    book = PolicyBook(Settings(respond=RespondSettings(backtest_verdicts=20)), store, clock)
    clock.step(START + timedelta(days=8))
    assert attempt(book, clock, 30).lacks.startswith("no host was judged since ")
    with pytest.raises(Conflict, match="no host was judged since"):
        book.apply(TENANT, TEXT, actor="user:ada", reason="bold")
