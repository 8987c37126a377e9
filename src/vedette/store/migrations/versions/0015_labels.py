"""How many hosts have which label, counted by index.

Revision: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

TRUSTED = sa.text("revoked_at IS NULL")


def upgrade() -> None:
    """An index more; no row changes."""
    op.create_index(
        "ix_hosts_label",
        "hosts",
        ["tenant", "label"],
        sqlite_where=TRUSTED,
        postgresql_where=TRUSTED,
    )


def downgrade() -> None:
    """Refused, as those before it can't be undone either."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
