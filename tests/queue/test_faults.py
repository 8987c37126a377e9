"""What an error of the queue's database becomes: to be waited for, refused, or shown as the mistake it is."""

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import exc, text
from tests.contracts.queue_case import message

from vedette.core import InvalidInput, ManualClock, Unavailable, VedetteError, derived_id
from vedette.queue import Appended, SqlQueue
from vedette.queue.sql.faults import translated

# Incompressible, so that PostgreSQL can't squeeze it into an index.
LONG = "".join(derived_id("host", number) for number in range(400))[:6000]

POSTGRESQL: dict[str, type[VedetteError] | None] = {
    "08006": Unavailable,  # connection failure
    "40P01": Unavailable,  # deadlock
    "53100": Unavailable,  # disk full
    "53300": Unavailable,  # too many connections
    "55P03": Unavailable,  # lock not available
    "57P01": Unavailable,  # shutdown by an administrator
    "58030": Unavailable,  # I/O error
    "25006": Unavailable,  # read-only transaction
    "25P03": Unavailable,  # idle in a transaction for too long
    "XX001": Unavailable,  # data corrupted
    "42P01": Unavailable,  # the tables are gone
    "22003": InvalidInput,  # number out of range
    "22021": InvalidInput,  # character not in the repertoire
    "54000": InvalidInput,  # program limit: an index row too large
    "23502": None,  # not null
    "23505": None,  # unique
    "42601": None,  # syntax error
    "XX000": None,  # internal error
}

SQLITE: dict[int, type[VedetteError] | None] = {
    sqlite3.SQLITE_BUSY: Unavailable,
    sqlite3.SQLITE_LOCKED: Unavailable,
    sqlite3.SQLITE_FULL: Unavailable,
    sqlite3.SQLITE_IOERR_WRITE: Unavailable,
    sqlite3.SQLITE_READONLY: Unavailable,
    sqlite3.SQLITE_CANTOPEN: Unavailable,
    sqlite3.SQLITE_CORRUPT: Unavailable,
    sqlite3.SQLITE_NOTADB: Unavailable,
    sqlite3.SQLITE_TOOBIG: InvalidInput,
    sqlite3.SQLITE_MISMATCH: InvalidInput,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: None,
    sqlite3.SQLITE_ERROR: None,
}


def _wrapped(orig: Exception, *, broken: bool = False) -> exc.DBAPIError:
    return exc.OperationalError("INSERT INTO queue_lanes", {}, orig, connection_invalidated=broken)


@pytest.mark.parametrize("state", list(POSTGRESQL))
def test_each_class_of_postgresql_errors_has_its_meaning(state: str) -> None:
    own = translated(_wrapped(psycopg.errors.lookup(state)("hush")))
    assert type(own) is (POSTGRESQL[state] or type(None))
    assert own is None or "hush" not in own.detail


@pytest.mark.parametrize("code", list(SQLITE))
def test_each_code_of_sqlite_has_its_meaning(code: int) -> None:
    orig = sqlite3.OperationalError("hush")
    orig.sqlite_errorcode = code
    own = translated(_wrapped(orig))
    assert type(own) is (SQLITE[code] or type(None))
    assert own is None or "hush" not in own.detail


def test_without_a_code_only_a_broken_connection_is_waited_for() -> None:
    gone = psycopg.OperationalError("the connection is lost")
    assert isinstance(translated(_wrapped(gone, broken=True)), Unavailable)
    assert translated(_wrapped(psycopg.OperationalError("too many parameters"))) is None


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'queue.sqlite'}"
    return str(request.getfixturevalue("postgres_url"))


def test_tables_that_went_make_the_queue_unavailable_and_say_what_to_do(url: str) -> None:
    with closing(SqlQueue(url, ManualClock())) as queue:
        with queue._database.write() as connection:
            connection.execute(text("DROP TABLE queue_messages"))
        with pytest.raises(Unavailable, match="Restart"):
            queue.depth()


def test_a_mistake_in_a_statement_is_seen_as_it_is(url: str) -> None:
    with (
        closing(SqlQueue(url, ManualClock())) as queue,
        pytest.raises(exc.DBAPIError),
        queue._database.write() as connection,
    ):
        connection.execute(text("SELEC 1"))


@pytest.mark.postgres
def test_a_host_too_long_for_an_index_is_refused_and_holds_nothing_back(postgres_url: str) -> None:
    with closing(SqlQueue(postgres_url, ManualClock())) as queue:
        with pytest.raises(InvalidInput):
            queue.append([message("good"), message(LONG)])
        assert queue.depth() == 0
        assert queue.append([message("good")]) == [Appended.NEW]
