"""The door of machines: everything its routes share."""

from collections.abc import AsyncIterator, Callable, Container, Iterable
from contextlib import asynccontextmanager, nullcontext

from litestar import Litestar

from vedette.core import Clock, Unavailable
from vedette.ingest.admission import Admission, Admitted
from vedette.ingest.awaiting import Awaiting
from vedette.ingest.body import BodyBounds, BodyReader
from vedette.ingest.commit import GroupCommit
from vedette.ingest.gate import Gate
from vedette.ingest.ports import (
    Appender,
    Audit,
    CommandBox,
    Enrolments,
    EvidenceBox,
    Hosts,
    Load,
    Timer,
    Usage,
    Waits,
)
from vedette.ingest.quota import Quotas
from vedette.ingest.rate import TokenBuckets
from vedette.ingest.settings import IngestSettings
from vedette.ingest.workers import Workers, jittered
from vedette.seal import Header

__all__ = ["Door"]


class Door:
    """Ports, bounds and what is remembered between requests. For one event loop, in one process.

    `kids` are the ids of the keys that the detector can open: public, and all that the door knows of them. `ca_pem` is the
    certificate that agents pin, or None where certificates are not ours. `timer` measures stages, `on_append` is told how
    many snapshots each append made durable. `used` is what was accepted of this day before. After `draining` is set long polls return.
    """

    def __init__(
        self,
        *,
        hosts: Hosts,
        appender: Appender,
        enrolments: Enrolments,
        commands: CommandBox,
        audit: Audit,
        load: Load,
        waits: Waits,
        evidence: EvidenceBox,
        kids: Container[str],
        clock: Clock,
        ca_pem: bytes | None = None,
        settings: IngestSettings | None = None,
        timer: Timer = nullcontext,
        on_append: Callable[[int], None] | None = None,
        used: Iterable[Usage] = (),
    ) -> None:
        self.settings = settings or IngestSettings()
        self.clock = clock
        self.enrolments = enrolments
        self.commands = commands
        self.audit = audit
        self.evidence = evidence
        self.hosts = hosts
        self.kids = kids
        self.ca_pem = ca_pem
        self.draining = False
        self._load = load
        self._admission = Admission(self.settings)
        self.quotas = Quotas(self.settings.quotas, used, clock.now())
        self.workers = Workers(self.settings.threads, retry_seconds=self.settings.retry_seconds)
        # Appends have a thread of their own, so that slow look-ups never keep what was read from the disk.
        self._appends = Workers(1, retry_seconds=self.settings.retry_seconds)
        self.awaiting = Awaiting(waits, clock, self.settings, lambda: self.draining)
        self.timer = timer
        self.gate = Gate(hosts, clock, self.workers, self.settings, timer)
        # Whoever enrols is a stranger until the store has looked at the token. So enrolments share nothing with the hosts
        # that could be used up, neither bytes nor threads, and one address can't use up what another needs.
        self.enrol_rate = TokenBuckets(
            rate=self.settings.enrol_rate, burst=self.settings.enrol_burst, limit=10_000
        )
        self.enrol_bodies = BodyReader(_enrol_bounds(self.settings))
        self.enrol_workers = Workers(
            1,
            retry_seconds=self.settings.retry_seconds,
            max_waiting=self.settings.enrol_waiting,
        )
        self.commit = GroupCommit(
            appender.append,
            self._appends,
            max_batch=self.settings.max_batch,
            max_waiting=self.settings.max_waiting,
            max_bytes=self.settings.in_flight_bytes,
            retry_seconds=self.settings.retry_seconds,
            timer=timer,
            on_append=on_append,
        )

    def check_load(self) -> None:
        """Refuses early while the queue is over its bound.

        Raises:
            Unavailable: with a Retry-After that grows with the pressure, and differs from sender to sender.
        """
        pressure = self._load.pressure()
        if pressure >= 1:
            flow = self._load.flow()
            # By Little's law, what is over the bound takes so long; where nothing is completed nobody knows how long.
            over = flow.depth * (1 - 1 / pressure)
            wait = max(
                self.settings.retry_seconds * pressure,
                over / flow.completed if flow.completed else 0.0,
            )
            wait = min(wait, self.settings.max_retry_seconds)
            raise Unavailable(
                "the server is behind with its work; keep the snapshot and send it later",
                kind="overloaded",
                retry_after=jittered(wait),
            )

    def admit(self, header: Header) -> Admitted:
        """Lets a snapshot of an authenticated host in: a live one at once, an old one in its turn.

        Raises:
            Throttled: (backlog) its turn has not come.
        """
        return self._admission.admit(
            header.tenant,
            header.host,
            lag=(self.clock.now() - header.taken_at).total_seconds(),
            now=self.clock.monotonic(),
            flow=self._load.flow(),
        )

    async def close(self) -> None:
        """Appends what waits, then ends the threads."""
        self.draining = True
        await self.awaiting.close()
        await self.commit.close()
        self._appends.close()
        self.enrol_workers.close()
        self.workers.close()

    @asynccontextmanager
    async def lifespan(self, _app: Litestar) -> AsyncIterator[None]:
        """For Litestar's `lifespan`: closes the door when the application ends."""
        try:
            yield
        finally:
            await self.close()


def _enrol_bounds(settings: IngestSettings) -> BodyBounds:
    return BodyBounds(
        in_flight_bytes=settings.enrol_in_flight_bytes,
        per_sender=settings.enrol_bodies_per_address,
        seconds=settings.enrol_seconds,
        window_seconds=settings.body_window_seconds,
        window_bytes=int(settings.body_window_seconds * settings.min_body_rate),
        retry_seconds=settings.retry_seconds,
    )
