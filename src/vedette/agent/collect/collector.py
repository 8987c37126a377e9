"""All collectors together: one look at the host, in which no collector's failure touches another."""

import os
from collections.abc import Callable, Collection
from typing import Any, TypeVar

import structlog

from vedette.agent.collect import (
    authorized_keys,
    crontab,
    kernel_modules,
    listening_ports,
    mounts,
    osquery_info,
    process_open_sockets,
    processes,
    sudoers,
    users,
)
from vedette.agent.collect.deadline import Deadlines, Outcome
from vedette.agent.collect.deb_packages import DebPackages
from vedette.agent.collect.fitting import fitting
from vedette.agent.collect.hash import Hash
from vedette.agent.collect.host import boot_time, describe
from vedette.agent.collect.logged_in_users import LoggedInUsers
from vedette.agent.collect.metrics import Metrics, of_sockets, of_sweep
from vedette.agent.collect.sockets import Sockets
from vedette.agent.collect.source import Source, Unreadable
from vedette.agent.collect.suid_bin import SuidBin
from vedette.agent.collect.sweep import Sweep, steady_boot_time
from vedette.agent.collect.systemd_units import SystemdUnits
from vedette.agent.collect.table import Table
from vedette.core import MAX_LIVE_ROWS, Clock, HostId, Record, Row, Snapshot

__all__ = ["Collector", "Limits"]

T = TypeVar("T")
_OF_PROCESSES = frozenset({"processes", "process_open_sockets", "listening_ports"})
_log = structlog.get_logger()

# Together below what a snapshot may hold.
# Together under core.MAX_ROWS, so that no host, however large, makes a snapshot that can't be taken.
_BOUNDS = {
    "processes": MAX_LIVE_ROWS,
    "listening_ports": 10_000,
    "users": 20_000,
    "logged_in_users": 5_000,
    "authorized_keys": 10_000,
    "sudoers": 10_000,
    "crontab": 10_000,
    "systemd_units": 10_000,
    "kernel_modules": 5_000,
    "suid_bin": 10_000,
    "hash": 5_000,
    "mounts": 10_000,
    "deb_packages": 100_000,
    "osquery_info": 1,
}


class Limits(Record, frozen=True, kw_only=True):
    """How much one look may cost. Whatever a limit cuts off is named in `unread`."""

    open_sockets: int = 2_000
    cmdline_bytes: int = 4_096
    suid_fast_entries: int = 5_000
    suid_slow_entries: int = 1_000_000
    suid_slow_seconds: float = 600.0
    collect_timeout: float = 10.0


