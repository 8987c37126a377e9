"""What the REST API answers with and is sent, where it is not a core record itself."""

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

from vedette.console.api.query import moment
from vedette.console.letters import DeadLetterView
from vedette.console.ports import LetterChoice, ModelInfo
from vedette.core import (
    Action,
    ActionEvent,
    AuditEntry,
    Duty,
    Escalation,
    Fact,
    Host,
    HostId,
    Incident,
    IncidentEvent,
    Record,
    Saying,
    Scope,
    Severity,
    Silence,
    SilenceKind,
    Verdict,
)
from vedette.store import ApiToken, AppliedPolicy, Enrolment, Role

__all__ = [
    "ActionEvents",
    "Actions",
    "Audit",
    "Closing",
    "Comment",
    "DeadLetters",
    "Enrolments",
    "Facts",
    "FalseAlarm",
    "Hosts",
    "IncidentEvents",
    "Incidents",
    "MakingSilence",
    "Me",
    "ModelInfos",
    "MovingLetters",
    "NewEnrolment",
    "NewEnrolmentView",
    "NewToken",
    "NewTokenView",
    "PurgingLetters",
    "Reasoned",
    "Silences",
    "Tokens",
    "Verdicts",
]

_WORDS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$"
Words = Annotated[str, Meta(max_length=4000, pattern=_WORDS)]
# As text: a body's number would be taken for Unix seconds.
_Time = Annotated[str, Meta(max_length=40, extra_json_schema={"format": "date-time"})]
Labels = Annotated[
    dict[
        Annotated[str, Meta(pattern=r"^[a-z][a-z0-9._-]{0,62}$")],
        Annotated[str, Meta(max_length=200, pattern=_WORDS)],
    ],
    Meta(max_length=32),
]


class Reasoned(Record, frozen=True, kw_only=True):
    """Why, in the words of whoever does it; kept in the audit."""

    reason: Words = ""


class Proposing(Record, frozen=True, kw_only=True):
    """What is to be done to which host, and why; `parameters` as a policy would write them under `with`."""

    kind: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    host: Annotated[str, Meta(pattern=r"^[A-Za-z0-9:_.-]{1,80}$")]
    parameters: dict[str, Any] = {}
    dry_run: bool = False
    incident: Annotated[str, Meta(pattern=r"^[A-Za-z0-9:_.-]{1,80}$")] | None = None
    reason: Words = ""


class NewPolicies(Record, frozen=True, kw_only=True):
    """Policies in YAML, 64 KiB at most, and why they are put in force."""

    text: str
    reason: Words = ""


class CheckingPolicies(Record, frozen=True, kw_only=True):
    """Policies in YAML, 64 KiB at most."""

    text: str


class PolicyHistory(Record, frozen=True, kw_only=True):
    """A page of applied policies, newest first."""

    items: tuple[AppliedPolicy, ...]
    next: str | None = None


class OnCallCheck(Record, frozen=True, kw_only=True):
    """An on-call document in YAML, 64 KiB at most."""

    text: str


class NewOnCall(Record, frozen=True, kw_only=True):
    """An on-call document in YAML, 64 KiB at most, and why it is put in force."""

    text: str
    reason: Words = ""


class Duties(Record, frozen=True, kw_only=True):
    """Who is on duty at the moment `at`, by schedule."""

    at: datetime
    items: tuple[Duty, ...]


class Escalations(Record, frozen=True, kw_only=True):
    """A page of escalations, newest first."""

    items: tuple[Escalation, ...]
    next: str | None = None


class BreakerReset(Record, frozen=True, kw_only=True):
    """Which breaker, and why; `key` names the cohort or model, and is empty for the tenant's."""

    scope: Scope
    key: Words = ""
    reason: Words = ""


class Comment(Record, frozen=True, kw_only=True):
    """A line for the incident's timeline."""

    text: Annotated[str, Meta(min_length=1, max_length=4000, pattern=_WORDS)]


