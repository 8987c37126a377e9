"""What the REST API answers with, where it is not a core record itself."""

from datetime import datetime

from vedette.console.evidence import EvidenceView
from vedette.console.letters import DeadLetterView
from vedette.console.ports import ModelInfo
from vedette.core import (
    Action,
    ActionEvent,
    AuditEntry,
    Duty,
    Escalation,
    Fact,
    Host,
    Incident,
    IncidentEvent,
    Opening,
    Record,
    Saying,
    Silence,
    Verdict,
)
from vedette.store import ApiToken, AppliedPolicy, Enrolment, Role

__all__ = [
    "ActionEvents",
    "Actions",
    "Audit",
    "DeadLetters",
    "Duties",
    "Enrolments",
    "Escalations",
    "EvidencePage",
    "Facts",
    "Hosts",
    "IncidentEvents",
    "Incidents",
    "Me",
    "ModelInfos",
    "NewEnrolmentView",
    "NewTokenView",
    "PolicyHistory",
    "Sayings",
    "Silences",
    "Tokens",
    "Verdicts",
]


class PolicyHistory(Record, frozen=True, kw_only=True):
    """A page of applied policies, newest first."""

    items: tuple[AppliedPolicy, ...]
    next: str | None = None


class Duties(Record, frozen=True, kw_only=True):
    """Who is on duty at the moment `at`, by schedule; and which hours are open then."""

    at: datetime
    items: tuple[Duty, ...]
    hours: tuple[Opening, ...]


class Escalations(Record, frozen=True, kw_only=True):
    """A page of escalations, newest first."""

    items: tuple[Escalation, ...]
    next: str | None = None


class Silences(Record, frozen=True, kw_only=True):
    """A page of silences, newest first."""

    items: tuple[Silence, ...]
    next: str | None = None


class EvidencePage(Record, frozen=True, kw_only=True):
    """A page of evidence."""

    items: tuple[EvidenceView, ...]
    next: str | None


class DeadLetters(Record, frozen=True, kw_only=True):
    """A page of dead letters, in the order of their first rejection."""

    items: tuple[DeadLetterView, ...]
    next: str | None = None


class Hosts(Record, frozen=True, kw_only=True):
    """A page of hosts, by hostname."""

    items: tuple[Host, ...]
    next: str | None = None


class Facts(Record, frozen=True, kw_only=True):
    """A page of a host's facts as they stood at one moment."""

    items: tuple[Fact, ...]
    next: str | None = None


class Verdicts(Record, frozen=True, kw_only=True):
    """A page of verdicts, newest first."""

    items: tuple[Verdict, ...]
    next: str | None = None


class Sayings(Record, frozen=True, kw_only=True):
    """A page of what people said, newest first."""

    items: tuple[Saying, ...]
    next: str | None = None


class Incidents(Record, frozen=True, kw_only=True):
    """A page of incidents, newest first."""

    items: tuple[Incident, ...]
    next: str | None = None


class IncidentEvents(Record, frozen=True, kw_only=True):
    """An incident's whole timeline, oldest first."""

    items: tuple[IncidentEvent, ...]
    next: str | None = None


class Actions(Record, frozen=True, kw_only=True):
    """A page of actions, newest first."""

    items: tuple[Action, ...]
    next: str | None = None


class ActionEvents(Record, frozen=True, kw_only=True):
    """All steps of an action, oldest first."""

    items: tuple[ActionEvent, ...]
    next: str | None = None


class Audit(Record, frozen=True, kw_only=True):
    """A page of audit entries, newest first."""

    items: tuple[AuditEntry, ...]
    next: str | None = None


class ModelInfos(Record, frozen=True, kw_only=True):
    """The models that decide and watch."""

    items: tuple[ModelInfo, ...]
    next: str | None = None


class NewTokenView(Record, frozen=True, kw_only=True):
    """A fresh token. `secret` is its text and is shown this once."""

    token: ApiToken
    secret: str


class Tokens(Record, frozen=True, kw_only=True):
    """A page of tokens, newest first."""

    items: tuple[ApiToken, ...]
    next: str | None = None


class NewEnrolmentView(Record, frozen=True, kw_only=True):
    """A fresh enrolment token. `secret` is what `vedette agent enroll` takes, shown this once."""

    enrolment: Enrolment
    secret: str


class Enrolments(Record, frozen=True, kw_only=True):
    """A page of enrolment tokens, newest first."""

    items: tuple[Enrolment, ...]
    next: str | None = None


class Me(Record, frozen=True, kw_only=True):
    """Who the server takes you for."""

    tenant: str
    name: str
    role: Role
    version: str
