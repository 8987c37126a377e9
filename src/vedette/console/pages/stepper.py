"""An action's life as steps: what happened, where it stands, and what would still come."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from vedette.core import ENDED, Action, ActionEvent, ActionState, Record

__all__ = ["Step", "StepLook", "steps"]

_GOOD_ENDS = frozenset({ActionState.VERIFIED, ActionState.RELEASED, ActionState.SIMULATED})
S = ActionState
_REAL = (S.DISPATCHED, S.ACKNOWLEDGED, S.APPLIED, S.VERIFIED)
_DRY = (S.DISPATCHED, S.ACKNOWLEDGED, S.SIMULATED)
del S


class StepLook(StrEnum):
    """How a step is drawn."""

    DONE = "done"
    NOW = "now"
    AHEAD = "ahead"
    GOOD = "good"
    BAD = "bad"


class Step(Record, frozen=True, kw_only=True):
    """One step; `at`, `actor` and `detail` are of the event that reached it."""

    state: ActionState
    look: StepLook
    at: datetime | None = None
    actor: str = ""
    detail: str = ""


def steps(action: Action, events: Sequence[ActionEvent]) -> tuple[Step, ...]:
    """What happened, in order, then what would come if nothing stands in its way."""
    past: dict[ActionState, ActionEvent] = {}
    for event in sorted(events, key=lambda e: e.at):
        past.setdefault(event.state, event)
    order = [state for state in past if state is not action.state] + [action.state]
    done = tuple(
        Step(
            state=state,
            look=_look(state, action.state),
            at=past[state].at if state in past else action.updated_at,
            actor=past[state].actor if state in past else "",
            detail=past[state].detail if state in past else "",
        )
        for state in order
    )
    return done + tuple(Step(state=state, look=StepLook.AHEAD) for state in _ahead(action))


def _look(state: ActionState, now: ActionState) -> StepLook:
    if state is not now:
        return StepLook.DONE
    if state in _GOOD_ENDS:
        return StepLook.GOOD
    return StepLook.BAD if state in ENDED else StepLook.NOW


def _ahead(action: Action) -> tuple[ActionState, ...]:
    way = (ActionState.APPROVED, *(_DRY if action.dry_run else _REAL))
    if action.state in {ActionState.PROPOSED, ActionState.AWAITING_APPROVAL}:
        return way
    if action.state is ActionState.APPLIED:
        return (ActionState.VERIFIED,)
    return way[way.index(action.state) + 1 :] if action.state in way else ()
