"""The table of models that judged here."""

import sqlalchemy as sa

from vedette.store.schema.kinds import METADATA, Moment, Words

__all__ = ["MODELS"]

# Written with the first verdict of each model, and never changed.
MODELS = sa.Table(
    "models",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("digest", Words, primary_key=True),
    sa.Column("first_seen_at", Moment, nullable=False),
)
