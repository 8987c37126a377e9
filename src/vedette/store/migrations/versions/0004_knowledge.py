"""What hosts tell each other, and what people say of their incidents.

Revision: 0004
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
COUNTER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NUMBER, MOMENT, BLOB = sa.BigInteger(), sa.BigInteger(), sa.LargeBinary()


def upgrade() -> None:
    """Adds the tables, empty: versions begin with the first interval that closes from now on."""
    op.create_table(
        "tellings",
        sa.Column("number", COUNTER, nullable=False),
        *_columns(WORDS, "tenant cohort"),
        *_columns(NUMBER, "interval"),
        *_columns(BLOB, "blob"),
        sa.PrimaryKeyConstraint("number", name="pk_tellings"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tellings_interval", "tellings", ["tenant", "interval", "number"])
    op.create_table(
        "versions",
        *_columns(WORDS, "tenant cohort"),
        *_columns(NUMBER, "version"),
        *_columns(BLOB, "blob"),
        sa.PrimaryKeyConstraint("tenant", "cohort", "version", name="pk_versions"),
    )
    op.create_table(
        "version_heads",
        *_columns(WORDS, "tenant"),
        *_columns(NUMBER, "closed"),
        sa.PrimaryKeyConstraint("tenant", name="pk_version_heads"),
    )
    _sayings()


def _sayings() -> None:
    op.create_table(
        "sayings",
        sa.Column("number", COUNTER, nullable=False),
        *_columns(WORDS, "tenant host"),
        *_columns(WORDS, "incident"),
        *_columns(sa.Boolean(), "cohort normal"),
        *_columns(sa.Text(), "subjects"),
        *_columns(MOMENT, "at until"),
        *_columns(WORDS, "author reason"),
        sa.PrimaryKeyConstraint("number", name="pk_sayings"),
        sa.ForeignKeyConstraint(
            ["tenant", "host"], ["hosts.tenant", "hosts.id"], name="fk_sayings_hosts"
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "incident"],
            ["incidents.tenant", "incidents.id"],
            name="fk_sayings_incidents",
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sayings_host", "sayings", ["tenant", "host", "until"])


def _columns(kind: Any, names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names.split()]


def downgrade() -> None:
    """Refused, as those before it can't be undone either."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
