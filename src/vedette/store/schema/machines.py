"""Tables of the machine side: hosts, their keys, what the detector keeps, verdicts and facts."""

import sqlalchemy as sa

from vedette.core import Confirmation, HostStatus, Label, OperatingSystem, Reason, Row, Severity
from vedette.store.schema.kinds import METADATA, Choice, Json, Moment, Words

__all__ = ["DOOR", "FACTS", "HOSTS", "HOST_KEYS", "STATES", "VERDICTS", "of_host"]


def of_host() -> sa.ForeignKeyConstraint:
    """The row belongs to a host of its own tenant."""
    return sa.ForeignKeyConstraint(["tenant", "host"], ["hosts.tenant", "hosts.id"])


# The 255 characters that a snapshot may have for it, at the most bytes that each can take.
_LONGEST_NAME = 1020

# `labels` is what people and cohorts see; `pinned_labels` the part of it that enrolment fixed and no agent may change.
# `label` is the last that a verdict gave; `read_at` when each table was last read. `heard` is when a snapshot last came,
# by the door's clock; `back_at` when the last silence ended; `contested_at` is of the last conflict in `contested_epoch`.
_SILENT, _BACK = sa.text("silent_since IS NOT NULL"), sa.text("back_at IS NOT NULL")
_TRUSTED = sa.text("revoked_at IS NULL")
HOSTS = sa.Table(
    "hosts",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("id", Words, primary_key=True),
    sa.Column("hostname", Words(_LONGEST_NAME), nullable=False),
    sa.Column("labels", Json(dict[str, str]), nullable=False),
    sa.Column("pinned_labels", Json(dict[str, str]), nullable=False),
    sa.Column("os", Json(OperatingSystem), nullable=False),
    sa.Column("status", Choice(HostStatus), nullable=False),
    sa.Column("status_since", Moment, nullable=False),
    sa.Column("status_reason", Words, nullable=False),
    sa.Column("label", Choice(Label)),
    sa.Column("interval", sa.Double, nullable=False),
    sa.Column("enrolled_at", Moment, nullable=False),
    sa.Column("revoked_at", Moment),
    sa.Column("last_seen_at", Moment),
    sa.Column("last_taken_at", Moment),
    sa.Column("last_seq", sa.BigInteger, nullable=False),
    sa.Column("can_act", Json(tuple[str, ...]), nullable=False),
    sa.Column("read_at", Json(dict[str, int]), nullable=False),
    sa.Column("needed", Json(tuple[str, ...]), nullable=False),
    sa.Column("heard", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("silent_since", Moment),
    sa.Column("back_at", Moment),
    sa.Column("contested_epoch", Words),
    sa.Column("contested_at", Moment),
    sa.Index("ix_hosts_name", "tenant", "hostname", "id"),
    sa.Index("ix_hosts_status", "tenant", "status", "hostname", "id"),
    sa.Index(
        "ix_hosts_silent",
        "tenant",
        "silent_since",
        sqlite_where=_SILENT,
        postgresql_where=_SILENT,
    ),
    sa.Index(
        "ix_hosts_label",
        "tenant",
        "label",
        sqlite_where=_TRUSTED,
        postgresql_where=_TRUSTED,
    ),
    sa.Index("ix_hosts_back", "tenant", "back_at", sqlite_where=_BACK, postgresql_where=_BACK),
)

# One row: microseconds that the door has been open in all, who moves that on, and how often it was moved.
DOOR = sa.Table(
    "door",
    METADATA,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("open", sa.BigInteger, nullable=False),
    sa.Column("keeper", Words, nullable=False),
    sa.Column("beats", sa.BigInteger, nullable=False),
)

HOST_KEYS = sa.Table(
    "host_keys",
    METADATA,
    sa.Column("kid", Words, primary_key=True),
    sa.Column("tenant", Words, nullable=False),
    sa.Column("host", Words, nullable=False),
    sa.Column("public_key", Words, nullable=False),
    sa.Column("added_at", Moment, nullable=False),
    sa.Column("revoked_at", Moment),
    of_host(),
    sa.Index("ix_host_keys_host", "tenant", "host"),
)

STATES = sa.Table(
    "states",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("host", Words, primary_key=True),
    sa.Column("epoch", Words, nullable=False),
    sa.Column("last_seq", sa.BigInteger, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("last_taken_at", Moment, nullable=False),
    sa.Column("blob", sa.LargeBinary, nullable=False),
    of_host(),
)

_FIRST, _REPLAYED = sa.text('"of" IS NULL'), sa.text('"of" IS NOT NULL')
_ALARMING = sa.text("label <> 'normal'")
VERDICTS = sa.Table(
    "verdicts",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("id", Words, primary_key=True),
    sa.Column("host", Words, nullable=False),
    sa.Column("epoch", Words, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("taken_at", Moment, nullable=False),
    sa.Column("decided_at", Moment, nullable=False),
    sa.Column("label", Choice(Label), nullable=False),
    sa.Column("score", sa.Double, nullable=False),
    sa.Column("severity", Choice(Severity), nullable=False),
    sa.Column("reasons", Json(tuple[Reason, ...]), nullable=False),
    sa.Column("experts", Json(dict[str, float]), nullable=False),
    sa.Column("model", Words, nullable=False),
    sa.Column("knowledge", sa.BigInteger, nullable=False),
    sa.Column("input_digest", Words, nullable=False),
    sa.Column("budget", sa.Double, nullable=False, server_default="0"),
    sa.Column("confirmation", Json(Confirmation), nullable=False, server_default="{}"),
    sa.Column("late", sa.Boolean, nullable=False),
    sa.Column("of", Words),
    of_host(),
    # One first verdict for each snapshot; later ones of a replayed dead letter are linked to it by `of`.
    sa.Index(
        "uq_verdicts_identity",
        "tenant",
        "host",
        "epoch",
        "seq",
        unique=True,
        sqlite_where=_FIRST,
        postgresql_where=_FIRST,
    ),
    sa.Index("ix_verdicts_of", "tenant", "of", sqlite_where=_REPLAYED, postgresql_where=_REPLAYED),
    sa.Index("ix_verdicts_time", "tenant", "taken_at", "id"),
    sa.Index("ix_verdicts_host", "tenant", "host", "taken_at", "id"),
    # Most verdicts are normal, and nobody looks for these by label.
    sa.Index(
        "ix_verdicts_label",
        "tenant",
        "label",
        "taken_at",
        "id",
        sqlite_where=_ALARMING,
        postgresql_where=_ALARMING,
    ),
)

# While a fact lives, `last_seen` is not kept here but follows from its host's `read_at`.
_LIVE, _ENDED = sa.text("gone_at IS NULL"), sa.text("gone_at IS NOT NULL")
FACTS = sa.Table(
    "facts",
    METADATA,
    sa.Column("tenant", Words, primary_key=True),
    sa.Column("host", Words, primary_key=True),
    sa.Column("table_name", Words, primary_key=True),
    sa.Column("id", Words, primary_key=True),
    sa.Column("first_seen", Moment, primary_key=True),
    sa.Column("row", Json(Row), nullable=False),
    sa.Column("last_seen", Moment),
    sa.Column("gone_at", Moment),
    of_host(),
    sa.Index(
        "uq_facts_live",
        "tenant",
        "host",
        "table_name",
        "id",
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    ),
    sa.Index("ix_facts_first_seen", "tenant", "host", "first_seen", "table_name", "id"),
    sa.Index(
        "ix_facts_gone",
        "tenant",
        "host",
        "gone_at",
        sqlite_where=_ENDED,
        postgresql_where=_ENDED,
    ),
)
