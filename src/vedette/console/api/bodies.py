"""What the REST API is sent. A field that nobody knows is refused: misspelt, it would be left out of what is done."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from vedette.console.api.query import moment
from vedette.console.ports import LetterChoice
from vedette.core import HostId, Record, Scope, Severity, SilenceKind
from vedette.store import ACTOR_NAME, Role

__all__ = [
    "Assigning",
    "BreakerReset",
    "CheckingPolicies",
    "Closing",
    "Comment",
    "FalseAlarm",
    "MakingSilence",
    "Merging",
    "MovingLetters",
    "NewEnrolment",
    "NewOnCall",
    "NewPolicies",
    "NewToken",
    "OnCallCheck",
    "Proposing",
    "PurgingLetters",
    "Reasoned",
    "Splitting",
    "TryingPolicies",
]

_WORDS = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
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


class Sent(Record, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request's body."""


class Reasoned(Sent, frozen=True, kw_only=True):
    """Why, in the words of whoever does it; kept in the audit."""

    reason: Words = ""


class Proposing(Sent, frozen=True, kw_only=True):
    """What is to be done to which host, and why; `parameters` as a policy would write them under `with`."""

    kind: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,40}$")]
    host: Annotated[str, Meta(pattern=r"^[A-Za-z0-9:_.-]{1,80}$")]
    parameters: dict[str, Any] = {}
    dry_run: bool = False
    incident: Annotated[str, Meta(pattern=r"^[A-Za-z0-9:_.-]{1,80}$")] | None = None
    reason: Words = ""


class NewPolicies(Sent, frozen=True, kw_only=True):
    """Policies in YAML, 64 KiB at most, and why they are put in force."""

    text: str
    reason: Words = ""


class CheckingPolicies(Sent, frozen=True, kw_only=True):
    """Policies in YAML, 64 KiB at most."""

    text: str


class TryingPolicies(Sent, frozen=True, kw_only=True):
    """Policies in YAML, 64 KiB at most, and over how many days until now they are tried."""

    text: str
    days: Annotated[float, Meta(gt=0, le=365)] = 30.0


class OnCallCheck(Sent, frozen=True, kw_only=True):
    """An on-call document in YAML, 64 KiB at most."""

    text: str


class NewOnCall(Sent, frozen=True, kw_only=True):
    """An on-call document in YAML, 64 KiB at most, and why it is put in force."""

    text: str
    reason: Words = ""


class BreakerReset(Sent, frozen=True, kw_only=True):
    """Which breaker, and why; `key` names the cohort or model, and is empty for the tenant's."""

    scope: Scope
    key: Words = ""
    reason: Words = ""


class Comment(Sent, frozen=True, kw_only=True):
    """A line for the incident's timeline."""

    text: Annotated[str, Meta(min_length=1, max_length=4000, pattern=_WORDS)]


class Closing(Sent, frozen=True, kw_only=True):
    """What the incident was, and why it is closed; `expired` is for time to say.

    With `scope` `cohort`, what is normal here is normal for a day on every host of the same role.
    """

    resolution: Literal["true_positive", "false_positive", "benign_change"]
    scope: Literal["host", "cohort"] = "host"
    comment: Words = ""


class Assigning(Sent, frozen=True, kw_only=True):
    """Whose the incident is from now on, by the name of their token; empty: nobody's."""

    to: Annotated[str, Meta(max_length=100, pattern=_WORDS)]
    reason: Words = ""


class Merging(Sent, frozen=True, kw_only=True):
    """Of which other incident it becomes a part, and why."""

    into: Annotated[str, Meta(pattern=r"^[A-Za-z0-9:_.-]{1,80}$")]
    reason: Words = ""


class Splitting(Sent, frozen=True, kw_only=True):
    """What is taken out, and why: hosts of a fleet's incident, or causes of a host's."""

    hosts: Annotated[
        list[Annotated[str, Meta(pattern=r"^[A-Za-z0-9:_.-]{1,80}$")]], Meta(max_length=500)
    ] = []
    causes: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=1000, pattern=_WORDS)]],
        Meta(max_length=20),
    ] = []
    reason: Words = ""


class FalseAlarm(Sent, frozen=True, kw_only=True):
    """Why it was a false alarm, and for how many days its causes are not told of on its host."""

    days: Annotated[int, Meta(ge=1, le=90)] = 7
    reason: Words = ""


class MakingSilence(Sent, frozen=True, kw_only=True):
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


class NewToken(Sent, frozen=True, kw_only=True):
    """A token to make. The name is how the audit names its holder."""

    name: Annotated[str, Meta(max_length=100, pattern=ACTOR_NAME)]
    role: Role
    valid_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class NewEnrolment(Sent, frozen=True, kw_only=True):
    """An enrolment token to make: how often and how long it may be used, and the labels its hosts get."""

    uses: Annotated[int, Meta(ge=1, le=100_000)] = 1
    valid_minutes: Annotated[int, Meta(ge=1, le=525_600)] = 60
    labels: Labels = {}


class MovingLetters(Sent, frozen=True, kw_only=True):
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
