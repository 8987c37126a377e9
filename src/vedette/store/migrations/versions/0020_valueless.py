"""For how many verdicts a condition had no value in a back-test.

Revision: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of those of before it is not known; they go on as they were."""
    op.add_column(
        "backtests", sa.Column("valueless", sa.Text(), nullable=False, server_default="[]")
    )


def downgrade() -> None:
    """Refused, as those before it can't be undone either."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
