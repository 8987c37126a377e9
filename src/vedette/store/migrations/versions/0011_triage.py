"""Whose an incident is, which other it was made part of, and how often people changed its make-up.

Revision: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Incidents of before are nobody's, and each one its own."""
    op.add_column(
        "incidents",
        sa.Column("assigned_to", WORDS, nullable=False, server_default=sa.text("''")),
    )
    op.add_column("incidents", sa.Column("merged_into", WORDS))
    op.add_column(
        "incidents", sa.Column("edits", sa.BigInteger, nullable=False, server_default="0")
    )
    merged = sa.text("merged_into IS NOT NULL")
    op.create_index(
        "ix_incidents_merged",
        "incidents",
        ["tenant", "merged_into"],
        sqlite_where=merged,
        postgresql_where=merged,
    )


def downgrade() -> None:
    """Refused, as those before it can't be undone either."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
