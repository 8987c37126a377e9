"""Verdicts that are waited for.

Revision: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Nobody waits yet."""
    op.create_table(
        "waits",
        sa.Column("tenant", WORDS, nullable=False),
        sa.Column("host", WORDS, nullable=False),
        sa.Column("epoch", WORDS, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("digest", WORDS, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("wish", sa.Text),
        sa.Column("ruling", sa.LargeBinary),
        sa.PrimaryKeyConstraint("tenant", "host", "epoch", "seq", name="pk_waits"),
    )
    op.create_index("ix_waits_until", "waits", ["until"])


def downgrade() -> None:
    """Refused, as those before it can't be undone either."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
