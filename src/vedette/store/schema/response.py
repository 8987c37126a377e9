"""Tables of what follows from verdicts: incidents, actions, commands, notices to handle."""

from typing import Any

import sqlalchemy as sa

from vedette.core import (
    IN_FORCE,
    ActionState,
    IncidentKind,
    IncidentState,
    Mode,
    Reason,
    Resolution,
    Severity,
    Standing,
    Verb,
)
from vedette.store.schema.kinds import COUNTER, METADATA, Choice, Json, Moment, Words
from vedette.store.schema.machines import of_host

__all__ = [
    "ACTIONS",
    "ACTION_EVENTS",
    "CLOSED",
    "COMMANDS",
    "COMMAND_RESULTS",
    "INCIDENTS",
    "INCIDENT_EVENTS",
    "LEASE_IN_FORCE",
    "LIVE_FLEET",
    "LOOSE",
    "OUTBOX",
]

# AUTOINCREMENT: an id that was handed out is never given again, even after its row is gone.

# Looked for every few seconds, among all that ever was.
LOOSE = "state = 'open' AND part_of IS NULL AND kind = 'host'"
LIVE_FLEET = "kind = 'fleet' AND state <> 'closed'"
CLOSED_FLEET = "kind = 'fleet' AND state = 'closed' AND merged_into IS NULL"
# What may come back. Looked for with every batch of snapshots.
CLOSED = "state = 'closed' AND kind = 'host' AND merged_into IS NULL"
_MERGED = sa.text("merged_into IS NOT NULL")
_CLOSED = sa.text(CLOSED)
_RETURNED = sa.text(f"{LOOSE} AND returned_at IS NOT NULL")
_LOOSE, _LIVE_FLEET, _PART = sa.text(LOOSE), sa.text(LIVE_FLEET), sa.text("part_of IS NOT NULL")
INCIDENTS = sa.Table(
    "incidents",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("id", Words, primary_key=True),
    sa.Column("host", Words),
    sa.Column("hostname", Words, nullable=False),
    sa.Column("state", Choice(IncidentState), nullable=False),
    sa.Column("title", Words, nullable=False),
    sa.Column("severity", Choice(Severity), nullable=False),
    sa.Column("causes", Json(tuple[str, ...]), nullable=False),
    sa.Column("reasons", Json(tuple[Reason, ...]), nullable=False),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("first_verdict", Words),
    sa.Column("last_abnormal_at", Moment, nullable=False),
    sa.Column("quiet_since", Moment),
    sa.Column("closed_at", Moment),
    sa.Column("closed_by", Words, nullable=False),
    sa.Column("resolution", Choice(Resolution)),
    sa.Column("verdicts", sa.BigInteger, nullable=False),
    sa.Column("peak_score", sa.Double, nullable=False),
    sa.Column("acknowledged_by", Words, nullable=False),
    sa.Column("acknowledged_at", Moment),
    sa.Column("kind", Choice(IncidentKind), nullable=False, server_default="host"),
    sa.Column("hosts", sa.BigInteger, nullable=False, server_default="1"),
    sa.Column("part_of", Words),
    sa.Column("model", Words, nullable=False, server_default=sa.text("''")),
    sa.Column("assigned_to", Words, nullable=False, server_default=sa.text("''")),
    sa.Column("merged_into", Words),
    sa.Column("edits", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("returns", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("returned_at", Moment),
    sa.Column("verdicts_before", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("seen_before", Words),
    of_host(),
    sa.Index("ix_incidents_time", "tenant", "opened_at", "id"),
    sa.Index("ix_incidents_state", "tenant", "state", "opened_at", "id"),
    sa.Index("ix_incidents_host", "tenant", "host", "opened_at", "id"),
    sa.Index("ix_incidents_id", "id"),
    sa.Index("ix_incidents_loose", "opened_at", sqlite_where=_LOOSE, postgresql_where=_LOOSE),
    sa.Index(
        "ix_incidents_returned", "returned_at", sqlite_where=_RETURNED, postgresql_where=_RETURNED
    ),
    sa.Index(
        "ix_incidents_closed",
        "tenant",
        "host",
        "closed_at",
        sqlite_where=_CLOSED,
        postgresql_where=_CLOSED,
    ),
    sa.Index(
        "ix_incidents_live_fleet", "tenant", sqlite_where=_LIVE_FLEET, postgresql_where=_LIVE_FLEET
    ),
    sa.Index(
        "ix_incidents_part",
        "tenant",
        "part_of",
        "opened_at",
        "id",
        sqlite_where=_PART,
        postgresql_where=_PART,
    ),
    sa.Index(
        "ix_incidents_merged",
        "tenant",
        "merged_into",
        sqlite_where=_MERGED,
        postgresql_where=_MERGED,
    ),
)

INCIDENT_EVENTS = sa.Table(
    "incident_events",
    METADATA,
    sa.Column("number", COUNTER, primary_key=True),
    sa.Column("tenant", Words, nullable=False),
    sa.Column("incident", Words, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", Words, nullable=False),
    sa.Column("actor", Words, nullable=False),
    sa.Column("text", Words, nullable=False),
    sa.Column("verdict", Words),
    sa.ForeignKeyConstraint(["tenant", "incident"], ["incidents.tenant", "incidents.id"]),
    sa.Index("ix_incident_events_incident", "tenant", "incident", "number"),
    sqlite_autoincrement=True,
)

_FLEET = sa.text("host IS NULL")
_IN_FORCE = ", ".join(f"'{state}'" for state in sorted(IN_FORCE))
# Two leases of one kind on one host would undo each other: the database itself refuses the second.
LEASE_IN_FORCE = f"lease_seconds > 0 AND NOT dry_run AND state IN ({_IN_FORCE})"
_LEASE = sa.text(LEASE_IN_FORCE)
_DISRUPTING = sa.text("disruptive AND NOT dry_run AND dispatched_at IS NOT NULL")
_AWAKE = sa.text("wake_at IS NOT NULL")
ACTIONS = sa.Table(
    "actions",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("id", Words, primary_key=True),
    sa.Column("incident", Words),
    sa.Column("host", Words),
    sa.Column("policy", Words, nullable=False),
    sa.Column("policy_version", Words, nullable=False),
    sa.Column("kind", Words, nullable=False),
    sa.Column("mode", Choice(Mode), nullable=False),
    sa.Column("dry_run", sa.Boolean, nullable=False),
    sa.Column("state", Choice(ActionState), nullable=False),
    sa.Column("parameters", Json(dict[str, Any]), nullable=False),
    sa.Column("trigger", Words, nullable=False),
    sa.Column("lease_seconds", sa.Double, nullable=False),
    sa.Column("plan", Json(dict[str, Any])),
    sa.Column("detail", Words, nullable=False),
    sa.Column("proposed_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("updated_at", Moment, nullable=False),
    sa.Column("decided_by", Words, nullable=False),
    sa.Column("attempts", sa.BigInteger, nullable=False),
    sa.Column("about", Json(Standing)),
    sa.Column("most_seconds", sa.Double, nullable=False, server_default="0"),
    sa.Column("grace_seconds", sa.Double, nullable=False, server_default="0"),
    sa.Column("lease_until", Moment),
    sa.Column("recalled_by", Words, nullable=False, server_default=sa.text("''")),
    sa.Column("recalled_why", Words, nullable=False, server_default=sa.text("''")),
    sa.Column("wake_at", Moment),
    sa.Column("disruptive", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("cohort", Words, nullable=False, server_default=sa.text("''")),
    sa.Column("model", Words, nullable=False, server_default=sa.text("''")),
    sa.Column("dispatched_at", Moment),
    sa.Column("approvals", sa.BigInteger, nullable=False, server_default="1"),
    sa.Column("gather_seconds", sa.Double, nullable=False, server_default="0"),
    sa.Column("held_by", Words, nullable=False, server_default=sa.text("''")),
    sa.Column("proposed_by", Words, nullable=False, server_default=sa.text("''")),
    of_host(),
    sa.ForeignKeyConstraint(["tenant", "incident"], ["incidents.tenant", "incidents.id"]),
    sa.Index("ix_actions_time", "tenant", "proposed_at", "id"),
    sa.Index("ix_actions_host", "tenant", "host", "proposed_at", "id"),
    sa.Index("ix_actions_incident", "tenant", "incident", "proposed_at", "id"),
    sa.Index(
        "ix_actions_fleet", "tenant", "proposed_at", sqlite_where=_FLEET, postgresql_where=_FLEET
    ),
    sa.Index("ix_actions_state", "state", "updated_at", "id"),
    sa.Index("ix_actions_id", "id"),
    sa.Index(
        "ix_actions_dispatched",
        "tenant",
        "dispatched_at",
        sqlite_where=_DISRUPTING,
        postgresql_where=_DISRUPTING,
    ),
    sa.Index("ix_actions_wake", "wake_at", sqlite_where=_AWAKE, postgresql_where=_AWAKE),
    sa.Index(
        "uq_actions_lease",
        "tenant",
        "host",
        "kind",
        unique=True,
        sqlite_where=_LEASE,
        postgresql_where=_LEASE,
    ),
)

ACTION_EVENTS = sa.Table(
    "action_events",
    METADATA,
    sa.Column("number", COUNTER, primary_key=True),
    sa.Column("tenant", Words, nullable=False),
    sa.Column("action", Words, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("state", Choice(ActionState), nullable=False),
    sa.Column("actor", Words, nullable=False),
    sa.Column("detail", Words, nullable=False),
    sa.Column("data", Json(dict[str, Any]), nullable=False),
    sa.ForeignKeyConstraint(["tenant", "action"], ["actions.tenant", "actions.id"]),
    sa.Index("ix_action_events_action", "tenant", "action", "number"),
    sqlite_autoincrement=True,
)

# `blob` is the signed command as it goes to the host; `acknowledged_at` the first word that came back.
COMMANDS = sa.Table(
    "commands",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("id", Words, primary_key=True),
    sa.Column("host", Words, nullable=False),
    sa.Column("action", Words, nullable=False),
    sa.Column("kind", Words, nullable=False),
    sa.Column("parameters", Json(dict[str, Any]), nullable=False),
    sa.Column("dry_run", sa.Boolean, nullable=False),
    sa.Column("issued_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("nonce", Words, nullable=False),
    sa.Column("verb", Choice(Verb), nullable=False, server_default="apply"),
    sa.Column("blob", sa.LargeBinary, nullable=False),
    sa.Column("acknowledged_at", Moment),
    of_host(),
    sa.ForeignKeyConstraint(["tenant", "action"], ["actions.tenant", "actions.id"]),
    sa.Index("ix_commands_pending", "tenant", "host", "acknowledged_at", "expires_at"),
    sa.Index("ix_commands_id", "id"),
)

COMMAND_RESULTS = sa.Table(
    "command_results",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("command", Words, primary_key=True),
    sa.Column("state", Choice(ActionState), primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("received_at", Moment, nullable=False),
    sa.Column("detail", Words, nullable=False),
    sa.Column("data", Json(dict[str, Any]), nullable=False),
    sa.ForeignKeyConstraint(["tenant", "command"], ["commands.tenant", "commands.id"]),
)

# A row is deleted once handled, so a row that commits late under a low number is still found.
OUTBOX = sa.Table(
    "outbox",
    METADATA,
    sa.Column("number", COUNTER, primary_key=True),
    sa.Column("tenant", Words, nullable=False),
    sa.Column("kind", Words, nullable=False),
    sa.Column("subject", Words, nullable=False),
    sa.Column("data", Json(dict[str, Any]), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("leased_until", Moment),
    sqlite_autoincrement=True,
)
