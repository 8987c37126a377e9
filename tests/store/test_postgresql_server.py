"""What is PostgreSQL's own: durability, lost connections, waiting, and rows that commit late."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from tests.store.make import HOST, START, TENANT, apply, effect, enrol
from tests.store.statements import recorded

from vedette.core import ConfigError, Label, ManualClock, Unavailable
from vedette.store import Applied, Notice, Store, database
from vedette.store.outbox import post

pytestmark = pytest.mark.postgres


@pytest.fixture
def url(emptied_postgres_url: str) -> str:
    return emptied_postgres_url


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, url: str, clock: ManualClock) -> Iterator[Store]:
    """A store that waits for locks only briefly."""
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.05)
    opened = Store(url, clock)
    yield opened
    opened.close()


def _end_connections(url: str) -> None:
    parsed = sa.make_url(url)
    with psycopg.connect(
        host=str(parsed.query["host"]),
        user=parsed.username,
        dbname=parsed.database,
        autocommit=True,
    ) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def test_a_commit_waits_for_the_disk(store: Store) -> None:
    with store._database.reading() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_plain_postgresql_urls_are_understood(url: str, clock: ManualClock) -> None:
    store = Store(url.replace("postgresql+psycopg:", "postgresql:"), clock)
    assert store.ready()
    store.close()


def test_connections_that_were_cut_while_idle_are_replaced(store: Store, url: str) -> None:
    enrol(store)
    _end_connections(url)
    assert apply(store, effect(1)) == [Applied.APPLIED]


def test_a_connection_cut_amid_a_transaction_keeps_nothing(store: Store, url: str) -> None:
    enrol(store)
    notice = Notice(kind="host.label", tenant=TENANT, subject=HOST, data={}, at=START)

    def cut() -> None:
        with store._database.writing() as connection:
            post(connection, [notice])
            _end_connections(url)

    with pytest.raises(Unavailable) as caught:
        cut()
    assert caught.value.retry_after
    assert store.outbox.waiting() == 0


def test_a_server_that_is_not_there_is_unavailable_and_no_password_is_told(
    clock: ManualClock,
) -> None:
    store = Store("postgresql://vedette:hunter2@127.0.0.1:1/vedette", clock)
    assert not store.ready()
    with pytest.raises(Unavailable) as caught:
        store.migrate()
    assert "hunter2" not in str(caught.value)


def test_a_database_that_is_not_there_is_told_apart_from_one_without_tables(
    url: str, clock: ManualClock
) -> None:
    store = Store(sa.make_url(url).set(database="nothing").render_as_string(), clock)
    with pytest.raises(Unavailable, match="does not exist"):
        store.outbox.waiting()


def test_an_empty_database_asks_to_be_migrated(postgres_url: str, clock: ManualClock) -> None:
    store = Store(postgres_url, clock)
    with pytest.raises(ConfigError, match="migrate"):
        store.outbox.waiting()
    store.close()


def test_a_row_that_another_holds_for_long_makes_the_batch_try_again(
    impatient: Store, store: Store
) -> None:
    enrol(store)
    with store._database.writing() as connection:
        connection.execute(sa.text("SELECT * FROM hosts FOR UPDATE"))
        with pytest.raises(Unavailable, match="lock"):
            apply(impatient, effect(1))
    assert apply(impatient, effect(1)) == [Applied.APPLIED]


def test_a_notice_that_commits_late_under_a_lower_number_is_not_skipped(
    store: Store, second: Store
) -> None:
    enrol(store)
    with store._database.writing() as connection:
        late = Notice(kind="host.label", tenant=TENANT, subject="late", data={}, at=START)
        post(connection, [late])
        apply(second, effect(1, Label.ABNORMAL))
        (early,) = second.outbox.take(10)
        second.outbox.done([early.id])
    (found,) = second.outbox.take(10)
    assert found.subject == "late"
    assert int(found.id) < int(early.id)


@pytest.mark.parametrize(
    "wanted",
    [
        {"oldest_first": True},
        {"assigned_to": "user:ada"},
        {"cause": "cron:x", "since": START},
        {"label": ("role", "web")},
        {"text": "web"},
    ],
)
def test_lists_of_incidents_come_from_an_index_in_its_order(
    store: Store, wanted: dict[str, Any]
) -> None:
    with recorded(store) as statements:
        store.incidents.find(TENANT, **wanted)
    ((statement, parameters),) = statements
    with store._database.reading() as connection:
        # Of an empty table all would be read whatever the indexes.
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        rows = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
        plan = "\n".join(str(row[0]) for row in rows)
    assert "on incidents" in plan
    assert "Seq Scan on incidents" not in plan
    assert "Sort" not in plan
