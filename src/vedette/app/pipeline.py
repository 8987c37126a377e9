"""From the queue to the store: open, judge, decide, and one transaction. The only place that binds these."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from operator import itemgetter

import structlog

from vedette.app.judging import Judged, Opened, described_host, is_stale, judge, unreadable
from vedette.app.knowing import cohort_of
from vedette.app.published import Published, telling
from vedette.app.telemetry import VERDICTS
from vedette.core import (
    AuditEntry,
    Clock,
    HostId,
    Identity,
    InvalidInput,
    Message,
    Record,
    TenantId,
    Unavailable,
    VerdictId,
    decode_snapshot,
    to_builtins,
)
from vedette.decide import (
    HARMLESS,
    LINKED_FOR,
    MOST_CLOSED,
    Census,
    PolicySet,
    Situation,
    answer,
)
from vedette.detect import KNOWN_TABLES, Detector
from vedette.queue import Delivery, Done, Outcome, Reject, Retry
from vedette.seal import KeyRing, open_envelope, read_header
from vedette.store import Applied, Effect, Known, Store, StoredState, Telling

__all__ = ["MAX_ATTEMPTS", "Pipeline"]

MAX_ATTEMPTS = 10
_DECODED_BYTES = 32 * 1024 * 1024
_HELD = "an earlier snapshot of this host is tried again first"
_log = structlog.get_logger()
Timer = Callable[[str], AbstractContextManager[object]]


class _Item(Record, frozen=True, kw_only=True):
    """A delivery, and what it held or why that can't be known. `size` is of its decompressed body.

    `refused` is a sentence for people; `kind` names the problem, where it is one of the sender's. `of` is the first
    verdict on its snapshot, where it is a replayed dead letter that could not be read then.
    """

    delivery: Delivery
    of: VerdictId | None = None
    opened: Opened | None = None
    refused: str = ""
    kind: str = ""
    size: int = 0


class Pipeline:
    """Handles deliveries for `vedette.queue.consume`: when `handle` returns, every effect is durable.

    A delivery that can't be opened, parsed, judged or stored gets an unknown verdict, once, and is rejected to the dead
    letters; so is one that was handed over `MAX_ATTEMPTS` times and never came to an end, as one that kills its worker.
    Where a failure can't be laid at one delivery's door it is raised, and the consume loop hands them over one by one.
    One whose host's state was changed by another worker is retried, and so is what follows it in its lane.
    A dead letter that was replayed and can be read now gets a second verdict, late and linked to the first.
    """

    def __init__(
        self,
        *,
        store: Store,
        ring: KeyRing,
        detector: Detector,
        policies: Callable[[TenantId], PolicySet],
        clock: Clock,
        timer: Timer,
        actor: str = "system:detector",
    ) -> None:
        self._store = store
        self._ring = ring
        self._detector = detector
        self._policies = policies
        self._clock = clock
        self._timer = timer
        self._published = Published(store, clock)
        self._actor = actor

    def handle(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """One outcome per delivery, in their order."""
        with self._timer("known"):
            known = self._store.verdicts.known([item.message.identity for item in deliveries])
        outcomes: dict[int, Outcome] = {}
        fresh: dict[int, tuple[Delivery, VerdictId | None]] = {}
        for index, delivery in enumerate(deliveries):
            verdict = known.get(delivery.message.identity)
            if verdict is None:
                fresh[index] = delivery, None
            elif _can_be_read_again(delivery, verdict):
                fresh[index] = delivery, verdict.id
            else:
                outcomes[index] = _again(delivery, verdict)
        self._tell_conflicts(deliveries, known)
        for part in self._parts(fresh):
            held = {_lane(deliveries[i]) for i, o in outcomes.items() if isinstance(o, Retry)}
            free = {i: item for i, item in part.items() if _lane(item.delivery) not in held}
            outcomes |= {i: Retry(delay_seconds=0.0, reason=_HELD) for i in part if i not in free}
            outcomes |= self._settle(free)
        return [outcomes[index] for index in range(len(deliveries))]

    def _tell_conflicts(
        self, deliveries: Sequence[Delivery], known: Mapping[Identity, Known]
    ) -> None:
        """Other content under an identity that was judged: the queue refuses it, unless it lost what it knew.

        It does that where its database was restored from a backup, or made anew, while the store stayed.
        """
        entries = []
        for message in (delivery.message for delivery in deliveries):
            verdict = known.get(message.identity)
            if verdict is None or verdict.input_digest == message.digest:
                continue
            self._store.hosts.contest(message.identity, _taken_at(message))
            entries.append(
                AuditEntry(
                    tenant=message.identity.tenant,
                    at=self._clock.now(),
                    actor=self._actor,
                    action="snapshot.conflict",
                    subject=message.identity.host,
                    reason="another content under an identity that was judged before",
                    data=to_builtins(message.identity) | {"digest": message.digest},
                )
            )
        if entries:
            self._store.audit.add(entries)

    def _parts(
        self, deliveries: dict[int, tuple[Delivery, VerdictId | None]]
    ) -> Iterator[dict[int, _Item]]:
        """Opens the deliveries, a bounded number of decoded bytes at a time."""
        part: dict[int, _Item] = {}
        size = 0
        for index, (delivery, first) in deliveries.items():
            with self._timer("open"):
                item = self._open(delivery, first)
            part[index] = item
            size += item.size
            if size >= _DECODED_BYTES:
                yield part
                part, size = {}, 0
        if part:
            yield part

    def _settle(self, part: dict[int, _Item]) -> dict[int, Outcome]:
        """Judges and writes; a single delivery that makes that fail is written down as unreadable instead."""
        try:
            return self._write(part)
        except Unavailable:
            raise
        except Exception as error:
            _log.exception("pipeline.failed", snapshots=len(part))
            if len(part) > 1:
                raise
            ((index, item),) = part.items()
            why = f"judging or storing it failed with {type(error).__name__}"
            return self._write({index: _Item(delivery=item.delivery, of=item.of, refused=why)})

    def _write(self, part: dict[int, _Item]) -> dict[int, Outcome]:
        opened = {index: item.opened for index, item in part.items() if item.opened is not None}
        effects = [*self._judge(opened), *self._blind(part)]
        effects.sort(key=itemgetter(0))
        with self._timer("apply"):
            applied = self._store.apply(
                [effect for _, effect in effects],
                actor=self._actor,
                policies=lambda turn: answer(turn, self._policies(turn.tenant)),
            )
        outcomes: dict[int, Outcome] = {
            index: Reject(reason=_why(item)) for index, item in part.items() if item.refused
        }
        for (index, effect), result in zip(effects, applied, strict=True):
            outcomes[index] = _outcome(result, part[index])
            if result is Applied.APPLIED:
                VERDICTS.labels(label=effect.verdict.label.value).inc()
        return outcomes

    def _open(self, delivery: Delivery, first: VerdictId | None) -> _Item:
        if delivery.attempts > MAX_ATTEMPTS:
            why = f"it came to no end in {MAX_ATTEMPTS} attempts"
            return _Item(delivery=delivery, of=first, refused=why)
        try:
            opened, size = self._opened(delivery, first)
        except InvalidInput as error:
            return _Item(delivery=delivery, of=first, refused=error.detail, kind=error.kind)
        return _Item(delivery=delivery, of=first, opened=opened, size=size)

    def _opened(self, delivery: Delivery, first: VerdictId | None) -> tuple[Opened, int]:
        message = delivery.message
        header, body = open_envelope(message.body, self._ring)
        snapshot = decode_snapshot(body, header.content_type)
        if header.identity != message.identity or not header.matches(snapshot):
            raise InvalidInput("its inside does not agree with its header", kind="header-mismatch")
        opened = Opened(
            tenant=header.tenant,
            epoch=header.epoch,
            snapshot=snapshot,
            digest=message.digest,
            of=first,
        )
        return opened, len(body)

    def _judge(self, opened: dict[int, Opened]) -> list[tuple[int, Effect]]:
        by_tenant: dict[TenantId, list[int]] = defaultdict(list)
        for index, item in opened.items():
            by_tenant[item.tenant].append(index)
        effects = []
        for tenant, indexes in by_tenant.items():
            effects += self._judge_tenant(tenant, {index: opened[index] for index in indexes})
        return effects

    def _judge_tenant(
        self, tenant: TenantId, opened: dict[int, Opened]
    ) -> list[tuple[int, Effect]]:
        policies = self._policies(tenant)
        items = list(opened.values())
        with self._timer("load"):
            hosts = list({item.snapshot.host.id for item in items})
            stored = self._store.states.load(tenant, hosts)
            situations = self._situations(tenant, items, policies)
            census = self._census(tenant, hosts, policies)
            cohorts = [cohort_of(i.snapshot, situations[i.snapshot.host.id].host) for i in items]
            moments = [item.snapshot.taken_at for item in items]
            knowledge = self._published.at(tenant, list(zip(cohorts, moments, strict=True)))
            sayings = self._store.sayings.of(tenant, hosts, since=min(moments))
        now = self._clock.now()
        with self._timer("judge"):
            judged = judge(
                items,
                {host: stored[host].blob if host in stored else None for host in hosts},
                situations,
                census,
                detector=self._detector,
                policies=policies,
                knowledge=knowledge,
                sayings=sayings,
                decided_at=dict.fromkeys((item.identity for item in items), now),
            )
        stale = [
            is_stale(item.snapshot.taken_at, situations[item.snapshot.host.id].host, now)
            for item in items
        ]
        told = [
            telling(cohort, at, one.scored.told)
            for cohort, at, one in zip(cohorts, moments, judged, strict=True)
        ]
        return _chained(opened, judged, stored, list(zip(stale, told, strict=True)))

    def _situations(
        self, tenant: TenantId, items: Sequence[Opened], policies: PolicySet
    ) -> dict[HostId, Situation]:
        first = {item.snapshot.host.id: item.snapshot for item in reversed(items)}
        hosts = list(first)
        earliest = min(item.snapshot.taken_at for item in items)
        live = self._store.incidents.live(tenant, hosts)
        incidents = [incident for found in live.values() for incident in found]
        since = policies.actions_since(earliest, incidents)
        recent = self._store.actions.recent(tenant, hosts, since)
        known = self._store.hosts.many(tenant, hosts)
        closed = self._store.incidents.closed(
            tenant, hosts, since=earliest - LINKED_FOR, most=MOST_CLOSED
        )
        harmless = any(one.resolution in HARMLESS for found in closed.values() for one in found)
        silences = self._store.silences.holding(tenant, earliest) if harmless else ()
        return {
            host: Situation(
                host=known.get(host) or described_host(tenant, snapshot.host, snapshot.taken_at),
                incidents=live.get(host, ()),
                actions=recent.get(host, ()),
                closed=closed.get(host, ()),
                silences=silences,
            )
            for host, snapshot in first.items()
        }

    def _census(self, tenant: TenantId, hosts: Sequence[HostId], policies: PolicySet) -> Census:
        """Counted once a batch, and only where a policy asks for it."""
        if not policies.asks_fleet:
            return Census()
        counts = self._store.hosts.labelled(tenant, hosts)
        return Census(hosts=counts.hosts, abnormal=counts.abnormal, labels=counts.of)

    def _blind(self, part: dict[int, _Item]) -> list[tuple[int, Effect]]:
        now = self._clock.now()
        effects = []
        for index, item in part.items():
            if item.refused and item.of is None:
                message = item.delivery.message
                _log.warning(
                    "pipeline.unreadable", host=message.identity.host, seq=message.identity.seq
                )
                verdict = unreadable(message, now, item.refused)
                effects.append((index, Effect(verdict=verdict)))
        return effects


def _lane(delivery: Delivery) -> str:
    return delivery.message.lane


def _taken_at(message: Message) -> datetime:
    """As its clear header says, or else when it came."""
    try:
        return read_header(message.body).taken_at
    except InvalidInput:
        return message.received_at


def _can_be_read_again(delivery: Delivery, verdict: Known) -> bool:
    """Whether it is a replay of the very message that could not be read before."""
    same = verdict.input_digest == delivery.message.digest
    return delivery.replays > 0 and verdict.unreadable and same


def _again(delivery: Delivery, verdict: Known) -> Outcome:
    """What becomes of a delivery whose snapshot has its verdict: a worker ended before it could say so."""
    if verdict.unreadable:
        return Reject(reason="it could not be read")
    if verdict.input_digest != delivery.message.digest:
        return Reject(reason="another snapshot with this identity was judged before")
    return Done()


def _chained(
    opened: dict[int, Opened],
    judged: Sequence[Judged],
    stored: dict[HostId, StoredState],
    beside: Sequence[tuple[bool, Telling | None]],
) -> list[tuple[int, Effect]]:
    expected: dict[HostId, StoredState | None] = dict(stored)
    effects = []
    for (index, item), outcome, (old, told) in zip(opened.items(), judged, beside, strict=True):
        host = item.snapshot.host.id
        effect = Effect(
            verdict=outcome.verdict,
            description=item.snapshot.host,
            state=None if outcome.scored.late else outcome.scored.state,
            heard=outcome.scored.state if outcome.scored.late else None,
            shared=outcome.scored.shared,
            stale=old,
            expected=expected.get(host),
            facts=outcome.scored.facts,
            read=_read(item, outcome),
            # A late one says nothing of what the host must send now.
            needed=None if outcome.scored.late else outcome.scored.needed,
            incidents=outcome.decision.incidents,
            events=outcome.decision.events,
            actions=outcome.decision.actions,
            told=told,
        )
        expected[host] = effect.result
        effects.append((index, effect))
    return effects


def _read(item: Opened, outcome: Judged) -> tuple[str, ...]:
    """The tables known in full at this moment: sent as rows, or as a digest that the detector could resolve."""
    resolved = set(item.snapshot.same) - set(outcome.scored.needed)
    return tuple(sorted(KNOWN_TABLES & {*item.snapshot.tables, *resolved}))


def _outcome(result: Applied, item: _Item) -> Outcome:
    if result is Applied.LOST:
        return Retry(delay_seconds=0.05, reason="another worker changed this host's state")
    return Reject(reason=_why(item)) if item.refused else Done()


def _why(item: _Item) -> str:
    return f"{item.kind}: {item.refused}" if item.kind else item.refused
