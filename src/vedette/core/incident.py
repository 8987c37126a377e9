"""Abnormal verdicts that belong together: what people see, acknowledge and label."""

from datetime import datetime
from enum import StrEnum

from vedette.core.ids import HostId, IncidentId, TenantId, VerdictId
from vedette.core.record import Record
from vedette.core.verdict import Reason, Severity

__all__ = ["Incident", "IncidentEvent", "IncidentKind", "IncidentState", "Resolution"]


class IncidentKind(StrEnum):
    """Of one `host`, of many at once (`fleet`), or of the service itself, where a `breaker` tripped."""

    HOST = "host"
    FLEET = "fleet"
    BREAKER = "breaker"


class IncidentState(StrEnum):
    """`open` while abnormal verdicts come, `quiet` once the host is normal again, `closed` by people or time."""

    OPEN = "open"
    QUIET = "quiet"
    CLOSED = "closed"


class Resolution(StrEnum):
    """What it was, in the words of whoever closed it; `expired` when time did."""

    TRUE_POSITIVE = "true_positive"
    FALSE_POSITIVE = "false_positive"
    BENIGN_CHANGE = "benign_change"
    EXPIRED = "expired"


class Incident(Record, frozen=True, kw_only=True):
    """One per host and cause. `causes` are the subjects of the reasons that brought its verdicts together.

    `model` is the bundle that called the first of them abnormal. Many hosts that turn abnormal by the same thing at once have one of kind `fleet` beside their own, which name it in
    `part_of`. That one, and one of the service itself, has no `host` and no `hostname`; `hosts` counts them.

    What was closed and is seen again soon opens again by itself: `returns` counts that, `returned_at` is when it last did, and
    `verdicts_before` how many verdicts it had then. `seen_before` names a closed one of the same host, or of a fleet as this is, that had
    a cause in common when this was opened.

    `assigned_to` is whose it is (empty: nobody's). One that people made part of another is closed without a resolution and names that one in
    `merged_into`. `edits` counts what people changed of its make-up, so that what was decided on it before is not written.

    Times are of the snapshots (`taken_at`), so that a replay opens and closes the same incidents.
    """

    id: IncidentId
    tenant: TenantId
    host: HostId | None
    hostname: str
    state: IncidentState
    title: str
    severity: Severity
    causes: tuple[str, ...]
    reasons: tuple[Reason, ...]
    opened_at: datetime
    first_verdict: VerdictId | None
    last_abnormal_at: datetime
    quiet_since: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str = ""
    resolution: Resolution | None = None
    verdicts: int = 1
    peak_score: float = 0.0
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    kind: IncidentKind = IncidentKind.HOST
    hosts: int = 1
    part_of: IncidentId | None = None
    model: str = ""
    assigned_to: str = ""
    merged_into: IncidentId | None = None
    edits: int = 0
    returns: int = 0
    returned_at: datetime | None = None
    verdicts_before: int = 0
    seen_before: IncidentId | None = None

    @property
    def begun_at(self) -> datetime:
        """When what goes on now began: its opening, or when it last opened again by itself."""
        return self.returned_at or self.opened_at

    @property
    def verdicts_since(self) -> int:
        """How many verdicts it has had since then."""
        return self.verdicts - self.verdicts_before

    @property
    def harmless(self) -> str:
        """Who closed it as what, where people say that nothing was wrong with the host; empty otherwise."""
        said = self.resolution in {Resolution.FALSE_POSITIVE, Resolution.BENIGN_CHANGE}
        if self.state is not IncidentState.CLOSED or self.resolution is None or not said:
            return ""
        return f"{self.closed_by} closed the incident as {self.resolution.replace('_', ' ')}"


class IncidentEvent(Record, frozen=True, kw_only=True):
    """One line of an incident's timeline.

    `kind`: opened, joined, raised, quiet, reopened, closed, gathered (it is part of a fleet's now), guarded (a policy was
    held back), held (by a silence or an inhibition), acknowledged, assigned, merged, split, comment.
    """

    incident: IncidentId
    at: datetime
    kind: str
    actor: str
    text: str
    verdict: VerdictId | None = None
