"""The table of silences and maintenance windows."""

import sqlalchemy as sa

from vedette.core import SilenceKind, SilenceScope
from vedette.store.schema.kinds import METADATA, Choice, Json, Moment, Words

__all__ = ["SILENCES"]

_NOTHING = sa.text("''")
SILENCES = sa.Table(
    "silences",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("id", Words, primary_key=True),
    sa.Column("kind", Choice(SilenceKind), nullable=False),
    sa.Column("scope", Json(SilenceScope), nullable=False),
    sa.Column("starts_at", Moment, nullable=False),
    sa.Column("ends_at", Moment, nullable=False),
    sa.Column("owner", Words, nullable=False),
    sa.Column("reason", Words, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("incident", Words),
    sa.Column("ended_at", Moment),
    sa.Column("ended_by", Words, nullable=False, server_default=_NOTHING),
    sa.Column("ended_why", Words, nullable=False, server_default=_NOTHING),
    sa.Index("ix_silences_time", "tenant", "created_at", "id"),
    sa.Index("ix_silences_end", "tenant", "ends_at"),
)
