"""Migrated stores on both backends. Tables are made once for each test process, then copied or emptied."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.fixtures.postgres import PostgresServer
from tests.store.make import START

from vedette.core import ManualClock
from vedette.store import Store
from vedette.store.schema import DOOR, METADATA


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def _migrate(url: str) -> None:
    store = Store(url, ManualClock(START))
    store.migrate()
    store.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "template.sqlite"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    path = tmp_path / "store.sqlite"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> str:
    url = postgres_server.url(postgres_server.create())
    _migrate(url)
    return url


@pytest.fixture
def emptied_postgres_url(migrated_postgres: str) -> Iterator[str]:
    yield migrated_postgres
    engine = sa.create_engine(migrated_postgres, poolclass=sa.NullPool)
    # Faster than TRUNCATE, which makes new files for tables and indexes.
    with engine.begin() as connection:
        for table in reversed(METADATA.sorted_tables):
            connection.execute(table.delete())
        # The one row that a migrated store has.
        connection.execute(DOOR.insert().values(number=1, open=0, keeper="", beats=0))


@pytest.fixture
def store(url: str, clock: ManualClock) -> Iterator[Store]:
    """`url` is given by whichever backend's tests these are."""
    opened = Store(url, clock)
    yield opened
    opened.close()


@pytest.fixture
def second(url: str, clock: ManualClock) -> Iterator[Store]:
    """The same database as another process would see it."""
    opened = Store(url, clock)
    yield opened
    opened.close()
