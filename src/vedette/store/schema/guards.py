"""Tables of what holds actions back: tripped breakers, the switch, and who approved what."""

import sqlalchemy as sa

from vedette.core import Scope
from vedette.store.schema.kinds import METADATA, Choice, Moment, Words

__all__ = ["APPROVALS", "BREAKERS", "SWITCHES"]

BREAKERS = sa.Table(
    "breakers",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("scope", Choice(Scope), primary_key=True),
    sa.Column("key", Words, primary_key=True),
    sa.Column("tripped_at", Moment, nullable=False),
    sa.Column("acted", sa.BigInteger, nullable=False),
    sa.Column("hosts", sa.BigInteger, nullable=False),
    sa.Column("most", sa.BigInteger, nullable=False),
    sa.Column("action", Words, nullable=False),
    sa.Column("reset_at", Moment),
    sa.Column("reset_by", Words, nullable=False),
    sa.Column("reset_why", Words, nullable=False),
)

# The empty tenant is all of them. A row is there while it is thrown; the audit keeps what was.
SWITCHES = sa.Table(
    "switches",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("thrown_at", Moment, nullable=False),
    sa.Column("thrown_by", Words, nullable=False),
    sa.Column("reason", Words, nullable=False),
)

APPROVALS = sa.Table(
    "approvals",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("action", Words, primary_key=True),
    sa.Column("actor", Words, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("reason", Words, nullable=False),
    sa.ForeignKeyConstraint(["tenant", "action"], ["actions.tenant", "actions.id"]),
)
