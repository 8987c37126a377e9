"""What the agent must remember through any crash: its epoch, the next seq, and which commands it has carried out."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
import structlog

from vedette.agent.journal_file import Damaged, judged, open_file, put, set_aside
from vedette.agent.server_clock import ServerClock
from vedette.core import (
    Clock,
    Command,
    CommandId,
    CommandResult,
    Epoch,
    Unavailable,
    Verb,
    new_epoch,
)

__all__ = ["Journal", "Known"]

_log = structlog.get_logger()
_KEPT_COMMANDS = 1_000
# The field of a command that is under way. No column of its own: an agent of before would take the table for damaged.
_UNDER_WAY = "under_way:"


class Known(StrEnum):
    """What the journal knows of a command: never seen, its nonce used by another, begun but not ended, ended."""

    NEW = "new"
    REUSED_NONCE = "reused_nonce"
    BEGUN = "begun"
    ENDED = "ended"


class Journal:
    """One SQLite file, each change durable when its method returns. Safe for use by several threads.

    A journal that is missing or damaged is made anew with a new epoch: the server then knows that it may have missed
    something. Commands issued before it was made may have been carried out already, so `began_at` bars them.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._db = open_file(path, clock)
        except Damaged as error:
            set_aside(path, str(error))
            self._db = open_file(path, clock)
        kept = self.rows("SELECT value FROM fields WHERE name = ?", "earliest")
        self._server = ServerClock(clock, float(kept[0][0]) if kept else 0.0)

    @property
    def epoch(self) -> Epoch:
        """The life of this journal."""
        return Epoch(self._get("epoch"))

    @property
    def began_at(self) -> datetime:
        """When it was made, by this host's clock."""
        return datetime.fromisoformat(self._get("began_at"))

    @property
    def next_seq(self) -> int:
        """The seq that the next snapshot will bear."""
        return int(self._get("next_seq"))

    @property
    def offset(self) -> float:
        """Seconds to add to this host's clock to get the server's."""
        return float(self._get("offset"))

    def set_offset(self, seconds: float) -> None:
        """Keeps the server's lead over this host's clock."""
        with self.changing() as db:
            put(db, "offset", repr(seconds))

    def server_now(self) -> datetime:
        """What the server's clock shows, for what it signed with an end."""
        return self._server.now(self.offset)

    def earliest_now(self) -> datetime:
        """The earlier of this host's own time and what the server's clock is said to show: for what ends something.

        To be late with that does no harm, and not to do it may: it is over only when it is so by both.
        """
        return self._clock.now() + timedelta(seconds=min(0.0, self.offset))

    def taken(self, created: float, at: float) -> None:
        """The server has taken a signature that bore `created` (Unix seconds), and was made `at` that boot time.

        An answer that came must not be lost for it: where it can't be written, it is known to this process alone.
        """
        if (earliest := self._server.taken(created, at)) is None:
            return
        try:
            with self.changing() as db:
                put(db, "earliest", repr(earliest))
        except (Unavailable, sqlite3.Error, OSError) as error:
            _log.warning("journal.time_not_kept", problem=str(error))

    def take_seq(self) -> tuple[Epoch, int]:
        """The next seq, never given again in this epoch: a crash after it shows as a gap, not as a repeat."""
        with self.changing() as db:
            seq = self.next_seq
            put(db, "next_seq", str(seq + 1))
            return self.epoch, seq

    def renew_epoch(self, why: str) -> Epoch:
        """Starts a new epoch. For a journal that turns out to be a copy: its seqs are used elsewhere."""
        epoch = new_epoch()
        with self.changing() as db:
            put(db, "epoch", epoch)
            put(db, "next_seq", "1")
        _log.warning("journal.new_epoch", epoch=epoch, why=why)
        return epoch

    def begin(self, command: Command) -> Known:
        """Writes down that a command is about to be carried out, if it is new. Only for NEW may it be carried out."""
        with self.changing() as db:
            row = db.execute("SELECT result FROM commands WHERE id = ?", (command.id,)).fetchone()
            if row is not None:
                return Known.BEGUN if row[0] is None else Known.ENDED
            try:
                db.execute(
                    "INSERT INTO commands (id, nonce, begun_at) VALUES (?, ?, ?)",
                    (command.id, command.nonce, self._clock.now().isoformat()),
                )
            except sqlite3.IntegrityError:
                return Known.REUSED_NONCE
            if command.verb is not Verb.APPLY:
                put(db, _UNDER_WAY + command.id, msgspec.json.encode(command).decode())
            return Known.NEW

    def finish(self, result: CommandResult) -> None:
        """Keeps the result until it is reported, and after that to answer a repeat."""
        with self.changing() as db:
            db.execute(
                "UPDATE commands SET result = ?, reported = 0 WHERE id = ?",
                (msgspec.json.encode(result), result.command),
            )
            db.execute("DELETE FROM fields WHERE name = ?", (_UNDER_WAY + result.command,))

    def result(self, command: CommandId) -> CommandResult | None:
        """What became of a command, if it has ended."""
        with self._lock:
            row = self._db.execute(
                "SELECT result FROM commands WHERE id = ?", (command,)
            ).fetchone()
        if row is None or row[0] is None:
            return None
        return msgspec.json.decode(row[0], type=CommandResult)

    def interrupted(self) -> list[CommandId]:
        """Commands that were begun and never ended: the agent was stopped in between."""
        with self._lock:
            rows = self._db.execute(
                "SELECT id FROM commands WHERE result IS NULL ORDER BY begun_at, id"
            ).fetchall()
        return [CommandId(row[0]) for row in rows]

    def under_way(self, command: CommandId) -> Command | None:
        """An interrupted command itself, where it renews or ends something. What can't be read counts as not there."""
        found = self.rows("SELECT value FROM fields WHERE name = ?", _UNDER_WAY + command)
        try:
            return msgspec.json.decode(found[0][0], type=Command) if found else None
        except (msgspec.MsgspecError, TypeError) as error:
            _log.error("journal.command_unreadable", command=command, problem=str(error))
            return None

    def unreported(self) -> list[CommandResult]:
        """Results that the server has not taken yet, oldest first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT result FROM commands WHERE reported = 0 AND result IS NOT NULL ORDER BY begun_at, id"
            ).fetchall()
        return [msgspec.json.decode(row[0], type=CommandResult) for row in rows]

    def reported(self, command: CommandId) -> None:
        """The server has the result. Old commands beyond a thousand are forgotten; by then they have expired."""
        with self.changing() as db:
            db.execute("UPDATE commands SET reported = 1 WHERE id = ?", (command,))
            db.execute(
                "DELETE FROM commands WHERE reported = 1 AND id NOT IN"
                " (SELECT id FROM commands ORDER BY begun_at DESC LIMIT ?)",
                (_KEPT_COMMANDS,),
            )

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query finds; for what is kept in the same file (`Ledger`)."""
        try:
            with self._lock:
                return self._db.execute(query, values).fetchall()
        except sqlite3.ProgrammingError as error:
            raise Unavailable("the journal is closed") from error
        except (sqlite3.Error, UnicodeError) as error:
            raise judged(error) from error

    def close(self) -> None:
        """Ends its use."""
        with self._lock:
            self._db.close()

    def _get(self, name: str) -> str:
        found = self.rows("SELECT value FROM fields WHERE name = ?", name)
        if not found:
            raise Damaged(f"the journal has no {name} any more")
        return str(found[0][0])

    @contextlib.contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """One durable transaction; for what is kept in the same file (`Ledger`)."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
            except sqlite3.ProgrammingError as error:
                raise Unavailable("the journal is closed") from error
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException as error:
                # A commit that failed for want of space may have ended the transaction already.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                if isinstance(error, sqlite3.Error | UnicodeError):
                    raise judged(error) from error
                raise
