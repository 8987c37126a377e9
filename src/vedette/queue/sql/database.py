"""Connections and transactions of the SQL queue, and what a failing database means to its callers."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from vedette.core import ConfigError, Unavailable
from vedette.queue.sql.faults import translated

__all__ = ["Database"]

_log = structlog.get_logger()

_LOCK_SECONDS: Final = 10


class Database:
    """A SQLite file or a PostgreSQL database; transactions that are durable once left without an error."""

    def __init__(self, url: str) -> None:
        """Connects nothing yet.

        Raises:
            ConfigError: the URL is not one of a SQLite file or a PostgreSQL database.
        """
        parsed = _parse(url)
        self.is_postgresql: Final = parsed.get_backend_name() == "postgresql"
        if self.is_postgresql:
            self._engine = _postgresql(parsed)
            self._reading = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        else:
            self._engine = _sqlite(parsed)
            self._reading = self._engine.execution_options(reads_only=True)
        # SQLite lets one connection write; waiting here is fair and wakes at once, its own waiting polls.
        self._turn = nullcontext() if self.is_postgresql else threading.Lock()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write: committed and synced at the end, rolled back on any exception.

        Raises:
            Unavailable: the database can't be reached, is full, read-only, broken or locked for too long.
            InvalidInput: a value can't be stored, now or later.
        """
        with _translated(), self._turn, self._engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Statements that see what is committed, without a lock.

        Raises:
            Unavailable: the database can't be reached or is broken.
        """
        with _translated(), self._reading.connect() as connection:
            yield connection

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        own = translated(error)
        if own is None:
            raise
        # Only the driver's own words: SQLAlchemy's carry the statement.
        _log.warning("queue.database_failed", error=str(error.orig), kind=type(error.orig).__name__)
        raise own from error
    except PoolTimeoutError as error:
        _log.warning("queue.no_connection_free", error=str(error))
        raise Unavailable("The queue is too busy now; try again later.", retry_after=1.0) from error


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


def _sqlite(url: URL) -> Engine:
    if sqlite3.sqlite_version_info < (3, 35):
        raise ConfigError(f"The queue needs SQLite 3.35 or newer, this is {sqlite3.sqlite_version}")
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
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA journal_size_limit = 67108864")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later can fail half-way; this one has its lock from the start.
        reads = connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def _create_file(path: Path) -> None:
    """Makes the file closed to other users; SQLite gives its side files the same mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ConfigError(
            f"The queue's file {path} can't be opened: {error.strerror}. Its directory must exist and be writable."
        ) from error
