"""Since when each model judges here.

Revision: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Models of before are as old as their first verdict that is kept."""
    op.create_table(
        "models",
        sa.Column("tenant", WORDS, nullable=False),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("first_seen_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "digest", name="pk_models"),
    )
    op.execute(
        "INSERT INTO models (tenant, digest, first_seen_at)"
        " SELECT tenant, model, min(decided_at) FROM verdicts WHERE model <> '' GROUP BY tenant, model"
    )


def downgrade() -> None:
    """Refused, as those before it can't be undone either."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
