"""What the service does with verdicts, in one process over a store: decides, stores and responds, with hosts that obey."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from tests.respond.simulated_host import SimulatedHost

from vedette.core import (
    Action,
    ActionEvent,
    ActionState,
    Command,
    HostId,
    Incident,
    ManualClock,
    Resolution,
    SilenceScope,
    TenantId,
    Tried,
    Verdict,
)
from vedette.decide import LINKED_FOR, MOST_CLOSED, Census, PolicySet, Situation, decide
from vedette.respond import Quarantine, Registry, Responder
from vedette.seal import SigningKey, verify_command
from vedette.store import Effect, Store

__all__ = ["START", "TENANT", "Live", "host"]

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
TENANT = TenantId("default")
KEY = SigningKey.generate()
S = ActionState


def host(number: int) -> HostId:
    return HostId(f"11111111-1111-4111-8111-{number:012d}")


class Issuing:
    """The store's commands, and which hosts were told something that they have not fetched: nobody else need ask."""

    def __init__(self, store: Store) -> None:
        self.told: set[HostId] = set()
        self.get = store.commands.get
        self.results = store.commands.results
        self._put = store.commands.put

    def put(self, command: Command, blob: bytes) -> None:
        self._put(command, blob)
        self.told.add(command.host)


class Live:
    """Decides, stores and responds as the service does, with hosts that obey."""

    def __init__(
        self,
        store: Store,
        clock: ManualClock,
        policies: PolicySet,
        doubt: Callable[[Action], str] = lambda _: "",
    ) -> None:
        self.store, self.clock, self.policies = store, clock, policies
        self.hosts = {host(number): SimulatedHost() for number in range(8)}
        self.commands = Issuing(store)
        self.responder = Responder(
            store,
            Registry([Quarantine(self.commands, KEY)]),
            clock,
            sweep_seconds=0.0,
            limits=lambda _: policies.limits,
            doubt=doubt,
        )
        self.said = 0

    def take(self, one: Verdict, wrong: frozenset[HostId]) -> None:
        self.clock.step(max(self.clock.now(), one.taken_at))
        known = self.store.hosts.get(TENANT, one.host)
        live = self.store.incidents.live(TENANT, [one.host]).get(one.host, ())
        since = self.policies.actions_since(one.taken_at, live)
        actions = self.store.actions.recent(TENANT, [one.host], since).get(one.host, ())
        counts = self.store.hosts.labelled(TENANT, [one.host])
        census = Census(hosts=counts.hosts, abnormal=counts.abnormal, labels=counts.of)
        fleet = census.take(one)
        closed = self.store.incidents.closed(
            TENANT, [one.host], since=one.taken_at - LINKED_FOR, most=MOST_CLOSED
        )
        situation = Situation(
            host=known,
            incidents=live,
            actions=actions,
            fleet=fleet,
            closed=closed.get(one.host, ()),
            silences=self.store.silences.holding(TENANT, one.taken_at),
        )
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
                self.say(incident)
            self.respond()

    def say(self, incident: Incident) -> None:
        """Every other time with a silence, so that what comes back opens again, or stays closed."""
        ident, self.said = incident.id, self.said + 1
        if self.said % 2:
            self.store.incidents.close(TENANT, ident, "user:ann", Resolution.FALSE_POSITIVE)
            return
        self.store.incidents.false_positive(
            TENANT,
            ident,
            "user:ann",
            "ours",
            scope=SilenceScope(host=incident.host, causes=incident.causes),
            ends_at=self.clock.now() + timedelta(minutes=20),
        )

    def respond(self) -> None:
        self.responder.tick()
        while self.commands.told:
            self._poll()
            self.responder.tick()

    def _poll(self) -> None:
        told = sorted(self.commands.told)
        self.commands.told.clear()
        for ident in told:
            machine = self.hosts[ident]
            machine.expire(self.clock.now())
            for _, blob in self.store.commands.pending(TENANT, ident, self.clock.now()):
                command = verify_command(blob, KEY.public)
                for result in machine.obey(command, self.clock.now()):
                    self.store.commands.record_result(result, ident, tenant=TENANT)

    def tried(self) -> Tried:
        """The same numbers, from what really happened."""
        actions = list(_all(self.store))
        begun = [one for one in actions if one.dispatched_at is not None]
        spans = [_span(one, self.store.actions.events(TENANT, one.id)) for one in begun]
        said = self.store.audit.of_incidents(TENANT, START)
        wrong = {
            one.host
            for one in begun
            if one.dispatched_at is not None
            and any(word.subject == one.incident and word.at > one.dispatched_at for word in said)
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
            held=sum(one.state is S.REFUSED and not _asked(self.store, one) for one in actions),
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
