"""The durable book of what is in force on this host: leases, what is to be said of them, and how much was done lately."""

import contextlib
import fcntl
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import structlog

from vedette.agent.collect.source import Source, Unreadable
from vedette.agent.journal import Journal
from vedette.agent.journal_file import Damaged, put
from vedette.agent.lease import Lease, Moment
from vedette.core import ActionState, Clock, Command, CommandId, CommandResult, VedetteError

__all__ = ["Ledger"]

_log = structlog.get_logger()
_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
# Fields of the journal: each deed as its command and its moment, with a blank between two.
_OWN, _COLLECTS = "own_deeds", "collects"
_PATIENCE, _LOOK_AGAIN = 30.0, 0.05


class Ledger:
    """Kept in the journal's file, each change durable when its method returns.

    Whoever changes what is in force does it within `locked`: the thread that carries out commands, the one that tends
    leases, and the command of an operator at the console are kept from one another.
    """

    def __init__(self, journal: Journal, clock: Clock, source: Source, lock: Path) -> None:
        self._journal = journal
        self._clock = clock
        self._lock = lock
        self._boot = _boot(source)
        # Ended, though the journal could not be written: nothing may put them back.
        self._ended: set[CommandId] = set()

    @property
    def moment(self) -> Moment:
        """Now."""
        return Moment.of(self._clock, self._boot)

    @contextlib.contextmanager
    def locked(self, patience: float = _PATIENCE) -> Iterator[bool]:
        """Keeps others out. Gives False when somebody did not let go in time: the end of a lease must not hang on that."""
        fd = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield _take(fd, patience)
        finally:
            os.close(fd)

    def held(self, kind: str) -> Lease | None:
        """The lease of that kind that is in force or to be ended."""
        for (body,) in self._journal.rows("SELECT lease FROM leases WHERE kind = ?", kind):
            lease = msgspec.json.decode(body, type=Lease)
            if lease.command not in self._ended:
                return lease
            self._forget(lease, ())
        return None

    def left(self, lease: Lease) -> float:
        """Seconds that it may yet last."""
        return lease.left_at(self.moment)

    def until(self, lease: Lease) -> str:
        """When it ends, by the server's clock as far as this host knows it."""
        lead = timedelta(seconds=self.left(lease) + self._journal.offset)
        return (self._clock.now() + lead).isoformat()

    def until_server(self, moment: datetime) -> float:
        """Seconds until a moment by the server's clock, as far as this host knows that."""
        return (moment - self._journal.server_now()).total_seconds()

    def keep(self, lease: Lease) -> Lease:
        """Writes a lease down, in the place of the one of its kind."""
        body = msgspec.json.encode(lease)
        with self._journal.changing() as db:
            db.execute(
                "INSERT INTO leases (kind, lease) VALUES (?, ?)"
                " ON CONFLICT (kind) DO UPDATE SET lease = excluded.lease",
                (lease.kind, body),
            )
        return lease

    def closing(self, lease: Lease, command: CommandId) -> Lease:
        """Writes down that a command ends it, so that a stop of the agent in the middle ends it too.

        A journal that can't be written holds no end up.
        """
        lease = msgspec.structs.replace(lease, closing=command)
        try:
            return self.keep(lease)
        except (VedetteError, OSError, sqlite3.Error) as error:
            _log.error("leases.closing_not_written", kind=lease.kind, problem=str(error))
            return lease

    def end(self, lease: Lease, *remarks: CommandResult) -> None:
        """Takes it out of the book, with what is to be said of that.

        A journal that can't be written (a full disk) does not bring it back to life while this process runs: it is ended
        here, and tried again with each look.
        """
        self._ended.add(lease.command)
        self._forget(lease, remarks)

    def say(self, result: CommandResult) -> None:
        """Something to tell the server of a command beside the one result that ends it."""
        with self._journal.changing() as db:
            _remark(db, result)

    def remarks(self) -> list[tuple[int, CommandResult]]:
        """What is yet to be told, oldest first, by number."""
        found = self._journal.rows("SELECT number, result FROM remarks ORDER BY number")
        return [(number, msgspec.json.decode(body, type=CommandResult)) for number, body in found]

    def told(self, number: int) -> None:
        """The server is done with that remark."""
        with self._journal.changing() as db:
            db.execute("DELETE FROM remarks WHERE number = ?", (number,))

    def interrupted(self, command: CommandId) -> bool:
        """Whether the agent was stopped while it carried that command out."""
        return command in self._journal.interrupted()

    def finish(self, result: CommandResult) -> None:
        """The one result of a command."""
        self._journal.finish(result)

    def note_deed(self, command: Command) -> None:
        """Something that disturbs the host is about to be done."""
        now = self._clock.now()
        with self._journal.changing() as db:
            db.execute("DELETE FROM deeds WHERE at < ?", ((now - _HOUR).isoformat(),))
            db.execute(
                "INSERT OR REPLACE INTO deeds (command, at) VALUES (?, ?)",
                (command.id, now.isoformat()),
            )

    def deeds(self) -> int:
        """How many were begun within the last hour. A clock that was set back makes it more, never less."""
        since = (self._clock.now() - _HOUR).isoformat()
        return int(self._journal.rows("SELECT count(*) FROM deeds WHERE at >= ?", since)[0][0])

    def take_back_deed(self, command: Command) -> None:
        """It was declined before anything was done."""
        with self._journal.changing() as db:
            db.execute("DELETE FROM deeds WHERE command = ?", (command.id,))

    def note_collect(self, command: Command) -> None:
        """Evidence is about to be collected, which disturbs nothing: it is counted apart."""
        self._count_in(_COLLECTS, _HOUR, command)

    def collects(self) -> int:
        """How many were begun within the last hour. A clock that was set back makes it more, never less."""
        return self._counted(_COLLECTS, _HOUR)

    def note_own(self, command: Command) -> None:
        """The host is about to do something by its own settings. Once for a command, however often that is said."""
        self._count_in(_OWN, _DAY, command)

    def own_deeds(self) -> int:
        """How often within the last day. A clock that was set back makes it more, never less."""
        return self._counted(_OWN, _DAY)

    def _count_in(self, field: str, span: timedelta, command: Command) -> None:
        now = self._clock.now()
        kept = {name: at for name, at in self._noted(field) if at >= now - span}
        kept[command.id] = now
        with self._journal.changing() as db:
            put(db, field, " ".join(f"{name}@{at.isoformat()}" for name, at in kept.items()))

    def _counted(self, field: str, span: timedelta) -> int:
        since = self._clock.now() - span
        return sum(at >= since for _, at in self._noted(field))

    def _noted(self, field: str) -> list[tuple[str, datetime]]:
        found = self._journal.rows("SELECT value FROM fields WHERE name = ?", field)
        try:
            pairs = [one.partition("@") for one in str(found[0][0]).split()] if found else []
            return [(name, datetime.fromisoformat(at)) for name, _, at in pairs]
        except ValueError as error:
            raise Damaged(f"the journal's field {field} can't be read: {error}") from error

    def result(
        self, command: CommandId, state: ActionState, detail: str, data: dict[str, Any]
    ) -> CommandResult:
        """What is told of a command, as of now."""
        return CommandResult(
            command=command, state=state, at=self._clock.now(), detail=detail, data=data
        )

    def _forget(self, lease: Lease, remarks: tuple[CommandResult, ...]) -> None:
        try:
            with self._journal.changing() as db:
                db.execute("DELETE FROM leases WHERE kind = ?", (lease.kind,))
                for one in remarks:
                    _remark(db, one)
        except (VedetteError, OSError, sqlite3.Error) as error:
            _log.error("leases.end_not_written", kind=lease.kind, problem=str(error))
        else:
            self._ended.discard(lease.command)


def _remark(db: sqlite3.Connection, result: CommandResult) -> None:
    db.execute("INSERT INTO remarks (result) VALUES (?)", (msgspec.json.encode(result),))


def _boot(source: Source) -> str:
    """Which life of the machine this is. Where that can't be read, it is one of its own: the wall clock then bounds leases."""
    try:
        return source.read(_BOOT_ID).decode("ascii").strip()
    except (OSError, Unreadable, UnicodeDecodeError):
        return f"unread-{secrets.token_hex(8)}"


def _take(fd: int, patience: float) -> bool:
    ends = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= ends:
                _log.warning("leases.lock_not_free", seconds=patience)
                return False
            time.sleep(_LOOK_AGAIN)
        else:
            return True
