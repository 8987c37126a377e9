"""Leases: how long they last, who asked for their end, when they must be looked at; and what a command is to do.

Revision: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
LEASE = sa.text(
    "lease_seconds > 0 AND NOT dry_run"
    " AND state IN ('acknowledged', 'applied', 'dispatched', 'verified')"
)
AWAKE = sa.text("wake_at IS NOT NULL")


def upgrade() -> None:
    """Actions of before were simulated or told: none of them is a lease in force."""
    op.add_column(
        "actions", sa.Column("most_seconds", sa.Double, nullable=False, server_default="0")
    )
    op.add_column(
        "actions", sa.Column("grace_seconds", sa.Double, nullable=False, server_default="0")
    )
    op.add_column("actions", sa.Column("lease_until", sa.BigInteger))
    op.add_column(
        "actions", sa.Column("recalled_by", WORDS, nullable=False, server_default=sa.text("''"))
    )
    op.add_column(
        "actions", sa.Column("recalled_why", WORDS, nullable=False, server_default=sa.text("''"))
    )
    op.add_column("actions", sa.Column("wake_at", sa.BigInteger))
    op.create_index(
        "ix_actions_wake", "actions", ["wake_at"], sqlite_where=AWAKE, postgresql_where=AWAKE
    )
    op.create_index(
        "uq_actions_lease",
        "actions",
        ["tenant", "host", "kind"],
        unique=True,
        sqlite_where=LEASE,
        postgresql_where=LEASE,
    )
    op.add_column("commands", sa.Column("verb", WORDS, nullable=False, server_default="apply"))


def downgrade() -> None:
    """Refused, as those before it can't be undone either."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
