"""The queue's own tables, and the row that says which version of them a database has.

Nothing reads by a cursor: a message waits because its row is there, so one whose transaction commits late is never
skipped. Times are integers, microseconds since 1970 in UTC.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    event,
    func,
    insert,
    inspect,
    select,
    update,
)

from vedette.core import ConfigError
from vedette.queue.sql.database import Database

__all__ = [
    "accepted",
    "dead_letters",
    "ensure_schema",
    "forgotten",
    "lanes",
    "messages",
    "version_table",
]

_VERSION: Final = 4
_CREATION_LOCK: Final = 0x76_65_64_71

_metadata = MetaData()
_Serial = BigInteger().with_variant(Integer, "sqlite")

version_table = Table("queue_schema", _metadata, Column("version", Integer, nullable=False))

lanes = Table(
    "queue_lanes",
    _metadata,
    Column("id", _Serial, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("token", Text),
    Column("leased_until", BigInteger, nullable=False, server_default="0"),
    Column("held_until", BigInteger, nullable=False, server_default="0"),
    Column("outstanding", Integer, nullable=False, server_default="0"),
    UniqueConstraint("tenant", "host"),
    # Leases change often and touch no index: room in the page lets PostgreSQL update in place.
    postgresql_with={"fillfactor": 60},
)

# No foreign key to lanes: checking it would make every append wait for whoever holds the lane's row.
messages = Table(
    "queue_messages",
    _metadata,
    Column("position", _Serial, primary_key=True),
    Column("lane_id", BigInteger, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    # Of a replayed message: the dead letter it was and will be again, and what had been tried by then.
    Column("dead_letter", BigInteger),
    Column("replays", Integer, nullable=False, server_default="0"),
    Column("tried", Integer, nullable=False, server_default="0"),
    # 1 for what live snapshots go before. In the index, so that a poll reads no row to know it.
    Column("behind", Integer, nullable=False, server_default="0"),
    Column("body", LargeBinary, nullable=False),
    Index("queue_messages_by_lane", "lane_id", "position", "behind"),
    # A position that was used again would let a late second commit remove another message.
    sqlite_autoincrement=True,
    # Rows live for seconds: vacuum by the thousand, or dead index entries slow every poll down.
    postgresql_with={"autovacuum_vacuum_scale_factor": 0.02, "autovacuum_vacuum_threshold": 1000},
)


@event.listens_for(messages, "after_create")
def _store_bodies_as_they_are(_table: Table, connection: Connection, **_: Any) -> None:
    # Sealed bodies don't compress; PostgreSQL's trying costs more than the rest of the insert.
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(
            "ALTER TABLE queue_messages ALTER COLUMN body SET STORAGE EXTERNAL"
        )


accepted = Table(
    "queue_accepted",
    _metadata,
    Column("lane_id", BigInteger, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("accepted_at", BigInteger, nullable=False),
    # Of the body, in bytes: what quotas count.
    Column("size", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("lane_id", "epoch", "seq"),
    Index("queue_accepted_by_time", "accepted_at"),
    sqlite_with_rowid=False,
)

# Of each epoch, the highest seq whose identity is no longer in `accepted`, and its digest: one that is not known was
# forgotten before there were marks. They stay for good: one an epoch, where the store keeps a verdict for each snapshot.
forgotten = Table(
    "queue_forgotten",
    _metadata,
    Column("lane_id", BigInteger, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("digest", Text),
    PrimaryKeyConstraint("lane_id", "epoch"),
    sqlite_with_rowid=False,
)

dead_letters = Table(
    "queue_dead_letters",
    _metadata,
    Column("id", _Serial, primary_key=True),
    Column("lane_id", BigInteger, nullable=False),
    Column("epoch", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("digest", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("rejected_at", BigInteger, nullable=False),
    Column("replays", Integer, nullable=False, server_default="0"),
    Column("body", LargeBinary, nullable=False),
    Index("queue_dead_letters_by_lane", "lane_id", "id"),
    Index("queue_dead_letters_by_time", "rejected_at"),
    sqlite_autoincrement=True,
)

# What each version added to the tables of the one before it, in SQL that both backends read.
_UPGRADES: Final = {
    1: (
        "ALTER TABLE queue_messages ADD COLUMN dead_letter BIGINT",
        "ALTER TABLE queue_messages ADD COLUMN replays INTEGER DEFAULT 0 NOT NULL",
        "ALTER TABLE queue_messages ADD COLUMN tried INTEGER DEFAULT 0 NOT NULL",
        "ALTER TABLE queue_dead_letters ADD COLUMN replays INTEGER DEFAULT 0 NOT NULL",
        "CREATE INDEX queue_dead_letters_by_lane ON queue_dead_letters (lane_id, id)",
        "CREATE INDEX queue_dead_letters_by_time ON queue_dead_letters (rejected_at)",
    ),
    2: (
        "ALTER TABLE queue_messages ADD COLUMN behind INTEGER DEFAULT 0 NOT NULL",
        "ALTER TABLE queue_accepted ADD COLUMN size BIGINT DEFAULT 0 NOT NULL",
        "DROP INDEX queue_messages_by_lane",
        "CREATE INDEX queue_messages_by_lane ON queue_messages (lane_id, position, behind)",
    ),
    3: (
        (
            "CREATE TABLE queue_forgotten (lane_id BIGINT NOT NULL, epoch TEXT NOT NULL, seq BIGINT NOT NULL,"
            " digest TEXT, PRIMARY KEY (lane_id, epoch))"
        ),
        # Agents send in order, so what is below the first that is known was forgotten.
        (
            "INSERT INTO queue_forgotten (lane_id, epoch, seq) SELECT lane_id, epoch, min(seq) - 1"
            " FROM queue_accepted GROUP BY lane_id, epoch HAVING min(seq) > 1"
        ),
    ),
}


def ensure_schema(database: Database) -> None:
    """Makes the tables where there are none, and brings older ones up to this version with all that is in them.

    Processes that start together do it once.

    Raises:
        ConfigError: the tables are of a version that this Vedette doesn't know.
    """
    with database.read() as connection:
        if _found(connection) == _VERSION:
            return
    with database.write() as connection:
        if database.is_postgresql:
            connection.execute(select(func.pg_advisory_xact_lock(_CREATION_LOCK)))
        found = _found(connection)
        if found is None:
            _metadata.create_all(connection)
            connection.execute(insert(version_table).values(version=_VERSION))
        else:
            _upgrade(connection, found)


def _upgrade(connection: Connection, found: int) -> None:
    for version in range(found, _VERSION):
        for statement in _UPGRADES[version]:
            connection.exec_driver_sql(statement)
    connection.execute(update(version_table).values(version=_VERSION))


def _found(connection: Connection) -> int | None:
    """The version of the tables that are there; None when there are none."""
    if not inspect(connection).has_table(version_table.name):
        return None
    version = connection.execute(select(version_table.c.version)).scalar_one()
    if not 1 <= version <= _VERSION:
        raise ConfigError(
            f"The queue's tables are of version {version}, and this Vedette knows versions 1 to {_VERSION}. "
            "Run the newer Vedette that made them, or give the queue another database."
        )
    return int(version)
