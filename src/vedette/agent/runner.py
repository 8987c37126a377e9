"""The agent's loop: look at the host at a steady pace, seal, spool, ship; obey commands beside it."""

import gc
import resource
import secrets
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import FrameType

import psutil
import structlog

from vedette.agent.actions import ACTIONS
from vedette.agent.actions.scene import Scene, ThisMachine
from vedette.agent.ceilings import Ceilings
from vedette.agent.collect.collector import Collector
from vedette.agent.collect.host import provisional_id
from vedette.agent.collect.source import Source
from vedette.agent.commands import Commander
from vedette.agent.door import Door, pinned
from vedette.agent.enrolment import Enrolment
from vedette.agent.evidence.courier import Courier
from vedette.agent.evidence.gatherer import Gatherer
from vedette.agent.health import Cost, Health
from vedette.agent.journal import Journal
from vedette.agent.journal_file import Damaged
from vedette.agent.keeper import Keeper
from vedette.agent.ledger import Ledger
from vedette.agent.obedience import Obedience
from vedette.agent.outgoing import Outgoing
from vedette.agent.pace import Pace
from vedette.agent.reflex import Reflex
from vedette.agent.route import Route
from vedette.agent.self_test import REACH_SECONDS, SelfTest
from vedette.agent.settings import AgentSettings
from vedette.agent.ship import Shipper
from vedette.agent.spool import Spool
from vedette.agent.state import EVIDENCE, JOURNAL, LEASES_LOCK, SPOOL, StateLock
from vedette.core import (
    Clock,
    ConfigError,
    HostId,
    Snapshot,
    Unavailable,
    VedetteError,
)

__all__ = ["Runner", "run", "snapshot"]

_log = structlog.get_logger()
_DRAIN_SECONDS = 5.0
_JOIN_SECONDS = 10.0


