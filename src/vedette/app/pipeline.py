"""From the queue to the store: open, judge, decide, and one transaction. The only place that binds these."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta

import structlog

from vedette.app.judging import Judged, Opened, described_host, judge, unreadable
from vedette.app.telemetry import VERDICTS
from vedette.core import (
    Clock,
    HostId,
    Identity,
    InvalidInput,
    TenantId,
    decode_snapshot,
)
from vedette.decide import PolicySet, Situation
from vedette.detect import Detector
from vedette.queue import Delivery, Done, Outcome, Reject, Retry
from vedette.seal import KeyRing, open_envelope
from vedette.store import Applied, Effect, Store, StoredState

__all__ = ["Pipeline"]

_log = structlog.get_logger()
Timer = Callable[[str], AbstractContextManager[object]]


class _NotJudged(Exception):  # noqa: N818 - what happened, not an error class of the domain
    """Judging these snapshots failed; the cause is chained."""


class Pipeline:
    """Handles deliveries for `vedette.queue.consume`: when `handle` returns, every effect is durable.

    A delivery that can't be opened, parsed or judged gets an unknown verdict and is rejected to the dead letters.
    One whose host's state was changed by another worker is retried. Judging is a pure function, so that a failure
    would repeat: in a batch of several it is raised, and the consume loop hands them over again one by one.
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
        self._actor = actor

    def handle(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        """One outcome per delivery, in their order."""
        with self._timer("open"):
            opened, refused = self._open(deliveries)
        try:
            effects = self._judge(opened)
        except _NotJudged as error:
            if len(opened) > 1:
                raise
            effects = []
            refused[next(iter(opened))] = str(error)
        effects += self._blind(deliveries, refused)
        effects.sort(key=lambda item: item[0])
        with self._timer("apply"):
            applied = self._store.apply([effect for _, effect in effects], actor=self._actor)
        outcomes: list[Outcome] = [Done() for _ in deliveries]
        for (index, effect), result in zip(effects, applied, strict=True):
            outcomes[index] = _outcome(result, refused.get(index))
            if result is Applied.APPLIED:
                VERDICTS.labels(label=effect.verdict.label.value).inc()
        return outcomes

    def _open(self, deliveries: Sequence[Delivery]) -> tuple[dict[int, Opened], dict[int, str]]:
        opened: dict[int, Opened] = {}
        refused: dict[int, str] = {}
        known = self._store.verdicts.known([item.message.identity for item in deliveries])
        for index, delivery in enumerate(deliveries):
            identity = delivery.message.identity
            if identity in known:
                continue
            try:
                opened[index] = self._opened(delivery)
            except InvalidInput as error:
                refused[index] = error.detail
        return opened, refused

    def _opened(self, delivery: Delivery) -> Opened:
        message = delivery.message
        header, body = open_envelope(message.body, self._ring)
        snapshot = decode_snapshot(body, header.content_type)
        inner = Identity(
            tenant=header.tenant, host=snapshot.host.id, epoch=header.epoch, seq=snapshot.seq
        )
        apart = abs(snapshot.taken_at - header.taken_at)
        if inner != message.identity or apart >= timedelta(milliseconds=1):
            raise InvalidInput("its inside does not agree with its header", kind="header-mismatch")
        return Opened(
            tenant=header.tenant, epoch=header.epoch, snapshot=snapshot, digest=message.digest
        )

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
        now = self._clock.now()
        with self._timer("judge"):
            try:
                judged = judge(
                    items,
                    {host: stored[host].blob if host in stored else None for host in hosts},
                    situations,
                    detector=self._detector,
                    policies=policies,
                    decided_at=dict.fromkeys((item.identity for item in items), now),
                )
            except Exception as error:
                _log.exception("pipeline.not_judged", hosts=hosts)
                raise _NotJudged(f"judging it failed with {type(error).__name__}") from error
        return _chained(opened, judged, stored)

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
        return {
            host: Situation(
                host=known.get(host) or described_host(tenant, snapshot.host, snapshot.taken_at),
                incidents=live.get(host, ()),
                actions=recent.get(host, ()),
            )
            for host, snapshot in first.items()
        }

    def _blind(
        self, deliveries: Sequence[Delivery], refused: dict[int, str]
    ) -> list[tuple[int, Effect]]:
        now = self._clock.now()
        effects = []
        for index, why in refused.items():
            message = deliveries[index].message
            _log.warning(
                "pipeline.unreadable", host=message.identity.host, seq=message.identity.seq
            )
            verdict = unreadable(message.identity, message.received_at, now, why)
            effects.append((index, Effect(verdict=verdict)))
        return effects


def _chained(
    opened: dict[int, Opened], judged: Sequence[Judged], stored: dict[HostId, StoredState]
) -> list[tuple[int, Effect]]:
    expected: dict[HostId, StoredState | None] = dict(stored)
    effects = []
    for (index, item), outcome in zip(opened.items(), judged, strict=True):
        host = item.snapshot.host.id
        effect = Effect(
            verdict=outcome.verdict,
            description=item.snapshot.host,
            state=outcome.scored.state,
            expected=expected.get(host),
            facts=outcome.scored.facts,
            read=_read(item, outcome),
            needed=outcome.scored.needed,
            incidents=outcome.decision.incidents,
            events=outcome.decision.events,
            actions=outcome.decision.actions,
        )
        expected[host] = effect.result
        effects.append((index, effect))
    return effects


def _read(item: Opened, outcome: Judged) -> tuple[str, ...]:
    """The tables known in full at this moment: sent as rows, or as a digest that the detector could resolve."""
    resolved = set(item.snapshot.same) - set(outcome.scored.needed)
    return tuple(sorted({*item.snapshot.tables, *resolved}))


def _outcome(result: Applied, refused: str | None) -> Outcome:
    if result is Applied.LOST:
        return Retry(delay_seconds=0.05, reason="another worker changed this host's state")
    if refused is not None:
        return Reject(reason=refused)
    return Done()
