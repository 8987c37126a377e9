"""Silences and maintenance windows, and which of them holds an action.

Revision: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NOTHING = sa.text("''")


def upgrade() -> None:
    """Nothing was silenced before."""
    op.create_table(
        "silences",
        sa.Column("tenant", WORDS, nullable=False),
        sa.Column("id", WORDS, nullable=False),
        sa.Column("kind", WORDS, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("owner", WORDS, nullable=False),
        sa.Column("reason", WORDS, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("incident", WORDS),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("ended_by", WORDS, nullable=False, server_default=NOTHING),
        sa.Column("ended_why", WORDS, nullable=False, server_default=NOTHING),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_silences"),
    )
    op.create_index("ix_silences_time", "silences", ["tenant", "created_at", "id"])
    op.create_index("ix_silences_end", "silences", ["tenant", "ends_at"])
    op.add_column("actions", sa.Column("held_by", WORDS, nullable=False, server_default=NOTHING))


def downgrade() -> None:
    """Refused, as those before it can't be undone either."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
