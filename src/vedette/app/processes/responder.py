"""The responder process: the only one that holds the command-signing key and the secrets of those who are told."""

import threading
from datetime import timedelta
from functools import partial

import structlog

from vedette.app.clouds import cloud_kinds
from vedette.app.destinations import kinds_of
from vedette.app.doubt import Doubt
from vedette.app.keys import KeyFiles
from vedette.app.oncall_book import OnCallBook
from vedette.app.policy_book import PolicyBook
from vedette.app.settings import Settings
from vedette.app.telemetry import ACTIONS, NOTICES, SILENT, UNREAD
from vedette.app.untried import Untried
from vedette.app.wiring import open_queue, open_store
from vedette.app.witnessing import Witnessing
from vedette.core import ActionState, Clock, SystemClock, TenantId, Unavailable
from vedette.decide import Crowding, answer, answer_own, escalate, gather
from vedette.queue import Queue
from vedette.respond import DIGESTED, Escalate, Registry, Responder, Witness, host_kinds
from vedette.seal import SigningKey
from vedette.store import Store

__all__ = ["run_responder"]

_log = structlog.get_logger()
_COUNT_SECONDS = 5.0


def run_responder(settings: Settings, stop: threading.Event) -> None:
    """Carries out what was decided and looks at every timer, until told to stop."""
    clock = SystemClock()
    key = SigningKey.load(KeyFiles(settings).command_key)
    store, queue = open_store(settings, clock), open_queue(settings, clock)
    policies = PolicyBook(settings, store, clock)
    oncall = OnCallBook(settings, store, policies, clock)
    kinds = Registry(
        [
            *kinds_of(settings),
            *cloud_kinds(settings, store.hosts, clock),
            *host_kinds(store.commands, key, store.hosts, store.evidence),
            Escalate(store.escalations, lambda tenant: oncall.of(tenant).chains),
        ]
    )
    crowding = Crowding(
        kinds=DIGESTED,
        most=settings.respond.digest_above,
        seconds=settings.respond.digest_minutes * 60.0,
    )
    doubt = _doubt(settings, store, policies, clock)
    responder = Responder(
        store,
        kinds,
        clock,
        limits=lambda tenant: policies.of(tenant).limits,
        gather=lambda: store.incidents.gather(
            partial(gather, crowding=crowding), lambda tenant: policies.of(tenant).inhibitions
        ),
        inhibits=lambda tenant: policies.of(tenant).inhibitions,
        escalate=lambda: store.escalations.sweep(
            lambda case: escalate(case, oncall.of(case.run.tenant))
        ),
        answer_own=lambda tenant, incident: store.incidents.answer(
            tenant, incident, lambda one: answer_own(one, policies.of(tenant), clock.now())
        ),
        doubt=doubt,
    )
    witness = _witness(store, key, policies, doubt, clock)
    counted_at = float("-inf")
    try:
        with Witnessing(witness, stop):
            while not stop.is_set():
                try:
                    worked = responder.tick() + _expire_silent(store, queue, policies, clock)
                    NOTICES.inc(worked)
                    if clock.monotonic() - counted_at > _COUNT_SECONDS:
                        counted_at = clock.monotonic()
                        _look_after(store, settings, clock)
                        _tell_faults(policies, oncall, TenantId(settings.tenant))
                except Unavailable as error:
                    _log.warning("responder.unavailable", detail=error.detail)
                    worked = 0
                if not worked:
                    stop.wait(settings.respond.tick_seconds)
    finally:
        queue.close()
        store.close()


def _witness(
    store: Store, key: SigningKey, policies: PolicyBook, doubt: Doubt, clock: Clock
) -> Witness:
    return Witness(
        store,
        key,
        clock,
        protects=lambda host, kind: policies.of(host.tenant).protects(host, kind),
        limits=lambda tenant: policies.of(tenant).limits,
        doubt=doubt,
    )


def _doubt(settings: Settings, store: Store, policies: PolicyBook, clock: Clock) -> Doubt:
    untried = Untried(store, settings.respond.policies, policies.of)
    return Doubt(store, clock, settings.respond, untried=untried, fault=policies.fault)


def _expire_silent(store: Store, queue: Queue, policies: PolicyBook, clock: Clock) -> int:
    silent = store.hosts.expire_silent(
        clock.now(),
        waiting=queue.waiting,
        policies=lambda turn: answer(turn, policies.of(turn.tenant)),
    )
    for host in silent:
        _log.warning("host.silent", host=host.id, hostname=host.hostname)
    return len(silent)


def _look_after(store: Store, settings: Settings, clock: Clock) -> None:
    """What is done now and then: figures, and evidence whose time is over."""
    _count(store, TenantId(settings.tenant))
    store.evidence.remove(clock.now() - timedelta(days=settings.store.evidence_days))


def _tell_faults(policies: PolicyBook, oncall: OnCallBook, tenant: TenantId) -> None:
    UNREAD.labels(document="policies").set(bool(policies.fault(tenant)))
    UNREAD.labels(document="oncall").set(bool(oncall.fault(tenant)))


def _count(store: Store, tenant: TenantId) -> None:
    counts = store.actions.counts_by_state(tenant)
    SILENT.set(store.hosts.silent(tenant))
    for state in ActionState:
        ACTIONS.labels(state=state.value).set(counts.get(state, 0))
