"""Whether a back-test met enough history to let its text act by itself.

Revision: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BEFORE = "it was run by an earlier version; try it again"


def upgrade() -> None:
    """Those of before let nothing act by itself: how much they met is not known. What was applied goes on as it was."""
    op.add_column("backtests", sa.Column("lacks", WORDS, nullable=False, server_default=BEFORE))


def downgrade() -> None:
    """Refused, as those before it can't be undone either."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
