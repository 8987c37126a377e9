"""Back-tests: they say what the live policies then do on the same history, and stand before anything may act by itself."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.respond.simulated_host import SimulatedHost

from vedette.app.backtesting import backtest
from vedette.app.policy_book import PolicyBook
from vedette.app.settings import Settings
from vedette.app.wiring import parse_policies
from vedette.core import (
    Action,
    ActionEvent,
    ActionState,
    Conflict,
    Epoch,
    HostDescription,
    HostId,
    Identity,
    InvalidInput,
    Label,
    ManualClock,
    Reason,
    Resolution,
    Severity,
    TenantId,
    Tried,
    Verdict,
    step_of,
    verdict_id,
)
from vedette.decide import Census, PolicySet, Situation, decide
from vedette.respond import Quarantine, Registry, Responder
from vedette.seal import SigningKey, verify_command
from vedette.store import Effect, Store

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT = TenantId("default")
KEY = SigningKey.generate()
S = ActionState
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


def host(number: int) -> HostId:
    return HostId(f"11111111-1111-4111-8111-{number:012d}")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def store(tmp_path: Path, clock: ManualClock) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path / 'store.sqlite'}", clock)
    made.migrate()
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


class Live:
    """Decides, stores and responds as the service does, with hosts that obey."""

    def __init__(self, store: Store, clock: ManualClock, policies: PolicySet) -> None:
        self.store, self.clock, self.policies = store, clock, policies
        self.hosts = {host(number): SimulatedHost() for number in range(8)}
        self.responder = Responder(
            store,
            Registry([Quarantine(store.commands, KEY)]),
            clock,
            sweep_seconds=0.0,
            limits=lambda _: policies.limits,
        )
        self.closed: set[str] = set()

    def take(self, one: Verdict, wrong: frozenset[HostId]) -> None:
        self.clock.step(max(self.clock.now(), one.taken_at))
        known = self.store.hosts.get(TENANT, one.host)
        live = self.store.incidents.live(TENANT, [one.host]).get(one.host, ())
        since = self.policies.actions_since(one.taken_at, live)
        actions = self.store.actions.recent(TENANT, [one.host], since).get(one.host, ())
        counts = self.store.hosts.labelled(TENANT, [one.host])
        census = Census(hosts=counts.hosts, abnormal=counts.abnormal, labels=counts.of)
        fleet = census.take(one)
        situation = Situation(host=known, incidents=live, actions=actions, fleet=fleet)
        decision = decide(one, situation, self.policies)
        effect = Effect(
            verdict=one,
            incidents=decision.incidents,
            events=decision.events,
            actions=decision.actions,
        )
        self.store.apply([effect], actor="system:test")
        self.respond()
        if one.host in wrong and one.seq % 25 == 0:
            for incident in self.store.incidents.live(TENANT, [one.host]).get(one.host, ()):
                self.store.incidents.close(
                    TENANT, incident.id, "user:ann", Resolution.FALSE_POSITIVE
                )
            self.respond()

    def respond(self) -> None:
        self.responder.tick()
        while self._poll():
            self.responder.tick()

    def _poll(self) -> bool:
        """Whether a host had something to obey."""
        heard = False
        for ident, machine in self.hosts.items():
            machine.expire(self.clock.now())
            for _, blob in self.store.commands.pending(TENANT, ident, self.clock.now()):
                heard = True
                command = verify_command(blob, KEY.public)
                for result in machine.obey(command, self.clock.now()):
                    self.store.commands.record_result(result, ident, tenant=TENANT)
        return heard

    def tried(self) -> Tried:
        """The same numbers, from what really happened."""
        actions = list(_all(self.store))
        begun = [one for one in actions if one.dispatched_at is not None]
        spans = [_span(one, self.store.actions.events(TENANT, one.id)) for one in begun]
        wrong = {
            one.host
            for one in begun
            if one.incident is not None
            and self.store.incidents.get(TENANT, one.incident).resolution
            is Resolution.FALSE_POSITIVE
        }
        moments = [at for at, _ in spans]
        return Tried(
            kind="quarantine",
            disruptive=True,
            begun=len(begun),
            hosts=len({one.host for one in begun}),
            false_positives=len(wrong),
            at_once=max((sum(a <= at < b for a, b in spans) for at in moments), default=0),
            asked=sum(_asked(self.store, one) for one in actions),
            held=sum(one.state is S.REFUSED for one in actions),
        )


def _all(store: Store) -> Iterator[Action]:
    after: str | None = None
    while True:
        page = store.actions.find(TENANT, limit=500, after=after)
        yield from page.items
        after = page.next
        if after is None:
            return


def _asked(store: Store, one: Action) -> bool:
    return S.AWAITING_APPROVAL in {event.state for event in store.actions.events(TENANT, one.id)}


def _span(one: Action, events: list[ActionEvent]) -> tuple[datetime, datetime]:
    begun = next(event.at for event in events if event.state is S.DISPATCHED)
    ended = next((event.at for event in events if event.state is S.RELEASED), None)
    # What ended by itself is told a little after it ended.
    by_itself = one.lease_until if ended and "by itself" in one.detail else None
    return begun, by_itself or ended or datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "also", ["", " && fleet.hosts == 8 && fleet.abnormal > 1 && fleet.share_abnormal < 0.5"]
)
def test_the_live_policies_then_do_what_the_back_test_said(
    store: Store, clock: ManualClock, seed: int, also: str
) -> None:
    policies = parse_policies(TEXT.format(mode="auto", also=also))
    live = Live(store, clock, policies)
    wrong = frozenset({host(seed), host(seed + 3)})
    for one in history(seed):
        live.take(one, wrong)
    found = backtest(
        store,
        clock,
        TENANT,
        policies,
        since=START,
        until=START + timedelta(days=1),
        actor="user:ada",
    )
    assert found.verdicts == 8 * 90
    (tried,) = found.kinds
    real = live.tried()
    assert real.begun > 2
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
    book = PolicyBook(Settings(), store, clock)
    for one in history(1):
        store.apply([Effect(verdict=one)], actor="system:test")
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


def test_from_afar_there_is_one_at_a_time_over_a_bounded_history(
    store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = PolicyBook(Settings(), store, clock)
    for one in history(1):
        store.apply([Effect(verdict=one)], actor="system:test")
    text, until = TEXT.format(mode="auto", also=""), START + timedelta(days=1)
    inside: list[str] = []

    def meanwhile(*_: object, **__: object) -> None:
        with pytest.raises(Conflict) as caught:
            book.backtest(TENANT, text, since=START, until=until, actor="user:ben")
        inside.append(caught.value.kind)

    with monkeypatch.context() as patched:
        patched.setattr("vedette.app.policy_book.backtest", meanwhile)
        book.backtest(TENANT, text, since=START, until=until, actor="user:ada")
    assert inside == ["backtest-running"]
    monkeypatch.setattr("vedette.app.policy_book.MOST_VERDICTS", 8 * 90 - 1)
    with pytest.raises(Conflict, match="there are 720 verdicts in that time") as caught:
        book.backtest(TENANT, text, since=START, until=until, actor="user:ada")
    assert caught.value.kind == "history-too-long"
    monkeypatch.setattr("vedette.app.policy_book.MOST_VERDICTS", 8 * 90)
    assert book.backtest(TENANT, text, since=START, until=until, actor="user:ada").verdicts == 720


def test_what_asks_people_begins_nothing_in_a_back_test(store: Store, clock: ManualClock) -> None:
    policies = parse_policies(TEXT.format(mode="approve", also=""))
    for one in history(1):
        store.apply([Effect(verdict=one)], actor="system:test")
    found = backtest(
        store, clock, TENANT, policies, since=START, until=START + timedelta(days=1), actor="user:a"
    )
    (tried,) = found.kinds
    assert tried.begun == 0
    assert tried.asked > 2
    assert "would have begun on 0 hosts" in tried.words


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
    backtest(store, clock, TENANT, policies, since=since, until=until, actor="user:ada")
    with pytest.raises(Conflict, match="no verdict in it"):
        book.apply(TENANT, text, actor="user:ada", reason="tried over nothing")
    for one in history(1):
        store.apply([Effect(verdict=one)], actor="system:test")
    backtest(
        store,
        clock,
        TENANT,
        policies,
        since=START,
        until=START + timedelta(days=1),
        actor="user:ada",
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


def test_a_text_that_this_version_does_not_know_leaves_the_known_one(
    store: Store, clock: ManualClock
) -> None:
    book = PolicyBook(Settings(), store, clock)
    known = book.of(TENANT)
    store.policies.put(TENANT, "sha256:later", "version: 2\n", "user:ada")
    clock.advance(3)
    assert book.of(TENANT) is known
    with pytest.raises(InvalidInput):
        PolicyBook(Settings(), store, clock).of(TENANT)
