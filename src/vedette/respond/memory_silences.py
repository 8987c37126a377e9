"""A fake of silences, with the store's rules. For tests of what responds, not for service."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import msgspec

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Clock,
    Conflict,
    Held,
    Incident,
    IncidentState,
    Inhibition,
    Severity,
    Silence,
    SilenceKind,
    TenantId,
)

__all__ = ["MemorySilences"]


class MemorySilences:
    """`given` are the silences, `standing` names the rules whose source stands; hosts have no labels here."""

    def __init__(
        self,
        clock: Clock,
        incident_of: Callable[[Action], Incident | None],
        get: Callable[[TenantId, ActionId], Action],
        put: Callable[[Action, str], None],
    ) -> None:
        self.given: list[Silence] = []
        self.standing: set[str] = set()
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

    def explained(self, action: Action, rules: Sequence[Inhibition]) -> Held | None:
        """By the first rule that is about it and stands."""
        incident = self._incident_of(action)
        for rule in rules:
            until = rule.until(action)
            if (
                rule.name in self.standing
                and self._clock.now() < until
                and rule.explained.meets(action, incident)
            ):
                why = f"held by inhibition {rule.name} because of what stands"
                return Held(by=f"inhibition:{rule.name}", until=until, why=why, source="it")
        return None

    def hold(self, action: Action, held: Held) -> None:
        """Until it is looked at again."""
        before = self._get(action.tenant, action.id)
        if (before.state, before.held_by) != (ActionState.PROPOSED, action.held_by):
            raise Conflict("the action has moved meanwhile")
        wake_at = min(held.until, self._clock.now() + timedelta(minutes=1))
        after = msgspec.structs.replace(before, held_by=held.by, wake_at=wake_at)
        self._put(after, "" if before.held_by == held.by else held.why)

    def over(self, action: Action) -> str:
        """Whether its incident was closed meanwhile."""
        incident = self._incident_of(action)
        if incident is not None and incident.state is not IncidentState.CLOSED:
            return ""
        return "its incident was closed while it was held"
