"""Tables of who may do what, and who did: enrolments, tokens, sessions, policies, audit."""

from typing import Any

import sqlalchemy as sa

from vedette.core import Tried, Valueless
from vedette.store.role import Role
from vedette.store.schema.kinds import COUNTER, METADATA, Choice, Json, Moment, Words

__all__ = ["AUDIT", "BACKTESTS", "ENROLMENTS", "POLICIES", "SESSIONS", "TOKENS"]


AUDIT = sa.Table(
    "audit",
    METADATA,
    sa.Column("number", COUNTER, primary_key=True),
    sa.Column("tenant", Words, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("actor", Words, nullable=False),
    sa.Column("action", Words, nullable=False),
    sa.Column("subject", Words, nullable=False),
    sa.Column("reason", Words, nullable=False),
    sa.Column("data", Json(dict[str, Any]), nullable=False),
    sa.Index("ix_audit_time", "tenant", "at", "number"),
    sa.Index("ix_audit_subject", "tenant", "subject", "at", "number"),
    sa.Index("ix_audit_actor", "tenant", "actor", "at", "number"),
    sqlite_autoincrement=True,
)

ENROLMENTS = sa.Table(
    "enrolments",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("id", Words, primary_key=True),
    sa.Column("secret_hash", Words, nullable=False),
    sa.Column("labels", Json(dict[str, str]), nullable=False),
    sa.Column("uses", sa.BigInteger, nullable=False),
    sa.Column("uses_left", sa.BigInteger, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", Words, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("revoked_at", Moment),
    sa.CheckConstraint("uses_left >= 0 AND uses_left <= uses", name="ck_enrolments_uses"),
    sa.Index("uq_enrolments_secret_hash", "secret_hash", unique=True),
    sa.Index("ix_enrolments_time", "tenant", "created_at", "id"),
)

_USABLE = sa.text("revoked_at IS NULL")
TOKENS = sa.Table(
    "tokens",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("id", Words, primary_key=True),
    sa.Column("name", Words, nullable=False),
    sa.Column("role", Choice(Role), nullable=False),
    sa.Column("secret_hash", Words, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("created_by", Words, nullable=False),
    sa.Column("expires_at", Moment),
    sa.Column("revoked_at", Moment),
    sa.Index("uq_tokens_secret_hash", "secret_hash", unique=True),
    # The name is the actor in the audit log, so two people may not bear one at the same time.
    sa.Index(
        "uq_tokens_name",
        "tenant",
        "name",
        unique=True,
        sqlite_where=_USABLE,
        postgresql_where=_USABLE,
    ),
    sa.Index("ix_tokens_time", "tenant", "created_at", "id"),
)

SESSIONS = sa.Table(
    "sessions",
    METADATA,
    sa.Column("id_hash", Words, primary_key=True),
    sa.Column("tenant", Words, nullable=False),
    sa.Column("token", Words, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.ForeignKeyConstraint(["tenant", "token"], ["tokens.tenant", "tokens.id"]),
    sa.Index("ix_sessions_token", "tenant", "token"),
    sa.Index("ix_sessions_expiry", "expires_at"),
)

# Each row is one application of a policy text; the last is in force.
POLICIES = sa.Table(
    "policies",
    METADATA,
    sa.Column("number", COUNTER, primary_key=True),
    sa.Column("tenant", Words, nullable=False),
    sa.Column("version", Words, nullable=False),
    sa.Column("text", Words, nullable=False),
    sa.Column("applied_at", Moment, nullable=False),
    sa.Column("applied_by", Words, nullable=False),
    sa.Column("document", Words, nullable=False, server_default="policy"),
    sa.Index("ix_policies_tenant", "tenant", "number"),
    sa.Index("ix_policies_version", "tenant", "version"),
    sqlite_autoincrement=True,
)

BACKTESTS = sa.Table(
    "backtests",
    METADATA,
    sa.Column("number", COUNTER, primary_key=True),
    sa.Column("tenant", Words, nullable=False),
    sa.Column("version", Words, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", Words, nullable=False),
    sa.Column("since", Moment, nullable=False),
    sa.Column("until", Moment, nullable=False),
    sa.Column("verdicts", sa.BigInteger, nullable=False),
    sa.Column("incidents", sa.BigInteger, nullable=False),
    sa.Column("kinds", Json(tuple[Tried, ...]), nullable=False),
    sa.Column(
        "lacks",
        Words,
        nullable=False,
        server_default="it was run by an earlier version; try it again",
    ),
    sa.Column("valueless", Json(tuple[Valueless, ...]), nullable=False, server_default="[]"),
    sa.Index("ix_backtests_version", "tenant", "version", "number"),
    sqlite_autoincrement=True,
)
