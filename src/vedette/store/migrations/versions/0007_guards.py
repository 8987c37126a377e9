"""What is counted of actions, who approved them, breakers and the switch.

Revision: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
DISRUPTING = sa.text("disruptive AND NOT dry_run AND dispatched_at IS NOT NULL")


def upgrade() -> None:
    """Actions of before told people or were simulated: none of them disrupted anything."""
    op.add_column(
        "actions", sa.Column("disruptive", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.add_column(
        "actions", sa.Column("cohort", WORDS, nullable=False, server_default=sa.text("''"))
    )
    op.add_column(
        "actions", sa.Column("model", WORDS, nullable=False, server_default=sa.text("''"))
    )
    op.add_column("actions", sa.Column("dispatched_at", sa.BigInteger))
    op.add_column(
        "actions", sa.Column("approvals", sa.BigInteger, nullable=False, server_default="1")
    )
    op.create_index(
        "ix_actions_dispatched",
        "actions",
        ["tenant", "dispatched_at"],
        sqlite_where=DISRUPTING,
        postgresql_where=DISRUPTING,
    )
    op.create_table(
        "breakers",
        sa.Column("tenant", WORDS, nullable=False),
        sa.Column("scope", WORDS, nullable=False),
        sa.Column("key", WORDS, nullable=False),
        sa.Column("tripped_at", sa.BigInteger, nullable=False),
        sa.Column("acted", sa.BigInteger, nullable=False),
        sa.Column("hosts", sa.BigInteger, nullable=False),
        sa.Column("most", sa.BigInteger, nullable=False),
        sa.Column("action", WORDS, nullable=False),
        sa.Column("reset_at", sa.BigInteger),
        sa.Column("reset_by", WORDS, nullable=False),
        sa.Column("reset_why", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "scope", "key", name="pk_breakers"),
    )
    op.create_table(
        "switches",
        sa.Column("tenant", WORDS, nullable=False),
        sa.Column("thrown_at", sa.BigInteger, nullable=False),
        sa.Column("thrown_by", WORDS, nullable=False),
        sa.Column("reason", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_switches"),
    )
    op.create_table(
        "approvals",
        sa.Column("tenant", WORDS, nullable=False),
        sa.Column("action", WORDS, nullable=False),
        sa.Column("actor", WORDS, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("reason", WORDS, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "action", "actor", name="pk_approvals"),
        sa.ForeignKeyConstraint(
            ["tenant", "action"],
            ["actions.tenant", "actions.id"],
            name="fk_approvals_actions",
        ),
    )


def downgrade() -> None:
    """Refused, as those before it can't be undone either."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
