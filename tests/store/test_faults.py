"""What an error of either database becomes: to be waited for, refused, or shown as the mistake it is."""

import sqlite3
from collections.abc import Callable

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from tests.store.make import (
    EPOCH,
    HOST,
    START,
    TENANT,
    apply,
    described,
    effect,
    enrol,
    verdict,
)

from vedette.core import (
    ConfigError,
    Conflict,
    HostId,
    InvalidInput,
    Label,
    ManualClock,
    Unavailable,
    VedetteError,
    derived_id,
)
from vedette.store import Applied, Effect, Store
from vedette.store.faults import translated

# Incompressible, so that PostgreSQL can't squeeze it into an index.
LONG = "".join(derived_id("name", number) for number in range(400))[:6000]

POSTGRESQL: dict[str, type[VedetteError] | None] = {
    "08006": Unavailable,  # connection failure
    "40001": Unavailable,  # serialization failure
    "40P01": Unavailable,  # deadlock
    "53100": Unavailable,  # disk full
    "53200": Unavailable,  # out of memory
    "53300": Unavailable,  # too many connections
    "55P03": Unavailable,  # lock not available
    "57014": Unavailable,  # query cancelled
    "57P01": Unavailable,  # shutdown by an administrator
    "57P03": Unavailable,  # cannot connect now
    "58030": Unavailable,  # I/O error
    "25006": Unavailable,  # read-only transaction
    "25P03": Unavailable,  # idle in a transaction for too long
    "XX001": Unavailable,  # data corrupted
    "22001": InvalidInput,  # too long
    "22003": InvalidInput,  # number out of range
    "22021": InvalidInput,  # character not in the repertoire
    "22P05": InvalidInput,  # untranslatable character
    "23502": InvalidInput,  # not null
    "23514": InvalidInput,  # check
    "54000": InvalidInput,  # program limit: an index row too large
    "54001": InvalidInput,  # statement too complex
    "23503": Conflict,  # foreign key
    "23505": Conflict,  # unique
    "42P01": ConfigError,  # undefined table
    "42P07": ConfigError,  # duplicate table
    "42501": ConfigError,  # insufficient privilege
    "42601": None,  # syntax error
    "25P02": None,  # in a failed transaction
    "XX000": None,  # internal error
}

SQLITE: dict[int, type[VedetteError] | None] = {
    sqlite3.SQLITE_BUSY: Unavailable,
    sqlite3.SQLITE_BUSY_SNAPSHOT: Unavailable,
    sqlite3.SQLITE_LOCKED: Unavailable,
    sqlite3.SQLITE_FULL: Unavailable,
    sqlite3.SQLITE_IOERR: Unavailable,
    sqlite3.SQLITE_IOERR_FSYNC: Unavailable,
    sqlite3.SQLITE_READONLY: Unavailable,
    sqlite3.SQLITE_READONLY_DBMOVED: Unavailable,
    sqlite3.SQLITE_CANTOPEN: Unavailable,
    sqlite3.SQLITE_CORRUPT: Unavailable,
    sqlite3.SQLITE_NOTADB: Unavailable,
    sqlite3.SQLITE_TOOBIG: InvalidInput,
    sqlite3.SQLITE_MISMATCH: InvalidInput,
    sqlite3.SQLITE_CONSTRAINT_NOTNULL: InvalidInput,
    sqlite3.SQLITE_CONSTRAINT_CHECK: InvalidInput,
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: Conflict,
    sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY: Conflict,
    sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY: Conflict,
    sqlite3.SQLITE_ERROR: None,
    sqlite3.SQLITE_MISUSE: None,
}


def _wrapped(orig: Exception, *, broken: bool = False) -> exc.DBAPIError:
    return exc.OperationalError("INSERT INTO hosts", {}, orig, connection_invalidated=broken)


