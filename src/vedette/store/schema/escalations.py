"""The table of escalations: each row that runs is a timer."""

import sqlalchemy as sa

from vedette.core import EscalationState
from vedette.store.schema.kinds import METADATA, Choice, Moment, Words

__all__ = ["ESCALATIONS", "ESCALATION_RUNS"]

# Looked for every few seconds, among all that ever was.
ESCALATION_RUNS = "state = 'running'"
_RUNS = sa.text(ESCALATION_RUNS)
ESCALATIONS = sa.Table(
    "escalations",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("id", Words, primary_key=True),
    sa.Column("incident", Words, nullable=False),
    sa.Column("action", Words, nullable=False),
    sa.Column("chain", Words, nullable=False),
    sa.Column("state", Choice(EscalationState), nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("due_at", Moment),
    sa.Column("tier", sa.BigInteger, nullable=False),
    sa.Column("told", sa.BigInteger, nullable=False),
    sa.Column("detail", Words, nullable=False),
    sa.Column("ended_at", Moment),
    sa.ForeignKeyConstraint(["tenant", "incident"], ["incidents.tenant", "incidents.id"]),
    sa.ForeignKeyConstraint(["tenant", "action"], ["actions.tenant", "actions.id"]),
    sa.Index("ix_escalations_incident", "tenant", "incident", "started_at", "id"),
    sa.Index("ix_escalations_due", "due_at", sqlite_where=_RUNS, postgresql_where=_RUNS),
)