class Collector:
    """Looks at the host again and again; keeps what makes the next look cheap (hashes, parsed files, counters)."""

    def __init__(self, source: Source, clock: Clock, limits: Limits | None = None) -> None:
        self._source = source
        self._clock = clock
        self._limits = limits or Limits()
        self._metrics = Metrics(source, clock)
        self._deadlines = Deadlines(self._limits.collect_timeout)
        self._boot_time: float | None = None
        self._cpu_seconds = 0.0
        suid = SuidBin(
            source,
            clock,
            slow_seconds=self._limits.suid_slow_seconds,
            fast_entries=self._limits.suid_fast_entries,
            slow_entries=self._limits.suid_slow_entries,
        )
        packages, hashes, units = DebPackages(source), Hash(source), SystemdUnits(source)
        self._caching = (packages, hashes, units)
        self._tables: dict[str, Callable[[], Table]] = {
            "users": lambda: users.collect(source),
            "logged_in_users": LoggedInUsers(source).collect,
            "authorized_keys": lambda: authorized_keys.collect(source),
            "sudoers": lambda: sudoers.collect(source),
            "crontab": lambda: crontab.collect(source),
            "systemd_units": units.collect,
            "kernel_modules": lambda: kernel_modules.collect(source),
            "suid_bin": suid.collect,
            "hash": hashes.collect,
            "mounts": lambda: mounts.collect(source),
            "deb_packages": packages.collect,
            "osquery_info": osquery_info.collect,
        }

    @property
    def cpu_seconds(self) -> float:
        """What the threads of the last look took, without those that hang."""
        return self._cpu_seconds

    def forget(self) -> None:
        """Gives up what only makes looks cheap: hashes, parsed files."""
        for one in self._caching:
            one.forget()

    def snapshot(self, host: HostId, seq: int, labels: dict[str, str]) -> Snapshot:
        """The host's state now. `unread` names each table or metric family that is missing or not whole, and why.

        No collector has more than `collect_timeout` seconds; one that hangs is left behind and does not delay the others.

        Raises:
            OSError: not even /proc/stat can be read: there is nothing to say.
            Unreadable: not even that in time.
        """
        now = self._clock.now()
        # Metrics first: nothing that the look itself does is in them.
        done = self._deadlines.run(
            {"host": lambda: describe(self._source, host, labels)}
            | {**self._metrics.calls()}
            | {"processes": self._sweep, "process_open_sockets": lambda: Sockets(self._source)}
            | self._tables
        )
        self._cpu_seconds = done.cpu_seconds
        described = done.outcomes["host"].take()
        look = _Look(self._limits)
        self._put_processes(look, done.outcomes)
        for name in self._tables:
            look.table(name, done.outcomes[name].take)
        found = self._metrics.collect(
            {name: look.contain(name, done.outcomes[name].take) for name in self._metrics.calls()}
        )
        if "logged_in_users" in look.tables:
            look.metrics["system.users.logged_in"] = float(len(look.tables["logged_in_users"]))
        whole = Snapshot(
            schema="vedette.snapshot/1",
            host=described,
            seq=seq,
            # The wire's header has milliseconds, and both must say the same.
            taken_at=now.replace(microsecond=now.microsecond // 1000 * 1000),
            metrics=found | look.metrics,
            tables=look.tables,
            unread=look.unread,
        )
        return fitting(whole)

    @property
    def names(self) -> frozenset[str]:
        """The tables that there are."""
        return frozenset(self._tables) | _OF_PROCESSES

    def only(self, names: Collection[str]) -> tuple[dict[str, list[Row]], dict[str, str]]:
        """These tables as they are now, and what of them is missing or not whole, and why. None but these are looked at."""
        calls: dict[str, Callable[[], Any]] = {
            name: collect for name, collect in self._tables.items() if name in names
        }
        wanted = not _OF_PROCESSES.isdisjoint(names)
        if wanted:
            calls |= {
                "processes": self._sweep,
                "process_open_sockets": lambda: Sockets(self._source),
            }
        done = self._deadlines.run(calls)
        look = _Look(self._limits)
        if wanted:
            self._put_processes(look, done.outcomes)
        for name in calls.keys() & self._tables.keys():
            look.table(name, done.outcomes[name].take)
        return (
            {name: rows for name, rows in look.tables.items() if name in names},
            {name: why for name, why in look.unread.items() if name in names},
        )

    def _sweep(self) -> Sweep:
        self._boot_time = steady_boot_time(self._boot_time, boot_time(self._source))
        return Sweep(
            self._source, boot_time=self._boot_time, cmdline_limit=self._limits.cmdline_bytes
        )

    @staticmethod
    def _put_processes(look: "_Look", outcomes: dict[str, Outcome]) -> None:
        """What comes from one pass over /proc."""
        sweep: Sweep | None = look.contain("processes", outcomes["processes"].take)
        sockets: Sockets | None = look.contain(
            "process_open_sockets", outcomes["process_open_sockets"].take
        )
        if sweep is not None:
            look.table("processes", lambda: processes.collect(sweep))
            look.metrics.update(of_sweep(sweep, os.getpid()))
        if sockets is not None:
            look.metrics.update(of_sockets(sockets))
        if sweep is not None and sockets is not None:
            look.table("listening_ports", lambda: listening_ports.collect(sockets, sweep))
            look.table("process_open_sockets", lambda: process_open_sockets.collect(sockets, sweep))
            return
        reason = look.unread.get("processes") or look.unread["process_open_sockets"]
        for name in ("listening_ports", "process_open_sockets"):
            look.unread.setdefault(name, reason)


class _Look:
    """One look in the making."""

    def __init__(self, limits: Limits) -> None:
        self._bounds = {**_BOUNDS, "process_open_sockets": limits.open_sockets}
        self.tables: dict[str, list[Row]] = {}
        self.metrics: dict[str, float] = {}
        self.unread: dict[str, str] = {}

    def contain(self, name: str, collect: Callable[[], T]) -> T | None:
        """Runs a collector; its failure is written down as the reason, and goes no further."""
        try:
            return collect()
        except OSError as error:
            self.unread[name] = f"{error.strerror or error}: {error.filename or name}"
        except Unreadable as error:
            self.unread[name] = error.detail
        except Exception as error:  # noqa: BLE001 - one collector's fault must not blind the others
            _log.exception("collect.failed", table=name)
            self.unread[name] = f"the collector failed: {type(error).__name__}: {error}"
        return None

    def table(self, name: str, collect: Callable[[], Table]) -> None:
        """Adds a table, cut to its bound. One of which nothing could be read is left out."""
        found = self.contain(name, collect)
        if found is None:
            return
        rows, partly, bound = found.rows, found.partly, self._bounds[name]
        if len(rows) > bound:
            partly = "; ".join(filter(None, (f"cut: {bound} of {len(rows)} rows kept", partly)))
            rows = rows[:bound]
        if partly:
            self.unread[name] = partly
        if rows or not partly:
            self.tables[name] = rows
