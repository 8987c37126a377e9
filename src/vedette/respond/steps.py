"""Writes an outcome as the one next step of an action, or as a note where there is no step to take.

One step a call: what follows is found again from the rows, so a crash between two steps is no case of its own.
"""

from typing import Any

from vedette.core import Action, ActionState
from vedette.respond.outcome import (
    Acknowledged,
    Expired,
    Failed,
    Outcome,
    Refused,
    Retry,
    Simulated,
    Verified,
)
from vedette.respond.ports import Actions

__all__ = ["ACTOR", "record"]

ACTOR = "system:respond"
S = ActionState
_TO_VERIFIED = {S.DISPATCHED: S.ACKNOWLEDGED, S.ACKNOWLEDGED: S.APPLIED, S.APPLIED: S.VERIFIED}
_TO_SIMULATED = {S.DISPATCHED: S.ACKNOWLEDGED, S.ACKNOWLEDGED: S.SIMULATED}


def record(actions: Actions, action: Action, outcome: Outcome) -> Action | None:
    """The action after its step, or None when there is none to take.

    A dry run is never verified and an applied action never simulated: an outcome that says so is a failure.
    """
    if isinstance(outcome, Retry):
        return _note(actions, action, outcome)
    to, detail, data = _step(action, outcome)
    if to is None:
        return None
    return actions.advance(
        action.tenant,
        action.id,
        to,
        actor=ACTOR,
        detail=detail,
        data=data,
        expected=action.state,
        plan=outcome.plan if isinstance(outcome, Simulated) and to is S.SIMULATED else None,
    )


def _step(action: Action, outcome: Outcome) -> tuple[ActionState | None, str, dict[str, Any]]:
    match outcome:
        case Acknowledged():
            to = S.ACKNOWLEDGED if action.state is S.DISPATCHED else None
            step = (to, outcome.detail, outcome.data)
        case Verified() if action.dry_run:
            step = (S.FAILED, f"a dry run was carried out: {outcome.detail}", outcome.evidence)
        case Verified():
            step = (_TO_VERIFIED[action.state], outcome.detail, outcome.evidence)
        case Simulated() if not action.dry_run:
            step = (S.FAILED, f"was only simulated: {outcome.detail}", outcome.plan)
        case Simulated():
            step = (_TO_SIMULATED.get(action.state, S.FAILED), outcome.detail, outcome.plan)
        case Refused():
            step = (_unless_applied(action, S.REFUSED), outcome.detail, outcome.data)
        case Expired():
            step = (_unless_applied(action, S.EXPIRED), outcome.detail, {})
        case Failed():
            step = (S.FAILED, outcome.detail, outcome.data)
        case _:
            step = (None, "", {})
    return step


def _unless_applied(action: Action, to: ActionState) -> ActionState:
    return S.FAILED if action.state is S.APPLIED else to


def _note(actions: Actions, action: Action, outcome: Retry) -> Action | None:
    if action.state is not S.DISPATCHED:
        return None
    return actions.note(
        action.tenant,
        action.id,
        actor=ACTOR,
        detail=outcome.detail,
        data=outcome.data,
        expected=action.state,
        expected_attempts=action.attempts,
        attempts=action.attempts,
    )
