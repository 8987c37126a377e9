"""Connections and transactions of the SQL queue, and what a failing database means to its callers."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from vedette.core import ConfigError, DataFile, Unavailable, made_private
from vedette.queue.sql.faults import translated, untrusted

__all__ = ["Database"]

_log = structlog.get_logger()

_LOCK_SECONDS: Final = 10


class Database:
    """A SQLite file or a PostgreSQL database; transactions that are durable once left without an error.

    A SQLite file whose disk refused a sync is not written to before its write-ahead log was folded into it anew: the
    kernel may hold pages that it calls clean and that are on no disk, and a log that goes on behind them would end there
    after a power cut. So it is with the first write of a process, too, since that may have recovered such a log.
    (PostgreSQL ends itself at a failed sync, and recovers from what is on the disk.)
    """

    def __init__(self, url: str) -> None:
        """Connects nothing yet.

        Raises:
            ConfigError: the URL is not one of a SQLite file or a PostgreSQL database.
        """
        parsed = _parse(url)
        self.is_postgresql: Final = parsed.get_backend_name() == "postgresql"
        self._file: DataFile | None = None
        self._refused = False
        self._folded = self.is_postgresql
        if self.is_postgresql:
            self._engine = _postgresql(parsed)
            self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        else:
            self._engine = _sqlite(parsed)
            self._reading = self._engine.execution_options(reads_only=True)
            self._file = None if parsed.query else DataFile(Path(str(parsed.database)))
        # SQLite lets one connection write; waiting here is fair and wakes at once, its own waiting polls.
        self._turn = nullcontext() if self.is_postgresql else threading.Lock()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write: committed and synced at the end, rolled back on any exception.

        Raises:
            Unavailable: the database can't be reached, is full, read-only, broken or locked for too long.
            InvalidInput: a value can't be stored, now or later.
        """
        with self._translated(), self._turn:
            if self._file is not None:
                self._file.refuse_damaged()
            if not self._folded:
                self._fold_log()
            with self._engine.begin() as connection:
                yield connection

    def look(self) -> None:
        """Whether there is room for more, without a write.

        Raises:
            Unavailable: there is none: the disk is nearly full or read-only, or the file was found damaged.
        """
        if self._file is not None:
            self._file.look()

    def _fold_log(self) -> None:
        """Writes all of SQLite's log into its database, syncs that, and begins the log anew.

        Readers that stay can keep it from that. Then other processes have the file open, and nothing was recovered; but
        after a refused sync it must be done.
        """
        with self._engine.execution_options(outside=True).connect() as connection:
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        if busy and self._refused:
            raise Unavailable(
                "The queue's disk refused a sync, and its log could not be written anew yet.",
                kind="io-error",
                retry_after=1.0,
            )
        self._folded, self._refused = True, False

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Statements that see what is committed, without a lock.

        Raises:
            Unavailable: the database can't be reached or is broken.
        """
        with self._translated(), self._reading.connect() as connection:
            yield connection

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def _mark(self, found: str) -> None:
        if self._file is None or self._file.mark.exists():
            return
        marked = self._file.mark_damaged(found)
        _log.error("queue.damaged", file=str(self._file.path), found=found, marked=marked)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            own = translated(error)
            if own is None:
                raise
            # Only the driver's own words: SQLAlchemy's carry the statement.
            words = str(error.orig)
            _log.warning("queue.database_failed", error=words, kind=own.kind)
            if untrusted(error):
                self._folded, self._refused = False, True
            if own.kind == "damaged-data":
                self._mark(words)
            raise own from error
        except Unavailable as error:
            if error.kind == "damaged-data":
                self._mark(error.detail)
            raise
        except PoolTimeoutError as error:
            _log.warning("queue.no_connection_free", error=str(error))
            raise Unavailable(
                "The queue is too busy now; try again later.", retry_after=1.0
            ) from error


def _parse(url: str) -> URL:
    forms = "sqlite:////directory/queue.sqlite or postgresql://user@host/database"
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigError(f"The queue's URL can't be read; it must look like {forms}") from error
    if parsed.get_backend_name() == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() != "sqlite":
        raise ConfigError(
            f"No queue on {parsed.get_backend_name()}; its URL must look like {forms}"
        )
    if not parsed.database or ":memory:" in parsed.database or "mode=memory" in url:
        raise ConfigError(f"The queue must outlive the process: name a file, like {forms}")
    return parsed


def _postgresql(url: URL) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_timeout=_LOCK_SECONDS,
        connect_args={"connect_timeout": _LOCK_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = on")
            cursor.execute(f"SET lock_timeout = '{_LOCK_SECONDS}s'")
            # A frozen process must not keep its locks: what it began is rolled back.
            cursor.execute("SET idle_in_transaction_session_timeout = '60s'")
        connection.commit()

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turns a new file over to a write-ahead log. Others that do so at the same moment are not waited for by SQLite."""
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _sqlite(url: URL) -> Engine:
    if sqlite3.sqlite_version_info < (3, 38):
        raise ConfigError(f"The queue needs SQLite 3.38 or newer, this is {sqlite3.sqlite_version}")
    if not url.query:
        _create_file(Path(str(url.database)))
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_timeout=_LOCK_SECONDS,
        connect_args={"timeout": _LOCK_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # the driver would begin transactions of its own
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA journal_size_limit = 67108864")
        # Bodies are sealed; to overwrite the pages of those deleted would need as much room again in the log.
        connection.execute("PRAGMA secure_delete = FAST")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later can fail half-way; this one has its lock from the start.
        options = connection.get_execution_options()
        if options.get("outside", False):
            return
        reads = options.get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _create_file(path: Path) -> None:
    """Makes the file closed to other users."""
    words = "Its directory must exist and be writable."
    try:
        made_private(path)
    except OSError as error:
        raise ConfigError(
            f"The queue's file {path} can't be opened: {error.strerror}. {words}"
        ) from error
    if not path.is_file() or not os.access(path, os.R_OK | os.W_OK):
        raise ConfigError(f"The queue's file {path} can't be opened, or is no file. {words}")
