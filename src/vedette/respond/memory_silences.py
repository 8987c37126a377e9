"""A fake of silences, with the store's rules. For tests of what responds, not for service."""

from collections.abc import Callable
from datetime import timedelta

import msgspec

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Clock,
    Conflict,
    Incident,
    IncidentState,
    Severity,
    Silence,
    SilenceKind,
    TenantId,
)

__all__ = ["MemorySilences"]


class MemorySilences:
    """`given` are the silences; hosts have no labels here."""

    def __init__(
        self,
        clock: Clock,
        incident_of: Callable[[Action], Incident | None],
        get: Callable[[TenantId, ActionId], Action],
        put: Callable[[Action, str], None],
    ) -> None:
        self.given: list[Silence] = []
        self._clock = clock
        self._incident_of = incident_of
        self._get = get
        self._put = put

    def covering(self, action: Action) -> Silence | None:
        """What ends last of those in force."""
        if not self.given:
            return None
        now = self._clock.now()
        incident = self._incident_of(action)
        causes = None if incident is None else incident.causes
        severity = Severity.NONE if incident is None else incident.severity
        held = [
            one
            for one in self.given
            if one.starts_at <= now < one.ends_at
            and one.ended_at is None
            and (not action.disruptive or one.kind is SilenceKind.MAINTENANCE)
            and one.scope.covers(action.host, {}, causes, severity)
        ]
        return max(held, key=lambda one: one.ends_at, default=None)

    def hold(self, action: Action, silence: Silence) -> None:
        """Until it is looked at again."""
        before = self._get(action.tenant, action.id)
        if before.state is not ActionState.PROPOSED:
            raise Conflict("the action has moved meanwhile")
        wake_at = min(silence.ends_at, self._clock.now() + timedelta(minutes=1))
        after = msgspec.structs.replace(before, held_by=silence.id, wake_at=wake_at)
        why = f"held by {silence.kind} {silence.id} of {silence.owner}: {silence.reason}"
        self._put(after, "" if before.held_by == silence.id else why)

    def over(self, action: Action) -> str:
        """Whether its incident was closed meanwhile."""
        incident = self._incident_of(action)
        if incident is not None and incident.state is not IncidentState.CLOSED:
            return ""
        return "its incident was closed while it was held"
