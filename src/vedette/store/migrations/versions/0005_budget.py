"""The budget a verdict was made under, and what stands behind an alarm.

Revision: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Verdicts of before have neither: a budget of 0, nothing behind them."""
    op.add_column("verdicts", sa.Column("budget", sa.Double(), nullable=False, server_default="0"))
    op.add_column(
        "verdicts", sa.Column("confirmation", sa.Text(), nullable=False, server_default="{}")
    )


def downgrade() -> None:
    """Refused, as those before it can't be undone either."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
