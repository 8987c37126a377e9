"""How often a closed incident opened again by itself, when it last did, and which closed one a new one is like.

Revision: 0017
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
CLOSED = sa.text("state = 'closed' AND kind = 'host' AND merged_into IS NULL")
RETURNED = sa.text(
    "state = 'open' AND part_of IS NULL AND kind = 'host' AND returned_at IS NOT NULL"
)


def upgrade() -> None:
    """Incidents of before were opened once; those that were closed lately may come back."""
    for name in ("returns", "verdicts_before"):
        op.add_column(
            "incidents", sa.Column(name, sa.BigInteger, nullable=False, server_default="0")
        )
    op.add_column("incidents", sa.Column("returned_at", sa.BigInteger))
    op.add_column("incidents", sa.Column("seen_before", WORDS))
    op.create_index(
        "ix_incidents_returned",
        "incidents",
        ["returned_at"],
        sqlite_where=RETURNED,
        postgresql_where=RETURNED,
    )
    op.create_index(
        "ix_incidents_closed",
        "incidents",
        ["tenant", "host", "closed_at"],
        sqlite_where=CLOSED,
        postgresql_where=CLOSED,
    )


def downgrade() -> None:
    """Refused, as those before it can't be undone either."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