class Runner:
    """One enrolled agent at work. Holds the state folder's lock while it lives."""

    def __init__(self, settings: AgentSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._enrolment = Enrolment.load(settings.state)
        self._source = Source(settings.root)
        self._collector = Collector(self._source, clock, settings.limits)
        self._journal = Journal(settings.state / JOURNAL, clock)
        self._spool = Spool(
            settings.state / SPOOL, max_bytes=settings.spool_bytes, max_count=settings.spool_count
        )
        self._health = Health(settings.state, clock)
        self._ceilings = Ceilings(
            clock, cpu_percent=settings.cpu_percent, memory_mib=settings.memory_mib
        )
        self._chance = secrets.SystemRandom()
        self._wake = threading.Event()
        self._broken: Exception | None = None
        self._doors = (self._door(), self._door(), self._door())
        self._outgoing = Outgoing(
            self._enrolment, self._journal, self._spool, full_every=settings.full_every
        )
        scene = Scene(
            server=self._enrolment.server,
            source=self._source,
            system=ThisMachine(self._source),
            reach=SelfTest(self._test_door).reach,
            proxy=settings.proxy,
            permission=settings.permission,
        )
        ledger = Ledger(self._journal, clock, self._source, settings.state / LEASES_LOCK)
        self._keeper = Keeper(ACTIONS.values(), scene, ledger)
        self._shipper = Shipper(
            self._outgoing,
            self._doors[0],
            self._health,
            clock,
            chance=self._chance,
            backoff_cap=settings.backoff_cap,
            reflex=self._reflex(scene, ledger),
        )
        self._commander = Commander(
            self._enrolment,
            self._doors[1],
            self._journal,
            clock,
            scene,
            ACTIONS,
            ledger,
            chance=self._chance,
            wait=settings.command_wait,
            backoff_cap=settings.backoff_cap,
        )
        self._courier = self._collecting(scene, ledger)

    @property
    def interval(self) -> float:
        """Seconds between looks."""
        return self._settings.interval or self._enrolment.interval

    def run(self, stop: threading.Event) -> None:
        """Works until `stop`, then sends what it can and ends. What is under a lease comes first, and outlasts it."""
        self._keeper.begin()
        works: tuple[tuple[str, Callable[[], None]], ...] = (
            ("ship", lambda: self._shipper.run(stop, self._wake)),
            ("commands", lambda: self._commander.run(stop)),
            ("leases", lambda: self._keeper.run(stop)),
            ("evidence", lambda: self._courier.run(stop)),
        )
        threads = [
            threading.Thread(target=self._guarded, args=(work, stop), name=name, daemon=True)
            for name, work in works
        ]
        for thread in threads:
            thread.start()
        _log.info("agent.started", host=self._enrolment.host, interval=self.interval)
        try:
            self._loop(stop)
        finally:
            stop.set()
            self._wake.set()
            self._hurry()
            self._end(threads)
        if self._broken is not None:
            raise Unavailable(f"the agent had to stop: {self._broken}") from self._broken

    def look(self) -> None:
        """Takes one snapshot and puts it, sealed, into the spool. A failure is logged and counted, not raised.

        Raises:
            Damaged: the journal is; a new start sets it aside.
        """
        try:
            self._look()
        except Damaged:
            raise
        except Exception as error:  # noqa: BLE001 - what one look meets must not end all that come after it
            # Whatever is missing then shows as a gap in seq, or as silence.
            _log.exception("agent.look_failed")
            self._health.failed(f"a snapshot was lost: {_told(error)}", lost=1)

    def close(self) -> None:
        """Closes connections and the journal. `run` does it at its end."""
        for door in self._doors:
            door.close()
        self._journal.close()

    def _guarded(self, work: Callable[[], None], stop: threading.Event) -> None:
        """An agent with a dead limb must not look alive: it stops as a whole, and is started again from outside."""
        try:
            work()
        except Exception as error:  # noqa: BLE001 - any failure of a thread must end the agent
            _log.exception("agent.broken", thread=threading.current_thread().name)
            if not stop.is_set():
                self._broken = error
            stop.set()

    def _loop(self, stop: threading.Event) -> None:
        self._first_readings()
        pace = Pace(self._clock, self.interval, first=self._chance.uniform(0.0, self.interval))
        while True:
            asleep = pace.wait(stop)
            if stop.is_set():
                return
            if asleep:
                _log.info("agent.woke_up", asleep=round(asleep, 1))
                for door in self._doors:
                    door.renew()
                self._hurry()
            self.look()
            pace.looked(self._keep_to_ceilings())

    def _first_readings(self) -> None:
        """A look that only reads the counters once, so that the first snapshot has rates."""
        try:
            self._collector.snapshot(self._enrolment.host, 1, self._settings.labels)
        except Exception:  # noqa: BLE001 - as for each look
            # A host that can't be looked at now may be later; each look tells.
            _log.exception("agent.first_readings_failed")

    def _hurry(self) -> None:
        self._shipper.hurry()
        self._commander.hurry()

    def _keep_to_ceilings(self) -> float:
        """Seconds that the next look must wait. Raises Unavailable when only a new start makes the agent small again."""
        standing = self._ceilings.judge()
        if standing.text:
            _log.warning("agent.over_ceiling", problem=standing.text)
        self._health.stands(standing.cpu_percent, standing.text)
        if standing.drop_caches:
            self._collector.forget()
            gc.collect()
        self._report()
        if standing.end:
            raise Unavailable(standing.text)
        return standing.hold

    def _look(self) -> None:
        epoch, seq = self._journal.take_seq()
        taken, cost = _measured(
            self._collector, self._clock, self._enrolment.host, seq, self._settings.labels
        )
        went = self._outgoing.add(epoch, taken)
        self._health.taken(went.taken_at, went.seq, went.unread, cost)
        self._wake.set()

    def _report(self) -> None:
        try:
            self._health.write()
        except OSError:
            _log.exception("agent.health_not_written")

    def _end(self, threads: list[threading.Thread]) -> None:
        # A long poll may hold its thread for a while; it looks at nothing of ours once it returns.
        for thread, seconds in zip(threads, (_JOIN_SECONDS, 0.5, 0.5, 0.5), strict=True):
            thread.join(seconds)
        if not threads[0].is_alive():
            try:
                self._shipper.drain(_DRAIN_SECONDS)
            except (VedetteError, OSError, sqlite3.Error):
                _log.exception("agent.drain_failed")
        self._report()
        self.close()
        _log.info("agent.stopped", spooled=self._spool.depth)

    def _reflex(self, scene: Scene, ledger: Ledger) -> Reflex:
        return Reflex(
            self._enrolment,
            self._obedience(0, scene, ledger),
            self._journal,
            ledger,
            self._health,
            self._clock,
            wait=self._settings.wait_for_verdict,
            policy=self._settings.self_quarantine,
        )

    def _collecting(self, scene: Scene, ledger: Ledger) -> Courier:
        permission, limits = self._settings.permission, self._settings.limits
        tables = Collector(self._source, self._clock, limits)
        return Courier(
            self._enrolment,
            self._doors[2],
            ledger,
            self._clock,
            Gatherer(self._source, permission, self._clock, tables),
            self._settings.state / EVIDENCE,
            self._obedience(2, scene, ledger).report,
            chance=self._chance,
        )

    def _obedience(self, door: int, scene: Scene, ledger: Ledger) -> Obedience:
        return Obedience(
            self._enrolment, self._doors[door], self._journal, self._clock, scene, ACTIONS, ledger
        )

    def _test_door(self) -> Door:
        """As the agent's own, for one request of the self test."""
        return self._door(min(self._settings.request_timeout, REACH_SECONDS))

    def _door(self, timeout: float | None = None) -> Door:
        state = self._settings.state
        try:
            ca_pem = Enrolment.ca_path(state).read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{Enrolment.ca_path(state)} can't be read ({error}); enroll again with a new token"
            ) from error
        route = Route(
            self._enrolment.server,
            context=pinned(ca_pem),
            timeout=timeout or self._settings.request_timeout,
            proxy=self._settings.proxy,
        )
        return Door(
            route, key=Enrolment.signing_key(state), clock=self._clock, journal=self._journal
        )


