"""The first tables.

Revision: 0001
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Text in byte order on every backend; times are microseconds since 1970 in UTC.
WORDS = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
JSON = sa.Text()
MOMENT = sa.BigInteger()
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _columns(kind: Any, names: str) -> Iterator[sa.Column[Any]]:
    return (sa.Column(name, kind, nullable=False) for name in names.split())


def _may_be(kind: Any, names: str) -> Iterator[sa.Column[Any]]:
    return (sa.Column(name, kind) for name in names.split())


def _refers(table: str, columns: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        columns.split(), [f"{to}.tenant", f"{to}.id"], name=f"fk_{table}_{to}"
    )


def _index(
    name: str, table: str, columns: str, *, unique: bool = False, where: str | None = None
) -> None:
    condition = sa.text(where) if where else None
    op.create_index(
        name,
        table,
        columns.split(),
        unique=unique,
        sqlite_where=condition,
        postgresql_where=condition,
    )


def _hosts() -> None:
    op.create_table(
        "hosts",
        *_columns(WORDS, "tenant id hostname"),
        *_columns(JSON, "labels pinned_labels os"),
        *_columns(WORDS, "status"),
        *_columns(MOMENT, "status_since"),
        *_columns(WORDS, "status_reason"),
        *_may_be(WORDS, "label"),
        *_columns(sa.Double(), "interval"),
        *_columns(MOMENT, "enrolled_at"),
        *_may_be(MOMENT, "revoked_at last_seen_at last_taken_at"),
        *_columns(sa.BigInteger(), "last_seq"),
        *_columns(JSON, "can_act read_at needed"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_hosts"),
    )
    _index("ix_hosts_name", "hosts", "tenant hostname id")
    _index("ix_hosts_status", "hosts", "tenant status hostname id")


def _host_keys() -> None:
    op.create_table(
        "host_keys",
        *_columns(WORDS, "kid tenant host public_key"),
        *_columns(MOMENT, "added_at"),
        *_may_be(MOMENT, "revoked_at"),
        sa.PrimaryKeyConstraint("kid", name="pk_host_keys"),
        _refers("host_keys", "tenant host", "hosts"),
    )
    _index("ix_host_keys_host", "host_keys", "tenant host")


def _states() -> None:
    op.create_table(
        "states",
        *_columns(WORDS, "tenant host epoch"),
        *_columns(sa.BigInteger(), "last_seq version"),
        *_columns(MOMENT, "last_taken_at"),
        *_columns(sa.LargeBinary(), "blob"),
        sa.PrimaryKeyConstraint("tenant", "host", name="pk_states"),
        _refers("states", "tenant host", "hosts"),
    )


def _verdicts() -> None:
    op.create_table(
        "verdicts",
        *_columns(WORDS, "tenant id host epoch"),
        *_columns(sa.BigInteger(), "seq"),
        *_columns(MOMENT, "taken_at decided_at"),
        *_columns(WORDS, "label"),
        *_columns(sa.Double(), "score"),
        *_columns(WORDS, "severity"),
        *_columns(JSON, "reasons experts"),
        *_columns(WORDS, "model"),
        *_columns(sa.BigInteger(), "knowledge"),
        *_columns(WORDS, "input_digest"),
        *_columns(sa.Boolean(), "late"),
        *_may_be(WORDS, "of"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_verdicts"),
        _refers("verdicts", "tenant host", "hosts"),
    )
    _index("ix_verdicts_host", "verdicts", "tenant host taken_at id")
    _index("ix_verdicts_label", "verdicts", "tenant label taken_at id", where="label <> 'normal'")
    _index("ix_verdicts_time", "verdicts", "tenant taken_at id")
    _index(
        "uq_verdicts_identity",
        "verdicts",
        "tenant host epoch seq",
        unique=True,
        where='"of" IS NULL',
    )


def _facts() -> None:
    op.create_table(
        "facts",
        *_columns(WORDS, "tenant host table_name id"),
        *_columns(MOMENT, "first_seen"),
        *_columns(JSON, "row"),
        *_may_be(MOMENT, "last_seen gone_at"),
        sa.PrimaryKeyConstraint(
            "tenant", "host", "table_name", "id", "first_seen", name="pk_facts"
        ),
        _refers("facts", "tenant host", "hosts"),
    )
    _index("ix_facts_first_seen", "facts", "tenant host first_seen table_name id")
    _index("ix_facts_gone", "facts", "tenant host gone_at", where="gone_at IS NOT NULL")
    _index(
        "uq_facts_live", "facts", "tenant host table_name id", unique=True, where="gone_at IS NULL"
    )


def _incidents() -> None:
    op.create_table(
        "incidents",
        *_columns(WORDS, "tenant id host hostname state title severity"),
        *_columns(JSON, "causes reasons"),
        *_columns(MOMENT, "opened_at"),
        *_columns(WORDS, "first_verdict"),
        *_columns(MOMENT, "last_abnormal_at"),
        *_may_be(MOMENT, "quiet_since closed_at"),
        *_columns(WORDS, "closed_by"),
        *_may_be(WORDS, "resolution"),
        *_columns(sa.BigInteger(), "verdicts"),
        *_columns(sa.Double(), "peak_score"),
        *_columns(WORDS, "acknowledged_by"),
        *_may_be(MOMENT, "acknowledged_at"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_incidents"),
        _refers("incidents", "tenant host", "hosts"),
    )
    _index("ix_incidents_host", "incidents", "tenant host opened_at id")
    _index("ix_incidents_id", "incidents", "id")
    _index("ix_incidents_state", "incidents", "tenant state opened_at id")
    _index("ix_incidents_time", "incidents", "tenant opened_at id")


def _incident_events() -> None:
    op.create_table(
        "incident_events",
        *_columns(COUNTER, "number"),
        *_columns(WORDS, "tenant incident"),
        *_columns(MOMENT, "at"),
        *_columns(WORDS, "kind actor text"),
        *_may_be(WORDS, "verdict"),
        sa.PrimaryKeyConstraint("number", name="pk_incident_events"),
        _refers("incident_events", "tenant incident", "incidents"),
        sqlite_autoincrement=True,
    )
    _index("ix_incident_events_incident", "incident_events", "tenant incident number")


def _actions() -> None:
    op.create_table(
        "actions",
        *_columns(WORDS, "tenant id incident host policy policy_version kind mode"),
        *_columns(sa.Boolean(), "dry_run"),
        *_columns(WORDS, "state"),
        *_columns(JSON, "parameters"),
        *_columns(WORDS, "trigger"),
        *_columns(sa.Double(), "lease_seconds"),
        *_may_be(JSON, "plan"),
        *_columns(WORDS, "detail"),
        *_columns(MOMENT, "proposed_at expires_at updated_at"),
        *_columns(WORDS, "decided_by"),
        *_columns(sa.BigInteger(), "attempts"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_actions"),
        _refers("actions", "tenant host", "hosts"),
        _refers("actions", "tenant incident", "incidents"),
    )
    _index("ix_actions_host", "actions", "tenant host proposed_at id")
    _index("ix_actions_id", "actions", "id")
    _index("ix_actions_incident", "actions", "tenant incident proposed_at id")
    _index("ix_actions_state", "actions", "state updated_at id")
    _index("ix_actions_time", "actions", "tenant proposed_at id")


def _action_events() -> None:
    op.create_table(
        "action_events",
        *_columns(COUNTER, "number"),
        *_columns(WORDS, "tenant action"),
        *_columns(MOMENT, "at"),
        *_columns(WORDS, "state actor detail"),
        *_columns(JSON, "data"),
        sa.PrimaryKeyConstraint("number", name="pk_action_events"),
        _refers("action_events", "tenant action", "actions"),
        sqlite_autoincrement=True,
    )
    _index("ix_action_events_action", "action_events", "tenant action number")


def _outbox() -> None:
    op.create_table(
        "outbox",
        *_columns(COUNTER, "number"),
        *_columns(WORDS, "tenant kind subject"),
        *_columns(JSON, "data"),
        *_columns(MOMENT, "at"),
        *_may_be(MOMENT, "leased_until"),
        sa.PrimaryKeyConstraint("number", name="pk_outbox"),
        sqlite_autoincrement=True,
    )


def _commands() -> None:
    op.create_table(
        "commands",
        *_columns(WORDS, "tenant id host action kind"),
        *_columns(JSON, "parameters"),
        *_columns(sa.Boolean(), "dry_run"),
        *_columns(MOMENT, "issued_at expires_at"),
        *_columns(WORDS, "nonce"),
        *_columns(sa.LargeBinary(), "blob"),
        *_may_be(MOMENT, "acknowledged_at"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_commands"),
        _refers("commands", "tenant action", "actions"),
        _refers("commands", "tenant host", "hosts"),
    )
    _index("ix_commands_id", "commands", "id")
    _index("ix_commands_pending", "commands", "tenant host acknowledged_at expires_at")


def _command_results() -> None:
    op.create_table(
        "command_results",
        *_columns(WORDS, "tenant command state"),
        *_columns(MOMENT, "at received_at"),
        *_columns(WORDS, "detail"),
        *_columns(JSON, "data"),
        sa.PrimaryKeyConstraint("tenant", "command", "state", name="pk_command_results"),
        _refers("command_results", "tenant command", "commands"),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        *_columns(COUNTER, "number"),
        *_columns(WORDS, "tenant"),
        *_columns(MOMENT, "at"),
        *_columns(WORDS, "actor action subject reason"),
        *_columns(JSON, "data"),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    _index("ix_audit_actor", "audit", "tenant actor at number")
    _index("ix_audit_subject", "audit", "tenant subject at number")
    _index("ix_audit_time", "audit", "tenant at number")


def _enrolments() -> None:
    op.create_table(
        "enrolments",
        *_columns(WORDS, "tenant id secret_hash"),
        *_columns(JSON, "labels"),
        *_columns(sa.BigInteger(), "uses uses_left"),
        *_columns(MOMENT, "created_at"),
        *_columns(WORDS, "created_by"),
        *_columns(MOMENT, "expires_at"),
        *_may_be(MOMENT, "revoked_at"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_enrolments"),
        sa.CheckConstraint("uses_left >= 0 AND uses_left <= uses", name="ck_enrolments_uses"),
    )
    _index("ix_enrolments_time", "enrolments", "tenant created_at id")
    _index("uq_enrolments_secret_hash", "enrolments", "secret_hash", unique=True)


def _tokens() -> None:
    op.create_table(
        "tokens",
        *_columns(WORDS, "tenant id name role secret_hash"),
        *_columns(MOMENT, "created_at"),
        *_columns(WORDS, "created_by"),
        *_may_be(MOMENT, "expires_at revoked_at"),
        sa.PrimaryKeyConstraint("tenant", "id", name="pk_tokens"),
    )
    _index("ix_tokens_time", "tokens", "tenant created_at id")
    _index("uq_tokens_name", "tokens", "tenant name", unique=True, where="revoked_at IS NULL")
    _index("uq_tokens_secret_hash", "tokens", "secret_hash", unique=True)


def _sessions() -> None:
    op.create_table(
        "sessions",
        *_columns(WORDS, "id_hash tenant token"),
        *_columns(MOMENT, "created_at expires_at"),
        sa.PrimaryKeyConstraint("id_hash", name="pk_sessions"),
        _refers("sessions", "tenant token", "tokens"),
    )
    _index("ix_sessions_expiry", "sessions", "expires_at")
    _index("ix_sessions_token", "sessions", "tenant token")


def _policies() -> None:
    op.create_table(
        "policies",
        *_columns(COUNTER, "number"),
        *_columns(WORDS, "tenant version text"),
        *_columns(MOMENT, "applied_at"),
        *_columns(WORDS, "applied_by"),
        sa.PrimaryKeyConstraint("number", name="pk_policies"),
        sqlite_autoincrement=True,
    )
    _index("ix_policies_tenant", "policies", "tenant number")
    _index("ix_policies_version", "policies", "tenant version")


def upgrade() -> None:
    """Makes every table."""
    _audit()
    _enrolments()
    _hosts()
    _outbox()
    _policies()
    _tokens()
    _facts()
    _host_keys()
    _incidents()
    _sessions()
    _states()
    _verdicts()
    _actions()
    _incident_events()
    _action_events()
    _commands()
    _command_results()


def downgrade() -> None:
    """Removes every table."""
    for name in (
        "command_results",
        "commands",
        "action_events",
        "incident_events",
        "actions",
        "verdicts",
        "states",
        "sessions",
        "incidents",
        "host_keys",
        "facts",
        "tokens",
        "policies",
        "outbox",
        "hosts",
        "enrolments",
        "audit",
    ):
        op.drop_table(name)
