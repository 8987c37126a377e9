"""Tables of what hosts tell each other, and of what people said of their incidents."""

import sqlalchemy as sa

from vedette.store.schema.kinds import COUNTER, METADATA, Json, Moment, Words
from vedette.store.schema.machines import of_host

__all__ = ["SAYINGS", "TELLINGS", "VERSIONS", "VERSION_HEADS"]


# What was told and is in no version yet. A row goes in the transaction that puts it into one.
TELLINGS = sa.Table(
    "tellings",
    METADATA,
    sa.Column("number", COUNTER, primary_key=True),
    sa.Column("tenant", Words, nullable=False),
    sa.Column("cohort", Words, nullable=False),
    sa.Column("interval", sa.BigInteger, nullable=False),
    sa.Column("blob", sa.LargeBinary, nullable=False),
    sa.Index("ix_tellings_interval", "tenant", "interval", "number"),
    sqlite_autoincrement=True,
)

# What each version adds to the one before it, by cohort. Never changed.
VERSIONS = sa.Table(
    "versions",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("cohort", Words, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("blob", sa.LargeBinary, nullable=False),
)

# The last interval that is closed. Whoever closes the next holds the row.
VERSION_HEADS = sa.Table(
    "version_heads",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("closed", sa.BigInteger, nullable=False),
)

# `host` is whose incident it was, and who hears it until `until`; with `cohort` it vouches for the things to its cohort.
SAYINGS = sa.Table(
    "sayings",
    METADATA,
    sa.Column("number", COUNTER, primary_key=True),
    sa.Column("tenant", Words, nullable=False),
    sa.Column("host", Words, nullable=False),
    sa.Column("cohort", sa.Boolean, nullable=False),
    sa.Column("incident", Words, nullable=False),
    sa.Column("normal", sa.Boolean, nullable=False),
    sa.Column("subjects", Json(tuple[str, ...]), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("until", Moment, nullable=False),
    sa.Column("author", Words, nullable=False),
    sa.Column("reason", Words, nullable=False),
    of_host(),
    sa.ForeignKeyConstraint(["tenant", "incident"], ["incidents.tenant", "incidents.id"]),
    sa.Index("ix_sayings_host", "tenant", "host", "until"),
    sqlite_autoincrement=True,
)