def run(settings: AgentSettings, clock: Clock, stop: threading.Event | None = None) -> None:
    """Runs the agent until `stop`, or until SIGTERM or SIGINT where no `stop` is given (in the main thread only).

    Raises:
        ConfigError: not enrolled, or its files or its folder can't be used.
        Conflict: another agent runs with the same state folder.
        Unavailable: it had to stop.
    """
    if stop is None:
        stop = threading.Event()
        _stop_on_signals(stop)
    with ExitStack() as held:
        try:
            Enrolment.load(settings.state)
            held.enter_context(StateLock(settings.state))
            runner = Runner(settings, clock)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(
                f"{settings.state} can't be used: {error}; the agent must be able to read and write all in it "
                "(vedette agent doctor says more, dmesg tells of the disk)"
            ) from error
        runner.run(stop)


def snapshot(
    settings: AgentSettings, clock: Clock, *, settle_seconds: float = 1.0
) -> tuple[Snapshot, Cost]:
    """One snapshot of this host, without enrolment or server, and what taking it cost.

    Looks twice, `settle_seconds` apart, so that there are rates; the cost is of the second look, which is what each
    look of a running agent costs.
    """
    source = Source(settings.root)
    enrolled = Enrolment.exists(settings.state)
    host = Enrolment.load(settings.state).host if enrolled else provisional_id(source)
    collector = Collector(source, clock, settings.limits)
    collector.snapshot(host, 1, settings.labels)
    clock.sleep(settle_seconds)
    return _measured(collector, clock, host, 1, settings.labels)


def _told(error: Exception) -> str:
    """What Vedette and the system say speaks for itself; a fault of ours is named by its kind."""
    if isinstance(error, VedetteError | OSError | sqlite3.Error):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _measured(
    collector: Collector, clock: Clock, host: HostId, seq: int, labels: dict[str, str]
) -> tuple[Snapshot, Cost]:
    cpu, wall = time.thread_time(), clock.monotonic()
    taken = collector.snapshot(host, seq, labels)
    cpu = time.thread_time() - cpu + collector.cpu_seconds
    wall = clock.monotonic() - wall
    rss = psutil.Process().memory_info().rss
    cost = Cost(
        cpu_seconds=cpu,
        wall_seconds=wall,
        rss_bytes=rss,
        # In KiB, and updated by the kernel a little late.
        peak_rss_bytes=max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, rss),
    )
    return taken, cost


def _stop_on_signals(stop: threading.Event) -> None:
    def end(number: int, _frame: FrameType | None) -> None:
        _log.info("agent.stopping", signal=number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
