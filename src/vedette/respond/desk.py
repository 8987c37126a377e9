"""Reads what is needed of an action and writes its steps: what all that moves actions does with the rows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from vedette.core import (
    DIGEST,
    Action,
    ActionEvent,
    ActionId,
    ActionState,
    Clock,
    IncidentId,
)
from vedette.respond.kind import Job, Kind, Lasting
from vedette.respond.leases import Leases
from vedette.respond.outcome import Expired, Failed, Outcome
from vedette.respond.ports import Ports
from vedette.respond.schedule import LONGEST_ATTEMPT
from vedette.respond.steps import ACTOR, open_attempts, record

__all__ = ["Desk"]

_MOST_OVER: Final = 4_096


class Desk:
    """Every step is conditional on the action as it was seen."""

    def __init__(self, ports: Ports, leases: Leases, clock: Clock) -> None:
        self._ports = ports
        self._leases = leases
        self._clock = clock
        self._over: dict[tuple[ActionId, int], None] = {}

    def attempt_is_over(self, action: Action) -> None:
        """What came of this attempt is known here, so that it does nothing more."""
        self._over[action.id, action.attempts] = None
        while len(self._over) > _MOST_OVER:
            del self._over[next(iter(self._over))]

    def job(self, action: Action) -> Job:
        """The action with its steps and what it answers, as they are now."""
        incidents, now = self._ports.incidents, self._clock.now()
        events = tuple(self._ports.actions.events(action.tenant, action.id))
        return Job(
            action=action,
            incident=(
                None if action.incident is None else incidents.get(action.tenant, action.incident)
            ),
            events=events,
            now=now,
            under_way=action.state is ActionState.DISPATCHED
            and self._under_way(action, events, now),
            gathered=tuple(
                incidents.get(action.tenant, IncidentId(one))
                for one in (action.parameters["incidents"] if action.trigger == DIGEST else ())
            ),
        )

    def _under_way(self, action: Action, events: Iterable[ActionEvent], now: datetime) -> bool:
        return any(
            abs(now - at) < LONGEST_ATTEMPT and (action.id, number) not in self._over
            for number, at in open_attempts(events).items()
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
