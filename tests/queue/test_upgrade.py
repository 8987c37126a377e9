"""Tables that an older Vedette made are brought up to this version in place, with all that is in them."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.contracts.queue_case import message

from vedette.core import ManualClock
from vedette.queue import Appended, Selection, SqlQueue
from vedette.queue.sql.schema import _UPGRADES, _metadata

# As version 1 made them; {n} is a counted key, {b} bytes.
FIRST = (
    "CREATE TABLE queue_schema (version INTEGER NOT NULL)",
    (
        "CREATE TABLE queue_lanes (id {n}, tenant TEXT NOT NULL, host TEXT NOT NULL, token TEXT,"
        " leased_until BIGINT DEFAULT 0 NOT NULL, held_until BIGINT DEFAULT 0 NOT NULL,"
        " outstanding INTEGER DEFAULT 0 NOT NULL, UNIQUE (tenant, host))"
    ),
    (
        "CREATE TABLE queue_messages (position {n}, lane_id BIGINT NOT NULL, epoch TEXT NOT NULL,"
        " seq BIGINT NOT NULL, digest TEXT NOT NULL, received_at BIGINT NOT NULL, attempts INTEGER NOT NULL,"
        " body {b} NOT NULL)"
    ),
    "CREATE INDEX queue_messages_by_lane ON queue_messages (lane_id, position)",
    (
        "CREATE TABLE queue_accepted (lane_id BIGINT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL,"
        " digest TEXT NOT NULL, accepted_at BIGINT NOT NULL, PRIMARY KEY (lane_id, epoch, seq))"
    ),
    "CREATE INDEX queue_accepted_by_time ON queue_accepted (accepted_at)",
    (
        "CREATE TABLE queue_dead_letters (id {n}, lane_id BIGINT NOT NULL, epoch TEXT NOT NULL,"
        " seq BIGINT NOT NULL, digest TEXT NOT NULL, received_at BIGINT NOT NULL, attempts INTEGER NOT NULL,"
        " reason TEXT NOT NULL, rejected_at BIGINT NOT NULL, body {b} NOT NULL)"
    ),
    "INSERT INTO queue_schema VALUES (1)",
    "INSERT INTO queue_lanes (tenant, host) VALUES ('t', 'a'), ('t', 'b')",
)
TYPES = {
    "sqlite": {"n": "INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT", "b": "BLOB"},
    "postgresql": {"n": "BIGSERIAL NOT NULL PRIMARY KEY", "b": "BYTEA"},
}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'queue.sqlite'}"


@pytest.fixture(params=[1, 2, 3])
def version(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def engine(url: str, version: int) -> sa.Engine:
    """A database with an older version's tables: one message waits, one is a dead letter, a host's first nine were forgotten."""
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    waits, dead = message(seq=2, body=b"waits"), message(seq=1, body=b"dead")
    with engine.begin() as connection:
        for statement in FIRST:
            connection.exec_driver_sql(statement.format(**TYPES[engine.dialect.name]))
        for one in (dead, waits):
            connection.execute(
                sa.text("INSERT INTO queue_accepted VALUES (1, 'e', :seq, :digest, :at)"),
                {"seq": one.identity.seq, "digest": one.digest, "at": _micros()},
            )
        connection.execute(
            sa.text("INSERT INTO queue_accepted VALUES (2, 'e', 10, 'known', :at)"),
            {"at": _micros()},
        )
        connection.execute(
            sa.text(
                "INSERT INTO queue_messages (lane_id, epoch, seq, digest, received_at, attempts, body)"
                " VALUES (1, 'e', 2, :digest, :at, 0, :body)"
            ),
            {"digest": waits.digest, "at": _micros(), "body": waits.body},
        )
        connection.execute(
            sa.text(
                "INSERT INTO queue_dead_letters (lane_id, epoch, seq, digest, received_at, attempts, reason,"
                " rejected_at, body) VALUES (1, 'e', 1, :digest, :at, 3, 'torn', :at, :body)"
            ),
            {"digest": dead.digest, "at": _micros(), "body": dead.body},
        )
        for former in range(1, version):
            for statement in _UPGRADES[former]:
                connection.exec_driver_sql(statement)
        connection.execute(sa.text("UPDATE queue_schema SET version = :n"), {"n": version})
    return engine


def _micros() -> int:
    since = ManualClock().now() - ManualClock().now().replace(year=1970, month=1, day=1, hour=0)
    return since // timedelta(microseconds=1)


def test_what_waits_and_what_is_dead_stays(engine: sa.Engine, url: str) -> None:
    with closing(SqlQueue(url, ManualClock())) as queue:
        assert queue.append([message(seq=1, body=b"dead")]) == [Appended.DUPLICATE]
        (letter,) = queue.dead_letters(limit=9)
        assert (letter.reason, letter.attempts, letter.replays) == ("torn", 3, 0)
        queue.replay(Selection(), limit=9)
        bodies = [(d.message.body, d.replays) for d in queue.poll(limit=9, lease_seconds=9)]
        assert bodies == [(b"waits", 0), (b"dead", 1)]
    engine.dispose()


def test_what_was_forgotten_before_is_below_what_is_known(engine: sa.Engine, url: str) -> None:
    with closing(SqlQueue(url, ManualClock())) as queue:
        late = [message("b", seq) for seq in (1, 9, 10, 11)]
        assert queue.append(late) == [Appended.CONFLICT] * 3 + [Appended.NEW]
        assert queue.append([message(seq=3)]) == [Appended.NEW]
    engine.dispose()


def test_the_upgraded_tables_are_those_of_a_new_queue(engine: sa.Engine, url: str) -> None:
    SqlQueue(url, ManualClock()).close()
    looked = sa.inspect(engine)
    for table in _metadata.sorted_tables:
        columns = {column["name"]: column["nullable"] for column in looked.get_columns(table.name)}
        assert columns == {column.name: bool(column.nullable) for column in table.columns}
        indexes = {index["name"] for index in looked.get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= indexes
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT version FROM queue_schema").all() == [(4,)]
    engine.dispose()


def test_processes_that_start_together_upgrade_once(engine: sa.Engine, url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        queues = list(pool.map(lambda _: SqlQueue(url, ManualClock()), range(4)))
    assert [queue.depth() for queue in queues] == [1] * 4
    for queue in queues:
        queue.close()
    engine.dispose()
