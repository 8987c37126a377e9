"""The table of sealed evidence: one bundle for an action, whose bytes go when their time is over."""

import sqlalchemy as sa

from vedette.store.schema.kinds import METADATA, Moment, Words
from vedette.store.schema.machines import of_host

__all__ = ["EVIDENCE"]

_KEPT = sa.text("removed_at IS NULL")
EVIDENCE = sa.Table(
    "evidence",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("action", Words, primary_key=True),
    sa.Column("host", Words, nullable=False),
    sa.Column("command", Words, nullable=False),
    sa.Column("digest", Words, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("kid", Words, nullable=False),
    sa.Column("sealed_at", Moment, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("removed_at", Moment),
    sa.Column("bundle", sa.LargeBinary),
    of_host(),
    sa.ForeignKeyConstraint(["tenant", "action"], ["actions.tenant", "actions.id"]),
    sa.Index("ix_evidence_time", "tenant", "received_at", "action"),
    sa.Index("ix_evidence_host", "tenant", "host", "received_at", "action"),
    sa.Index("ix_evidence_kept", "received_at", sqlite_where=_KEPT, postgresql_where=_KEPT),
)
