"""What the machines' door needs, made of store, queue and key files."""

import threading
from collections.abc import Sequence
from typing import Self

import structlog

from vedette.app.flow import FlowMeter
from vedette.app.keys import KeyFiles
from vedette.app.settings import IngestSettings as IngestLimits
from vedette.app.settings import Settings
from vedette.app.stages import Stages
from vedette.app.telemetry import (
    APPEND_SIZE,
    DEAD_LETTERS,
    QUEUE_DEPTH,
    QUEUE_OLDEST,
    QUEUE_REPLAYED,
)
from vedette.core import (
    Clock,
    Unavailable,
)
from vedette.ingest import (
    Appender,
    Door,
    Enrolled,
    Enrolment,
    Flow,
    IngestSettings,
    QuotaBounds,
    Usage,
    day_of,
)
from vedette.queue import Queue
from vedette.store import Store

__all__ = ["QueueWatch", "make_door", "used_today"]

_log = structlog.get_logger()


class QueueWatch:
    """Looks at the queue twice a second, so that the door can answer from memory how full it is."""

    def __init__(self, queue: Queue, max_depth: int, clock: Clock) -> None:
        self._queue = queue
        self._max_depth = max_depth
        self._clock = clock
        self._meter = FlowMeter()
        self._flow = Flow()
        self._appended = 0
        self._reached = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="queue-watch", daemon=True)

    def pressure(self) -> float:
        """Depth over the bound; from 1 on nothing is taken in."""
        return self._flow.depth / self._max_depth

    def flow(self) -> Flow:
        """What waits, and how fast it goes."""
        return self._flow

    def appended(self, count: int) -> None:
        """So many more snapshots are in the queue."""
        self._appended += count
        APPEND_SIZE.observe(count)

    def is_open(self) -> bool:
        """Whether a snapshot would be taken in: the queue can be reached, and is not over its bound."""
        return self._reached and self.pressure() < 1.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.is_set():
            try:
                stats = self._queue.stats()
                # What people put back is old, and goes behind the live: no host is refused for it.
                fresh = stats.depth - stats.replayed
                self._flow = self._meter.note(self._clock.monotonic(), fresh, self._appended)
                self._reached = True
                QUEUE_DEPTH.set(fresh)
                QUEUE_REPLAYED.set(stats.replayed)
                DEAD_LETTERS.set(stats.dead_letters)
                QUEUE_OLDEST.set(stats.oldest_age_seconds)
            except Unavailable as error:
                self._reached = False
                _log.warning("queue.unavailable", detail=error.detail)
            self._stop.wait(0.5)


class _Enrolments:
    def __init__(self, store: Store, keys: KeyFiles, settings: IngestLimits) -> None:
        self._store = store
        self._ingest_key = keys.ingest_key().to_text()
        self._command_key = keys.command_verify_key().to_text()
        self._interval = settings.interval
        self._most_hosts = settings.max_hosts

    def enrol(self, enrolment: Enrolment, /) -> Enrolled:
        host = self._store.enrol(
            enrolment.secret_hash,
            description=enrolment.description,
            kid=enrolment.kid,
            public_key=enrolment.public_key,
            interval=self._interval,
            can_act=enrolment.can_act,
            most_hosts=self._most_hosts,
        )
        return Enrolled(
            host=host.id,
            tenant=host.tenant,
            ingest_key=self._ingest_key,
            command_key=self._command_key,
            interval=self._interval,
        )


def used_today(settings: Settings, queue: Queue, clock: Clock) -> list[Usage]:
    """What was accepted of this day already, where a quota needs to know; so a restart opens none again."""
    if _quotas(settings.ingest) == QuotaBounds():
        return []
    return [
        Usage(tenant=each.tenant, host=each.host, snapshots=each.snapshots, size=each.size)
        for each in queue.used(day_of(clock.now()))
    ]


def _quotas(limits: IngestLimits) -> QuotaBounds:
    return QuotaBounds(
        host_snapshots=limits.host_snapshots_per_day,
        host_bytes=limits.host_bytes_per_day,
        tenant_snapshots=limits.tenant_snapshots_per_day,
        tenant_bytes=limits.tenant_bytes_per_day,
    )


def make_door(
    settings: Settings,
    store: Store,
    appender: Appender,
    watch: QueueWatch,
    clock: Clock,
    *,
    used: Sequence[Usage] = (),
) -> Door:
    """The door of these settings. It is given public keys only. `used` is what `used_today` gives."""
    keys = KeyFiles(settings)
    return Door(
        hosts=store.hosts,
        appender=appender,
        enrolments=_Enrolments(store, keys, settings.ingest),
        commands=store.commands,
        audit=store.audit,
        load=watch,
        waits=store.waits,
        evidence=store.evidence,
        kids=keys.openable_kids(),
        clock=clock,
        ca_pem=(keys.tls / "ca.pem").read_bytes(),
        settings=IngestSettings(
            max_body_bytes=settings.ingest.max_body_bytes,
            max_evidence_bytes=settings.ingest.max_evidence_bytes,
            rate=settings.ingest.rate,
            burst=settings.ingest.burst,
            tenant_rate=settings.ingest.tenant_rate,
            tenant_burst=settings.ingest.tenant_burst,
            interval=settings.ingest.interval,
            quotas=_quotas(settings.ingest),
            verdict_wait=settings.ingest.verdict_wait,
            verdict_waiters=settings.ingest.verdict_waiters,
        ),
        used=used,
        timer=Stages(clock),
        on_append=watch.appended,
    )
