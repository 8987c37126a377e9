"""What people do not want to be told for a while, or must not be touched while they work on it."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from vedette.core.errors import InvalidInput
from vedette.core.ids import HostId, IncidentId, TenantId
from vedette.core.inhibition import Held
from vedette.core.record import Record
from vedette.core.verdict import Severity

__all__ = ["Silence", "SilenceKind", "SilenceScope"]

_LONGEST = timedelta(days=90)
_MOST = 64


class SilenceKind(StrEnum):
    """A `silence` holds what tells people; `maintenance` refuses what is disruptive besides."""

    SILENCE = "silence"
    MAINTENANCE = "maintenance"


class SilenceScope(Record, frozen=True, kw_only=True):
    """What it is about: all that is given must fit. At least one of host, labels and causes is.

    With `causes` it is about incidents that have no other cause. `cohorts` are roles, the empty one of hosts without; news of
    many hosts at once is in none. `severity` is the worst that it holds.
    """

    host: HostId | None = None
    labels: dict[str, str] = {}
    causes: tuple[str, ...] = ()
    cohorts: tuple[str, ...] = ()
    severity: Severity = Severity.CRITICAL

    def covers(
        self,
        host: HostId | None,
        labels: Mapping[str, str],
        causes: Collection[str] | None,
        severity: Severity,
    ) -> bool:
        """Whether news of this host (None: of many) by these causes is in it; causes are None where there is no incident."""
        if self.host is not None and host != self.host:
            return False
        if self.labels and (host is None or not self.labels.items() <= labels.items()):
            return False
        if self.cohorts and (host is None or labels.get("role", "") not in self.cohorts):
            return False
        if self.causes and (not causes or not set(causes) <= set(self.causes)):
            return False
        return severity.rank <= self.severity.rank


class Silence(Record, frozen=True, kw_only=True):
    """In force from `starts_at` until `ends_at`, or until somebody ends it. `incident` is the false alarm it was made of."""

    id: str
    tenant: TenantId
    kind: SilenceKind
    scope: SilenceScope
    starts_at: datetime
    ends_at: datetime
    owner: str
    reason: str
    created_at: datetime
    incident: IncidentId | None = None
    ended_at: datetime | None = None
    ended_by: str = ""
    ended_why: str = ""

    @property
    def holds(self) -> Held:
        """What it says of what it keeps back."""
        why = f"held by {self.kind} {self.id} of {self.owner}: {self.reason}"
        return Held(by=self.id, until=self.ends_at, why=why)

    def in_force_at(self, moment: datetime) -> bool:
        """Whether it held then."""
        ends = self.ends_at if self.ended_at is None else min(self.ends_at, self.ended_at)
        return self.starts_at <= moment < ends

    def check(self) -> None:
        """Passes what may be made.

        Raises:
            InvalidInput: it is about everything, for ever, over already, or says not why.
        """
        scope = self.scope
        if scope.host is None and not scope.labels and not scope.causes:
            raise InvalidInput("a silence must name a host, a label or a cause, not everything")
        if max(len(scope.labels), len(scope.causes), len(scope.cohorts)) > _MOST:
            raise InvalidInput(f"a silence may name {_MOST} each of labels, causes and cohorts")
        if self.ends_at <= max(self.starts_at, self.created_at):
            raise InvalidInput("a silence must end after it starts, and not in the past")
        if self.ends_at - max(self.starts_at, self.created_at) > _LONGEST:
            raise InvalidInput(f"a silence may last {_LONGEST.days} days; make it anew then")
        if not self.reason.strip():
            raise InvalidInput("say why it is silenced")