@pytest.mark.parametrize("state", list(POSTGRESQL))
def test_each_class_of_postgresql_errors_has_its_meaning(state: str) -> None:
    own = translated(_wrapped(psycopg.errors.lookup(state)("what went wrong\nDETAIL: hush")))
    wanted = POSTGRESQL[state]
    assert type(own) is (wanted or type(None))
    assert own is None or ("what went wrong" in own.detail and "hush" not in own.detail)


@pytest.mark.parametrize("code", list(SQLITE))
def test_each_code_of_sqlite_has_its_meaning(code: int) -> None:
    orig = sqlite3.OperationalError("what went wrong")
    orig.sqlite_errorcode = code
    own = translated(_wrapped(orig))
    wanted = SQLITE[code]
    assert type(own) is (wanted or type(None))
    assert own is None or "what went wrong" in own.detail


def test_without_a_code_only_a_broken_connection_is_waited_for() -> None:
    gone = psycopg.OperationalError("the connection is lost")
    assert isinstance(translated(_wrapped(gone, broken=True)), Unavailable)
    assert translated(_wrapped(psycopg.OperationalError("too many parameters"))) is None


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest) -> str:
    name = "sqlite_url" if request.param == "sqlite" else "emptied_postgres_url"
    return str(request.getfixturevalue(name))


def test_a_hostname_too_long_is_refused_and_holds_nothing_else_back(store: Store) -> None:
    enrol(store)
    other = effect(1, host=HostId("other"))
    long = effect(1, Label.ABNORMAL, description=described(hostname=LONG))
    with pytest.raises(InvalidInput, match="too long"):
        apply(store, other, long)
    assert store.verdicts.find(TENANT).items == ()
    assert store.states.load(TENANT, [HOST, HostId("other")]) == {}
    assert [host.id for host in store.hosts.find(TENANT).items] == [HOST]
    assert store.outbox.waiting() == 0
    assert apply(store, other, Effect(verdict=verdict(1, Label.UNKNOWN))) == [Applied.APPLIED] * 2


def test_the_longest_hostname_that_a_snapshot_may_have_is_kept(store: Store) -> None:
    name = "".join(chr(0x1F600 + number % 64) for number in range(255))
    apply(store, effect(1, description=described(hostname=name)))
    assert store.hosts.get(TENANT, HOST).hostname == name


def test_an_enrolment_with_a_hostname_too_long_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInput, match="too long"):
        enrol(store, description=described(hostname=LONG))
    assert store.hosts.find(TENANT).items == ()


VALUES: dict[str, Callable[[Store], object]] = {
    "a number": lambda s: s.commands.results(TENANT, 2**70),  # type: ignore[arg-type]
    "a lone surrogate": lambda s: apply(s, effect(1, verdict=verdict(1, model="\ud800"))),
    "a surrogate in words": lambda s: apply(
        s, effect(1, description=described(labels={"a": "\ud800"}))
    ),
}


@pytest.mark.parametrize("value", list(VALUES))
def test_what_no_database_can_hold_is_refused(store: Store, value: str) -> None:
    with pytest.raises(InvalidInput):
        VALUES[value](store)
    assert apply(store, effect(1)) == [Applied.APPLIED]


def test_a_mistake_in_a_statement_is_seen_as_it_is(store: Store) -> None:
    with pytest.raises(exc.DBAPIError), store._database.writing() as connection:
        connection.execute(sa.text("SELEC 1"))


@pytest.mark.postgres
def test_an_index_row_over_the_limit_of_postgresql_is_refused(
    emptied_postgres_url: str, clock: ManualClock
) -> None:
    store = Store(emptied_postgres_url, clock)
    enrol(store)
    with pytest.raises(InvalidInput, match="index row size"):
        store.policies.put(TENANT, LONG, "text", "user:ada")
    with pytest.raises(InvalidInput, match="index row size"):
        apply(store, effect(1, epoch=LONG))
    assert store.verdicts.find(TENANT).items == ()
    assert apply(store, effect(1, epoch=EPOCH)) == [Applied.APPLIED]
    assert store.audit.find(TENANT, since=START).items
    store.close()
