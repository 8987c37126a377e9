"""When a host's epoch was last found to be used by two.

Revision: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds what a conflict leaves at its host."""
    op.add_column("hosts", sa.Column("contested_epoch", WORDS))
    op.add_column("hosts", sa.Column("contested_at", sa.BigInteger()))


def downgrade() -> None:
    """Refused, as those before it can't be undone either."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
