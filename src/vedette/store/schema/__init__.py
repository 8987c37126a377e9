"""The tables. `migrations` builds them; a test holds both equal."""

from vedette.store.schema.access import AUDIT, BACKTESTS, ENROLMENTS, POLICIES, SESSIONS, TOKENS
from vedette.store.schema.escalations import ESCALATION_RUNS, ESCALATIONS
from vedette.store.schema.evidence import EVIDENCE
from vedette.store.schema.guards import APPROVALS, BREAKERS, SWITCHES
from vedette.store.schema.kinds import METADATA, Moment, from_micros, to_micros
from vedette.store.schema.knowledge import SAYINGS, TELLINGS, VERSION_HEADS, VERSIONS
from vedette.store.schema.machines import DOOR, FACTS, HOST_KEYS, HOSTS, STATES, VERDICTS
from vedette.store.schema.models import MODELS
from vedette.store.schema.response import (
    ACTION_EVENTS,
    ACTIONS,
    CLOSED,
    CLOSED_FLEET,
    COMMAND_RESULTS,
    COMMANDS,
    INCIDENT_EVENTS,
    INCIDENTS,
    LEASE_IN_FORCE,
    LIVE_FLEET,
    LOOSE,
    OUTBOX,
)
from vedette.store.schema.silences import SILENCES
from vedette.store.schema.waits import WAITS

__all__ = [
    "ACTIONS",
    "ACTION_EVENTS",
    "APPROVALS",
    "AUDIT",
    "BACKTESTS",
    "BREAKERS",
    "CLOSED",
    "CLOSED_FLEET",
    "COMMANDS",
    "COMMAND_RESULTS",
    "DOOR",
    "ENROLMENTS",
    "ESCALATIONS",
    "ESCALATION_RUNS",
    "EVIDENCE",
    "FACTS",
    "HOSTS",
    "HOST_KEYS",
    "INCIDENTS",
    "INCIDENT_EVENTS",
    "LEASE_IN_FORCE",
    "LIVE_FLEET",
    "LOOSE",
    "METADATA",
    "MODELS",
    "OUTBOX",
    "POLICIES",
    "SAYINGS",
    "SESSIONS",
    "SILENCES",
    "STATES",
    "SWITCHES",
    "TELLINGS",
    "TOKENS",
    "VERDICTS",
    "VERSIONS",
    "VERSION_HEADS",
    "WAITS",
    "Moment",
    "from_micros",
    "to_micros",
]
