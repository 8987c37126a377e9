"""Reads what is needed of an action and writes its steps: what all that moves actions does with the rows."""

from vedette.core import DIGEST, Action, ActionState, Clock, IncidentId
from vedette.respond.kind import Job, Kind, Lasting
from vedette.respond.leases import Leases
from vedette.respond.outcome import Expired, Failed, Outcome
from vedette.respond.ports import Ports
from vedette.respond.steps import ACTOR, record

__all__ = ["Desk"]


class Desk:
    """Every step is conditional on the action as it was seen."""

    def __init__(self, ports: Ports, leases: Leases, clock: Clock) -> None:
        self._ports = ports
        self._leases = leases
        self._clock = clock

    def job(self, action: Action) -> Job:
        """The action with its steps and what it answers, as they are now."""
        incidents = self._ports.incidents
        return Job(
            action=action,
            incident=(
                None if action.incident is None else incidents.get(action.tenant, action.incident)
            ),
            events=tuple(self._ports.actions.events(action.tenant, action.id)),
            now=self._clock.now(),
            gathered=tuple(
                incidents.get(action.tenant, IncidentId(one))
                for one in (action.parameters["incidents"] if action.trigger == DIGEST else ())
            ),
        )

    def advance(self, action: Action, to: ActionState, detail: str) -> Action:
        """One step of the table. Raises Conflict."""
        return self._ports.actions.advance(
            action.tenant, action.id, to, actor=ACTOR, detail=detail, expected=action.state
        )

    def write(self, action: Action, kind: Kind, outcome: Outcome) -> Action | None:
        """One step. What ends without a word from its host is undone first: it may be in force all the same."""
        if (
            isinstance(outcome, Failed | Expired)
            and isinstance(kind, Lasting)
            and action.recallable
        ):
            if kind.ends_itself:
                self._leases.undo(self.job(action), kind)
            elif action.leased:
                return self._leases.end(action, outcome.detail)
        return record(self._ports.actions, action, outcome, self._clock.now())
