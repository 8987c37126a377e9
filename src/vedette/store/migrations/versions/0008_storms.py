"""Incidents of a fleet and of the service itself, which have no host; what tells of them waits to be gathered.

Revision: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_KEPT = (
    "tenant, id, host, hostname, state, title, severity, causes, reasons, opened_at, first_verdict,"
    " last_abnormal_at, quiet_since, closed_at, closed_by, resolution, verdicts, peak_score, acknowledged_by,"
    " acknowledged_at"
)
_INDEXES = {
    "ix_incidents_time": "tenant opened_at id",
    "ix_incidents_state": "tenant state opened_at id",
    "ix_incidents_host": "tenant host opened_at id",
    "ix_incidents_id": "id",
}
_PARTIAL = {
    "ix_incidents_loose": ("opened_at", "state = 'open' AND part_of IS NULL AND kind = 'host'"),
    "ix_incidents_live_fleet": ("tenant", "kind = 'fleet' AND state <> 'closed'"),
    "ix_incidents_part": ("tenant part_of opened_at id", "part_of IS NOT NULL"),
}


def upgrade() -> None:
    """Incidents of before are of one host each, and of an unknown model."""
    if op.get_bind().dialect.name == "sqlite":
        _remake_incidents()
    else:
        op.alter_column("incidents", "host", nullable=True)
        op.alter_column("incidents", "first_verdict", nullable=True)
    op.add_column("incidents", sa.Column("kind", WORDS, nullable=False, server_default="host"))
    op.add_column(
        "incidents", sa.Column("hosts", sa.BigInteger, nullable=False, server_default="1")
    )
    op.add_column("incidents", sa.Column("part_of", WORDS))
    op.add_column(
        "incidents", sa.Column("model", WORDS, nullable=False, server_default=sa.text("''"))
    )
    for name, (columns, where) in _PARTIAL.items():
        condition = sa.text(where)
        op.create_index(
            name,
            "incidents",
            columns.split(),
            sqlite_where=condition,
            postgresql_where=condition,
        )
    op.add_column(
        "actions", sa.Column("gather_seconds", sa.Double, nullable=False, server_default="0")
    )


def _remake_incidents() -> None:
    """SQLite can't take NOT NULL off a column; what refers to the table does so by its name."""
    op.execute(
        "CREATE TABLE new_incidents ("
        "tenant TEXT NOT NULL, id TEXT NOT NULL, host TEXT, hostname TEXT NOT NULL, state TEXT NOT NULL,"
        " title TEXT NOT NULL, severity TEXT NOT NULL, causes TEXT NOT NULL, reasons TEXT NOT NULL,"
        " opened_at BIGINT NOT NULL, first_verdict TEXT, last_abnormal_at BIGINT NOT NULL, quiet_since BIGINT,"
        " closed_at BIGINT, closed_by TEXT NOT NULL, resolution TEXT, verdicts BIGINT NOT NULL,"
        " peak_score DOUBLE NOT NULL, acknowledged_by TEXT NOT NULL, acknowledged_at BIGINT,"
        " CONSTRAINT pk_incidents PRIMARY KEY (tenant, id),"
        " CONSTRAINT fk_incidents_hosts FOREIGN KEY (tenant, host) REFERENCES hosts (tenant, id))"
    )
    op.execute(f"INSERT INTO new_incidents ({_KEPT}) SELECT {_KEPT} FROM incidents")  # noqa: S608 - fixed names
    op.execute("DROP TABLE incidents")
    op.execute("ALTER TABLE new_incidents RENAME TO incidents")
    for name, columns in _INDEXES.items():
        op.create_index(name, "incidents", columns.split())


def downgrade() -> None:
    """Refused: incidents without a host have no place in the table of before."""
    raise NotImplementedError("restore a copy of the store from before the upgrade")
