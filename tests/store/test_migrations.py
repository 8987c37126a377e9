"""The migrations make exactly the tables that the code speaks of, on both backends."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.types import TypeEngine
from tests.store.make import START

from vedette.core import ActionId, ConfigError, Conflict, HostId, IncidentId, ManualClock, TenantId
from vedette.store import Store
from vedette.store.database import Database
from vedette.store.migrating import _config, _known
from vedette.store.schema import METADATA


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.sqlite'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store(url, ManualClock(START))
    yield opened
    opened.close()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database(url)
    yield opened
    opened.close()


def _partial_indexes(connection: sa.Connection) -> set[str]:
    inspector = sa.inspect(connection)
    return {
        str(index["name"])
        for table in METADATA.tables
        for index in inspector.get_indexes(table)
        if any(name.endswith("_where") for name in index.get("dialect_options", {}))
    }


def _differ(
    context: MigrationContext,
    _there: sa.Column[Any],
    _meant: sa.Column[Any],
    there: TypeEngine[Any],
    meant: TypeEngine[Any],
) -> bool:
    # Stricter than Alembic's own comparison: the collation counts.
    return there.compile(context.dialect) != meant.compile(context.dialect)


def test_the_migrated_tables_are_those_of_the_schema(store: Store, database: Database) -> None:
    store.migrate()
    with database.reading() as connection:
        opts = {"compare_type": _differ, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, METADATA) == []
        # Alembic does not compare conditions of indexes, keys' names and checks.
        assert _partial_indexes(connection) == {
            "uq_verdicts_identity",
            "ix_verdicts_label",
            "ix_actions_dispatched",
            "ix_actions_wake",
            "ix_escalations_due",
            "ix_evidence_kept",
            "uq_actions_lease",
            "uq_facts_live",
            "ix_facts_gone",
            "ix_hosts_silent",
            "ix_hosts_label",
            "ix_hosts_back",
            "ix_verdicts_of",
            "ix_actions_fleet",
            "ix_incidents_loose",
            "ix_incidents_closed",
            "ix_incidents_live_fleet",
            "ix_incidents_part",
            "ix_incidents_returned",
            "ix_incidents_merged",
            "uq_tokens_name",
        }
        inspector = sa.inspect(connection)
        for table in METADATA.sorted_tables:
            key = inspector.get_pk_constraint(table.name)
            assert key["constrained_columns"] == [c.name for c in table.primary_key.columns]
            keys = {key["name"] for key in inspector.get_foreign_keys(table.name)}
            assert keys == {str(key.name) for key in table.foreign_key_constraints}
        (check,) = inspector.get_check_constraints("enrolments")
        assert check["name"] == "ck_enrolments_uses"


def test_a_store_is_ready_once_it_is_migrated(store: Store) -> None:
    assert not store.ready()
    with pytest.raises(ConfigError, match="migrate"):
        store.check()
    store.migrate()
    store.migrate()
    assert store.ready()
    store.check()


def test_the_versions_that_are_known_without_alembic_are_those_that_it_goes_through() -> None:
    walked = ScriptDirectory.from_config(_config()).walk_revisions()
    assert _known() == tuple(one.revision for one in walked)[::-1]


def test_using_a_store_without_tables_says_what_to_do(store: Store) -> None:
    with pytest.raises(ConfigError, match="migrate"):
        store.outbox.waiting()


def test_a_store_of_a_newer_version_is_left_alone(store: Store, database: Database) -> None:
    store.migrate()
    with database.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    assert not store.ready()
    for use in (store.migrate, store.check):
        with pytest.raises(ConfigError, match="9999"):
            use()


def test_a_migration_that_fails_leaves_nothing(store: Store, database: Database) -> None:
    with database.writing() as connection:
        # In the way of the last table but one.
        connection.execute(sa.text("CREATE TABLE policies (x INTEGER)"))
    with pytest.raises(ConfigError, match="of its own"):
        store.migrate()
    with database.reading() as connection:
        assert set(sa.inspect(connection).get_table_names()) == {"policies"}
    assert not store.ready()


def _migrate_to(database: Database, revision: str) -> None:
    config = _config()
    with database.writing() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)


FIRST_ROWS = (
    (
        "INSERT INTO hosts VALUES ('t', 'h', 'web-1', '{}', '{}', '{\"name\":\"\"}', 'unknown', 7, 'silent', NULL,"
        " 60, 1, NULL, NULL, NULL, 0, '[]', '{}', '[]')"
    ),
    (
        "INSERT INTO incidents VALUES ('t', 'i', 'h', 'web-1', 'open', 'A title', 'high', '[]', '[]', 1, 'v', 1,"
        " NULL, NULL, '', NULL, 1, 0.5, '', NULL)"
    ),
    (
        "INSERT INTO actions VALUES ('t', 'a', 'i', 'h', 'p', 'v1', 'mail', 'auto', FALSE, 'verified', '{}',"
        " 'opened', 0, NULL, 'done', 1, 2, 3, '', 1)"
    ),
    (
        "INSERT INTO action_events (tenant, action, at, state, actor, detail, data)"
        " VALUES ('t', 'a', 1, 'proposed', 'system:x', '', '{}')"
    ),
)


def test_a_store_of_the_first_version_keeps_what_is_in_it(store: Store, database: Database) -> None:
    _migrate_to(database, "0001")
    with database.writing() as connection:
        for statement in FIRST_ROWS:
            connection.exec_driver_sql(statement)
    with pytest.raises(ConfigError, match="older"):
        store.check()
    store.migrate()
    tenant = TenantId("t")
    action = store.actions.get(tenant, ActionId("a"))
    assert (action.incident, action.host, action.about, action.detail) == ("i", "h", None, "done")
    assert [event.state for event in store.actions.events(tenant, ActionId("a"))] == ["proposed"]
    incident = store.incidents.get(tenant, IncidentId("i"))
    assert (incident.host, incident.first_verdict, incident.kind) == ("h", "v", "host")
    assert (incident.hosts, incident.part_of) == (1, None)
    host = store.hosts.get(tenant, HostId("h"))
    assert host.silent_since == host.status_since
    assert store.door.open_seconds() == 0
    with pytest.raises(Conflict), database.writing() as connection:
        connection.exec_driver_sql("INSERT INTO states VALUES ('t', 'nobody', 'e', 1, 1, 1, '')")


def test_rows_that_refer_to_nothing_stop_the_upgrade(tmp_path: Path) -> None:
    """In SQLite; PostgreSQL lets no such row be."""
    path = tmp_path / "damaged.sqlite"
    database = Database(f"sqlite:///{path}")
    _migrate_to(database, "0001")
    database.close()
    with closing(sqlite3.connect(path)) as raw:
        raw.execute(FIRST_ROWS[2])
        raw.commit()
    store = Store(f"sqlite:///{path}", ManualClock(START))
    with pytest.raises(ConfigError, match="actions refers to none"):
        store.migrate()
    with pytest.raises(ConfigError, match="older"):
        store.check()
    store.close()
