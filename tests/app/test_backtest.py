"""Back-tests: they say what the live policies then do on the same history, and stand before anything may act by itself."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from tests.app.live import START, TENANT, Live, host
from tests.fixtures.migrated import migrated

from vedette.app.backtesting import backtest
from vedette.app.enough import Enough
from vedette.app.policy_book import PolicyBook
from vedette.app.settings import RespondSettings, Settings
from vedette.app.wiring import parse_policies
from vedette.core import (
    Conflict,
    Epoch,
    HostDescription,
    Identity,
    InvalidInput,
    Label,
    ManualClock,
    Reason,
    Severity,
    Verdict,
    step_of,
    verdict_id,
)
from vedette.store import Effect, Store

TEXT = """
version: 1
limits: {{tenant: 60%, cohort: 75%, model: 50%, per: 30m}}
policies:
  - name: cut
    on: [opened, raised]
    when: 'incident.severity in ["high", "critical"]{also}'
    then: [{{action: quarantine, with: {{lease: 6m, at_most: 20m}}}}]
    mode: {mode}
    within: {{confirm: 2, cooldown: 10m}}
"""
FLEET = " && fleet.hosts == 8 && fleet.abnormal > 1 && fleet.share_abnormal < 0.5"
# Each history, and each condition; `make test-nightly` takes every pair of them.
PAIRS = [(1, FLEET), (2, "")]
# Of the minutes of `history`; in an hour of them, too, something begins, is held and comes back.
MINUTES = 60
if settings.get_current_profile_name() == "nightly":
    PAIRS = [(seed, also) for seed in range(10) for also in ("", FLEET)]
    MINUTES = 90

# What the hour and a half of `history` has.
YOUNG = Enough(days=7, verdicts=720)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    made = Store(migrated(tmp_path / "store.sqlite"), clock)
    for number in range(8):
        made.hosts.enrol(
            TENANT,
            description=HostDescription(
                id=host(number), hostname=f"h{number}", labels={"role": f"r{number % 2}"}
            ),
            kid=f"kid{number}",
            public_key=f"key{number}",
            actor="user:ada",
            host=host(number),
        )
    yield made
    made.close()


def verdict(number: int, minute: int, label: Label, severity: Severity) -> Verdict:
    at = START + timedelta(minutes=minute, seconds=number)
    identity = Identity(tenant=TENANT, host=host(number), epoch=Epoch("e1"), seq=minute + 1)
    reason = Reason(expert="inventory", subject=f"cron:{number}", text="a new job", share=0.5)
    return Verdict(
        id=verdict_id(identity),
        tenant=TENANT,
        host=identity.host,
        epoch=identity.epoch,
        seq=identity.seq,
        taken_at=at,
        decided_at=at,
        label=label,
        score=0.9 if label is Label.ABNORMAL else 0.1,
        severity=severity if label is Label.ABNORMAL else Severity.NONE,
        reasons=(reason,) if label is Label.ABNORMAL else (),
        model="sha256:m",
    )


def history(seed: int) -> list[Verdict]:
    """An hour and a half of eight hosts, some of them abnormal for a while, in order of time."""
    chance = random.Random(seed)
    troubles = [
        (chance.randrange(8), chance.randrange(80), chance.randrange(2, 40)) for _ in range(12)
    ]
    found = []
    for minute in range(90):
        for number in range(8):
            ill = any(
                who == number and begins <= minute < begins + length
                for who, begins, length in troubles
            )
            severity = Severity.HIGH if chance.random() < 0.6 else Severity.MEDIUM
            found.append(verdict(number, minute, Label.ABNORMAL if ill else Label.NORMAL, severity))
    return found


def lived(store: Store, verdicts: list[Verdict]) -> None:
    """Nothing but the verdicts happened, eight hosts at a time."""
    for at in range(0, len(verdicts), 8):
        effects = [Effect(verdict=one) for one in verdicts[at : at + 8]]
        store.apply(effects, actor="system:test")


@pytest.mark.no_cover  # what it goes through has tests of its own, and takes twice as long when it is traced
@pytest.mark.parametrize(("seed", "also"), PAIRS)
def test_the_live_policies_then_do_what_the_back_test_said(
    store: Store, clock: ManualClock, seed: int, also: str
) -> None:
    policies = parse_policies(TEXT.format(mode="auto", also=also))
    live = Live(store, clock, policies)
    wrong = frozenset(host(number) for number in range(8) if number != seed)
    for one in history(seed)[: 8 * MINUTES]:
        live.take(one, wrong)
    found = backtest(
        store,
        clock,
        TENANT,
        policies,
        since=START,
        until=START + timedelta(days=1),
        actor="user:ada",
        enough=Enough(days=7, verdicts=8 * MINUTES),
    )
    assert (found.verdicts, found.lacks) == (8 * MINUTES, "")
    (tried,) = found.kinds
    real = live.tried()
    assert real.begun > 2
    assert any(one.returns for one in store.incidents.find(TENANT, limit=500).items)
    assert msgspec.structs.replace(tried, course=()) == real
    for name in ("begun", "asked", "held"):
        assert sum(getattr(one, name) for one in tried.course) == getattr(tried, name), name
    assert {one.policy for one in tried.course} == {"cut"}
    assert store.policies.backtest(TENANT, policies.version) == found


@pytest.mark.parametrize(
    ("days", "step"), [(0.1, 300), (1, 1_800), (7, 4 * 3_600), (30, 86_400), (365, 7 * 86_400)]
)
def test_a_span_is_divided_in_sixty_steps_at_most(days: float, step: int) -> None:
    until = START + timedelta(days=days)
    assert step_of(START, until) == step
    assert timedelta(days=days) / timedelta(seconds=step) <= 60
    assert step_of(START, START + timedelta(days=4_000)) == 7 * 86_400


def test_what_is_tried_from_afar_is_kept_and_lets_it_be_applied(
    store: Store, clock: ManualClock
) -> None:
    book = PolicyBook(Settings(respond=RespondSettings(backtest_verdicts=720)), store, clock)
    lived(store, history(1))
    text = TEXT.format(mode="auto", also="")
    assert book.check(TENANT, text).untried == ("cut",)
    until = START + timedelta(days=1)
    found = book.backtest(TENANT, text, since=START, until=until, actor="user:ada")
    assert (found.verdicts, found.by, found.step_seconds) == (8 * 90, "user:ada", 1_800)
    checked = book.check(TENANT, text)
    assert (checked.untried, checked.backtest) == ((), found)
    with pytest.raises(InvalidInput, match="mode must be one of"):
        book.backtest(
            TENANT, TEXT.format(mode="odd", also=""), since=START, until=until, actor="user:ada"
        )
    applied = book.apply(TENANT, text, actor="user:ada", reason="tried")
    assert applied.backtest == found
    assert book.check(TENANT, text).untried == ()


def test_what_asks_people_begins_nothing_in_a_back_test(store: Store, clock: ManualClock) -> None:
    policies = parse_policies(TEXT.format(mode="approve", also=""))
    lived(store, history(1))
    found = backtest(
        store,
        clock,
        TENANT,
        policies,
        since=START,
        until=START + timedelta(days=1),
        actor="user:a",
        enough=YOUNG,
    )
    (tried,) = found.kinds
    assert tried.begun == 0
    assert tried.asked > 2
    assert "would have begun on 0 hosts" in tried.words


def test_beyond_a_limit_a_back_test_holds_one_and_then_asks_people(
    store: Store, clock: ManualClock
) -> None:
    text = TEXT.format(mode="auto", also="").replace("tenant: 60%", "tenant: 10%")
    lived(store, history(1)[: 8 * 40])
    found = backtest(
        store,
        clock,
        TENANT,
        parse_policies(text),
        since=START,
        until=START + timedelta(days=1),
        actor="user:a",
        enough=YOUNG,
    )
    (tried,) = found.kinds
    assert (tried.hosts, tried.held) == (1, 1)
    assert tried.asked > 0


def test_nothing_may_act_by_itself_that_was_not_tried(store: Store, clock: ManualClock) -> None:
    book = PolicyBook(Settings(), store, clock)
    shipped = book.current(TENANT)
    text = TEXT.format(mode="auto", also="")
    with pytest.raises(Conflict) as caught:
        book.apply(TENANT, text, actor="user:ada", reason="bold")
    assert caught.value.kind == "needs-backtest"
    assert book.current(TENANT) == shipped
    until = clock.now()
    since = until - timedelta(days=1)
    policies = parse_policies(text)
    backtest(
        store, clock, TENANT, policies, since=since, until=until, actor="user:ada", enough=YOUNG
    )
    with pytest.raises(Conflict, match="it was, but it met no verdict; choose a longer time"):
        book.apply(TENANT, text, actor="user:ada", reason="tried over nothing")
    lived(store, history(1))
    backtest(
        store,
        clock,
        TENANT,
        policies,
        since=START,
        until=START + timedelta(days=1),
        actor="user:ada",
        enough=YOUNG,
    )
    applied = book.apply(TENANT, text, actor="user:ada", reason="tried")
    assert (applied.version, applied.by) == (policies.version, "user:ada")
    assert applied.backtest is not None
    # What acts by itself already may be applied again beside other changes.
    book.apply(TENANT, text + "# a word\n", actor="user:ada", reason="a word")


def test_what_only_asks_is_applied_at_once_and_every_process_follows(
    store: Store, clock: ManualClock
) -> None:
    one, other = PolicyBook(Settings(), store, clock), PolicyBook(Settings(), store, clock)
    before = other.of(TENANT).version
    applied = one.apply(
        TENANT, TEXT.format(mode="approve", also=""), actor="user:ada", reason="ask us"
    )
    assert one.of(TENANT).version == applied.version
    assert other.of(TENANT).version == before
    clock.advance(3)
    assert other.of(TENANT).version == applied.version
    (row,) = store.audit.find(TENANT, action="policy.applied").items
    assert row.reason == "ask us"


def test_a_wrong_text_is_named_and_nothing_is_applied(store: Store, clock: ManualClock) -> None:
    book = PolicyBook(Settings(), store, clock)
    with pytest.raises(InvalidInput, match="mode must be one of") as caught:
        book.apply(TENANT, TEXT.format(mode="sometimes", also=""), actor="user:ada", reason="x")
    assert caught.value.extensions["line"] == 9
    assert store.policies.current(TENANT) is None
