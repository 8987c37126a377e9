"""The table of verdicts that are waited for: written by the door, answered by the responder, gone soon after."""

import sqlalchemy as sa

from vedette.core import Wish
from vedette.store.schema.kinds import METADATA, Json, Moment, Words

__all__ = ["WAITS"]

WAITS = sa.Table(
    "waits",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("host", Words, primary_key=True),
    sa.Column("epoch", Words, primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("digest", Words, nullable=False),
    sa.Column("until", Moment, nullable=False),
    sa.Column("wish", Json(Wish)),
    sa.Column("ruling", sa.LargeBinary),
    sa.Index("ix_waits_until", "until"),
)
