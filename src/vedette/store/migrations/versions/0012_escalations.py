"""Escalations as timers, and a second kind of text that is applied: who is on call.

Revision: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
RUNS = sa.text("state = 'running'")


def upgrade() -> None:
    """What was applied before were policies."""
    op.add_column("policies", sa.Column("document", WORDS, nullable=False, server_default="policy"))
    op.create_table(
        "escalations",
        sa.Column("tenant", WORDS, nullable=False),
        sa.Column("id", WORDS, nullable=False),
        sa.Column("incident", WORDS, nullable=False),
        sa.Column("action", WORDS, nullable=False),
        sa.Column("chain", WORDS, nullable=False),
        sa.Column("state", WORDS, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("tier", sa.BigInteger, nullable=False),
        sa.Column("told", sa.BigInteger, nullable=False),
        sa.Column("detail", WORDS, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_escalations"),
        sa.ForeignKeyConstraint(
            ["tenant", "incident"],
            ["incidents.tenant", "incidents.id"],
            name="fk_escalations_incidents",
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "action"], ["actions.tenant", "actions.id"], name="fk_escalations_actions"
        ),
    )
    op.create_index(
        "ix_escalations_incident", "escalations", ["tenant", "incident", "started_at", "id"]
    )
    op.create_index(
        "ix_escalations_due",
        "escalations",
        ["due_at"],
        sqlite_where=RUNS,
        postgresql_where=RUNS,
    )


def downgrade() -> None:
    """Refused, as those before it can't be undone either."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
