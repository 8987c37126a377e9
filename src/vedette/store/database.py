"""One database, SQLite or PostgreSQL: connections, transactions, and errors in our own words."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy import event, exc
from sqlalchemy.dialects import postgresql, sqlite

from vedette.core import (
    ConfigError,
    DataFile,
    InvalidInput,
    Unavailable,
    VedetteError,
    made_private,
)
from vedette.store.faults import translated, untrusted

__all__ = ["Database"]

_log = structlog.get_logger()
Insert = sqlite.Insert | postgresql.Insert
_BUSY_SECONDS = 10.0


class Database:
    """Safe to share between threads; each process makes its own.

    On SQLite a writing transaction takes the write lock at its start, so what it reads cannot change before it writes;
    on PostgreSQL (read committed) writers lock the rows they decide on.

    A SQLite file whose disk refused a sync is not written to before its write-ahead log was folded into it anew, and so it
    is with a process's first write: pages that the kernel calls clean need not be on the disk.

    Raises:
        ConfigError: the URL is of no backend that the store knows.
    """

    def __init__(self, url: str) -> None:
        self._url = _parse(url)
        self.sqlite = self._url.get_backend_name() == "sqlite"
        # SQLite lets waiting writers poll, without order; within a process a lock makes them queue.
        self._writer = threading.Lock()
        self.engine = _sqlite(self._url) if self.sqlite else _postgresql(self._url)
        self._file = DataFile(Path(str(self._url.database))) if self.sqlite else None
        self._refused = False
        self._folded = not self.sqlite

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """One consistent look.

        Raises:
            Unavailable: the database cannot be reached or read now.
            InvalidInput: what is asked for is nothing that it could hold.
        """
        with (
            _own_errors(self._note),
            self.engine.connect() as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction: durable when the block ends, undone when it raises.

        Raises:
            Unavailable: the database cannot be reached or written now; nothing was kept.
            Conflict: a row refers to what is not there, or is there already.
            InvalidInput: a value can't be stored, now or later; nothing was kept.
        """
        with _own_errors(self._note):
            if not self.sqlite:
                with self.engine.begin() as connection:
                    yield connection
                return
            if not self._writer.acquire(timeout=_BUSY_SECONDS):
                raise Unavailable("the store is busy writing; try again", retry_after=1.0)
            try:
                self._make_sure()
                with (
                    self.engine.connect().execution_options(writes=True) as connection,
                    connection.begin(),
                ):
                    yield connection
            finally:
                self._writer.release()

    @contextmanager
    def remaking(self) -> Iterator[sa.Connection]:
        """A writing transaction in which tables may be made anew under the references to them.

        SQLite checks references row by row even against a table that is about to come back; so they are checked at the
        end.

        Raises:
            Unavailable: the database cannot be reached or written now; nothing was kept.
            ConfigError: a row refers to what is not there; nothing was kept.
        """
        if not self.sqlite:
            with self.writing() as connection:
                yield connection
            return
        with _own_errors(), self._writer, self.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            # Heard only outside of a transaction, and kept by this connection alone.
            raw.execute("PRAGMA foreign_keys=OFF")
            try:
                with connection.execution_options(writes=True).begin():
                    yield connection
                    _check_references(connection)
            finally:
                raw.execute("PRAGMA foreign_keys=ON")

    def locking(self, query: sa.Select[Any], *of: sa.Table, skip: bool = False) -> sa.Select[Any]:
        """Locks the rows that the query finds until the transaction ends, where the backend has row locks."""
        if self.sqlite:
            return query
        # No lock on keys: rows that only refer to these need not wait.
        return query.with_for_update(of=of or None, skip_locked=skip, key_share=True)

    def insert(self, table: sa.Table) -> Insert:
        """An INSERT that can say ON CONFLICT."""
        return sqlite.insert(table) if self.sqlite else postgresql.insert(table)

    def insert_new(
        self, connection: sa.Connection, table: sa.Table, values: dict[str, Any]
    ) -> bool:
        """Adds the row unless one of its keys is there already; whether it was added."""
        # Not by rowcount, which a driver need not tell for an INSERT.
        statement = self.insert(table).values(values).on_conflict_do_nothing()
        key = next(iter(table.primary_key.columns))
        return connection.execute(statement.returning(key)).first() is not None

    def look(self) -> None:
        """Whether there is room for more, without a write.

        Raises:
            Unavailable: there is none: the disk is nearly full or read-only, or the file was found damaged.
        """
        if self._file is not None:
            self._file.look()

    def close(self) -> None:
        """Ends all connections."""
        self.engine.dispose()

    def _make_sure(self) -> None:
        """That the file is believed in: nobody found it damaged, and its log is on the disk."""
        if self._file is not None:
            self._file.refuse_damaged()
        if self._folded:
            return
        with self.engine.execution_options(outside=True).connect() as connection:
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        if busy and self._refused:
            raise Unavailable(
                "the store's disk refused a sync, and its log could not be written anew yet",
                kind="io-error",
                retry_after=1.0,
            )
        self._folded, self._refused = True, False

    def _note(self, error: exc.StatementError, own: VedetteError) -> None:
        if untrusted(error):
            self._folded, self._refused = False, True
        if own.kind == "damaged-data" and self._file is not None and not self._file.mark.exists():
            marked = self._file.mark_damaged(str(error.orig))
            _log.error(
                "store.damaged", file=str(self._file.path), found=str(error.orig), marked=marked
            )


