"""Silence is measured in the time that the door was open; actions may answer it without an incident.

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.BigInteger()

_KEPT = (
    "tenant, id, incident, host, policy, policy_version, kind, mode, dry_run, state, parameters, trigger,"
    " lease_seconds, plan, detail, proposed_at, expires_at, updated_at, decided_by, attempts"
)
_INDEXES = {
    "ix_actions_host": "tenant host proposed_at id",
    "ix_actions_id": "id",
    "ix_actions_incident": "tenant incident proposed_at id",
    "ix_actions_state": "state updated_at id",
    "ix_actions_time": "tenant proposed_at id",
}


def upgrade() -> None:
    """Adds the door's clock and what hosts need of it; silent hosts stay silent."""
    _door()
    op.add_column("hosts", sa.Column("heard", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("hosts", sa.Column("silent_since", MOMENT))
    op.add_column("hosts", sa.Column("back_at", MOMENT))
    op.execute("UPDATE hosts SET silent_since = status_since WHERE status_reason = 'silent'")
    _index("ix_hosts_silent", "hosts", "tenant silent_since", "silent_since IS NOT NULL")
    _index("ix_hosts_back", "hosts", "tenant back_at", "back_at IS NOT NULL")
    _index("ix_verdicts_of", "verdicts", "tenant of", '"of" IS NOT NULL')
    if op.get_bind().dialect.name == "sqlite":
        _remake_actions()
    else:
        op.alter_column("actions", "incident", nullable=True)
        op.alter_column("actions", "host", nullable=True)
        op.add_column("actions", sa.Column("about", sa.Text()))
    _index("ix_actions_fleet", "actions", "tenant proposed_at", "host IS NULL")


def _door() -> None:
    op.create_table(
        "door",
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("open", sa.BigInteger(), nullable=False),
        sa.Column("keeper", WORDS, nullable=False),
        sa.Column("beats", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_door"),
    )
    op.execute("INSERT INTO door (number, open, keeper, beats) VALUES (1, 0, '', 0)")


def _index(name: str, table: str, columns: str, where: str | None = None) -> None:
    condition = sa.text(where) if where else None
    op.create_index(
        name, table, columns.split(), sqlite_where=condition, postgresql_where=condition
    )


def _remake_actions() -> None:
    """SQLite can't take NOT NULL off a column; what refers to the table does so by its name."""
    op.execute(
        "CREATE TABLE new_actions ("
        "tenant TEXT NOT NULL, id TEXT NOT NULL, incident TEXT, host TEXT, policy TEXT NOT NULL,"
        " policy_version TEXT NOT NULL, kind TEXT NOT NULL, mode TEXT NOT NULL, dry_run BOOLEAN NOT NULL,"
        " state TEXT NOT NULL, parameters TEXT NOT NULL, trigger TEXT NOT NULL, lease_seconds DOUBLE NOT NULL,"
        " plan TEXT, detail TEXT NOT NULL, proposed_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,"
        " updated_at BIGINT NOT NULL, decided_by TEXT NOT NULL, attempts BIGINT NOT NULL, about TEXT,"
        " CONSTRAINT pk_actions PRIMARY KEY (tenant, id),"
        " CONSTRAINT fk_actions_hosts FOREIGN KEY (tenant, host) REFERENCES hosts (tenant, id),"
        " CONSTRAINT fk_actions_incidents FOREIGN KEY (tenant, incident) REFERENCES incidents (tenant, id))"
    )
    op.execute(f"INSERT INTO new_actions ({_KEPT}) SELECT {_KEPT} FROM actions")  # noqa: S608 - fixed names
    op.execute("DROP TABLE actions")
    op.execute("ALTER TABLE new_actions RENAME TO actions")
    for name, columns in _INDEXES.items():
        _index(name, "actions", columns)


def downgrade() -> None:
    """Refused: actions without an incident have no place in the tables of before."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
