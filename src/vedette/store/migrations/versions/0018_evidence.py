"""Sealed evidence that hosts collected.

Revision: 0018
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
KEPT = sa.text("removed_at IS NULL")


def upgrade() -> None:
    """There is none yet."""
    op.create_table(
        "evidence",
        sa.Column("tenant", WORDS, nullable=False),
        sa.Column("action", WORDS, nullable=False),
        sa.Column("host", WORDS, nullable=False),
        sa.Column("command", WORDS, nullable=False),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("kid", WORDS, nullable=False),
        sa.Column("sealed_at", sa.BigInteger, nullable=False),
        sa.Column("received_at", sa.BigInteger, nullable=False),
        sa.Column("removed_at", sa.BigInteger),
        sa.Column("bundle", sa.LargeBinary),
        sa.PrimaryKeyConstraint("tenant", "action", name="pk_evidence"),
        sa.ForeignKeyConstraint(
            ["tenant", "host"], ["hosts.tenant", "hosts.id"], name="fk_evidence_hosts"
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "action"], ["actions.tenant", "actions.id"], name="fk_evidence_actions"
        ),
    )
    op.create_index("ix_evidence_time", "evidence", ["tenant", "received_at", "action"])
    op.create_index("ix_evidence_host", "evidence", ["tenant", "host", "received_at", "action"])
    op.create_index(
        "ix_evidence_kept",
        "evidence",
        ["received_at"],
        sqlite_where=KEPT,
        postgresql_where=KEPT,
    )


def downgrade() -> None:
    """Refused, as those before it can't be undone either."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