def _check_references(connection: sa.Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if broken is not None:
        raise ConfigError(
            f"the store is damaged: a row of {broken[0]} refers to none of {broken[2]}; restore a copy"
        )


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError as error:
        raise ConfigError(
            "the store's URL cannot be read; write sqlite:///path/store.sqlite or postgresql://user@host/name"
        ) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if parsed.database in {None, "", ":memory:"}:
            raise ConfigError(
                "several processes share the store, so it needs a file: sqlite:///path/store.sqlite"
            )
        return parsed.set(drivername="sqlite")
    if backend in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    raise ConfigError(f"the store runs on sqlite or postgresql, not on {backend}")


def _sqlite(url: sa.URL) -> sa.Engine:
    path = Path(str(url.database))
    engine = sa.create_engine(
        url,
        hide_parameters=True,
        connect_args={"timeout": _BUSY_SECONDS, "check_same_thread": False},
        pool_size=4,
        max_overflow=28,
    )

    @event.listens_for(engine, "do_connect")
    def _private_file(*_: Any) -> None:
        # SQLite would follow the umask; the write-ahead log takes over the rights of the file.
        if path.parent.is_dir():
            made_private(path)

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _: Any) -> None:
        # Transactions are begun below, not by the driver.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={int(_BUSY_SECONDS * 1000)}")
        _write_ahead(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        if options.get("outside", False):
            return
        writes = options.get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Turns a new file over to a write-ahead log. Others that do so at the same moment are not waited for by SQLite."""
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            if cursor.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


def _postgresql(url: sa.URL) -> sa.Engine:
    return sa.create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=4,
        max_overflow=28,
        connect_args={
            "connect_timeout": int(_BUSY_SECONDS),
            "options": f"-c synchronous_commit=on -c lock_timeout={int(_BUSY_SECONDS * 1000)}ms -c timezone=UTC",
        },
    )


@contextmanager
def _own_errors(
    note: Callable[[exc.StatementError, VedetteError], None] | None = None,
) -> Iterator[None]:
    try:
        yield
    except exc.StatementError as error:
        own = translated(error)
        if own is None:
            raise
        if note is not None:
            note(error, own)
        raise own from error
    except OverflowError as error:
        raise InvalidInput(f"a number cannot be stored: {error}") from error
    except UnicodeEncodeError as error:
        raise InvalidInput(f"a text cannot be stored: {error.reason}") from error
    except (exc.TimeoutError, OSError) as error:
        raise Unavailable(f"the store cannot be used now: {error}", retry_after=1.0) from error