class Closing(Record, frozen=True, kw_only=True):
    """What the incident was, and why it is closed; `expired` is for time to say.

    With `scope` `cohort`, what is normal here is normal for a day on every host of the same role.
    """

    resolution: Literal["true_positive", "false_positive", "benign_change"]
    scope: Literal["host", "cohort"] = "host"
    comment: Words = ""


class Assigning(Record, frozen=True, kw_only=True):
    """Whose the incident is from now on, by the name of their token; empty: nobody's."""

    to: Annotated[str, Meta(max_length=100, pattern=_WORDS)]
    reason: Words = ""


class Merging(Record, frozen=True, kw_only=True):
    """Of which other incident it becomes a part, and why."""

    into: Annotated[str, Meta(pattern=r"^[A-Za-z0-9:_.-]{1,80}$")]
    reason: Words = ""


class Splitting(Record, frozen=True, kw_only=True):
    """What is taken out, and why: hosts of a fleet's incident, or causes of a host's."""

    hosts: Annotated[
        list[Annotated[str, Meta(pattern=r"^[A-Za-z0-9:_.-]{1,80}$")]], Meta(max_length=500)
    ] = []
    causes: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=1000, pattern=_WORDS)]],
        Meta(max_length=20),
    ] = []
    reason: Words = ""


class FalseAlarm(Record, frozen=True, kw_only=True):
    """Why it was a false alarm, and for how many days its causes are not told of on its host."""

    days: Annotated[int, Meta(ge=1, le=90)] = 7
    reason: Words = ""


class MakingSilence(Record, frozen=True, kw_only=True):
    """What is not told. All that is given must fit; at least one of `host`, `labels`, `causes` is needed.

    `causes` are subjects of reasons: an incident is held while it has no other. `severity` is the worst that is held.
    """

    ends_at: _Time
    reason: Annotated[str, Meta(min_length=1, max_length=4000, pattern=_WORDS)]
    kind: SilenceKind = SilenceKind.SILENCE
    host: Annotated[str, Meta(pattern=r"^[A-Za-z0-9:_.-]{1,80}$")] | None = None
    labels: Labels = {}
    causes: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=1000, pattern=_WORDS)]],
        Meta(max_length=64),
    ] = []
    severity: Severity = Severity.CRITICAL
    starts_at: _Time | None = None


class Silences(Record, frozen=True, kw_only=True):
    """A page of silences, newest first."""

    items: tuple[Silence, ...]
    next: str | None = None


class NewToken(Record, frozen=True, kw_only=True):
    """A token to make. The name is how the audit names its holder."""

    name: Annotated[str, Meta(pattern=_NAME)]
    role: Role
    valid_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class NewEnrolment(Record, frozen=True, kw_only=True):
    """An enrolment token to make: how often and how long it may be used, and the labels its hosts get."""

    uses: Annotated[int, Meta(ge=1, le=100_000)] = 1
    valid_minutes: Annotated[int, Meta(ge=1, le=525_600)] = 60
    labels: Labels = {}


class MovingLetters(Record, frozen=True, kw_only=True):
    """Which dead letters to try again: those that fit all that is given. `reason` is kept in the audit."""

    host: Annotated[str, Meta(pattern=r"^[A-Za-z0-9:_.-]{1,80}$")] | None = None
    since: _Time | None = None
    until: _Time | None = None
    text: Annotated[str, Meta(min_length=1, max_length=200, pattern=_WORDS)] | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 500
    reason: Words = ""

    @property
    def choice(self) -> LetterChoice:
        """The filter alone."""
        return LetterChoice(
            host=None if self.host is None else HostId(self.host),
            since=moment(self.since, "since"),
            until=moment(self.until, "until"),
            text=self.text,
        )


class PurgingLetters(MovingLetters, frozen=True, kw_only=True):
    """Which dead letters to delete for good. At least one filter is needed, and a reason."""

    reason: Annotated[str, Meta(min_length=1, max_length=4000, pattern=_WORDS)]


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
