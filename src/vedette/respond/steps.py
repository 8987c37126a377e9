"""Writes an outcome as the one next step of an action, or as a note where there is no step to take.

One step a call: what follows is found again from the rows, so a crash between two steps is no case of its own.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from vedette.core import Action, ActionEvent, ActionState
from vedette.respond.outcome import (
    Acknowledged,
    Applied,
    Cancelled,
    Expired,
    Failed,
    Outcome,
    Prepared,
    Refused,
    Released,
    Retry,
    Simulated,
    Verified,
)
from vedette.respond.ports import Actions
from vedette.respond.schedule import again, renewal

__all__ = ["ACTOR", "BEGUN", "open_attempts", "record", "record_renewal"]

ACTOR = "system:respond"
# In the data of a step of what takes something away: the number of the attempt that begins then, or of which it says what came of it.
BEGUN, _OVER = "attempt_begun", "attempt_over"
S = ActionState
_TO_VERIFIED = {S.DISPATCHED: S.ACKNOWLEDGED, S.ACKNOWLEDGED: S.APPLIED, S.APPLIED: S.VERIFIED}
_TO_APPLIED = {S.DISPATCHED: S.ACKNOWLEDGED, S.ACKNOWLEDGED: S.APPLIED}
_TO_SIMULATED = {S.DISPATCHED: S.ACKNOWLEDGED, S.ACKNOWLEDGED: S.SIMULATED}
_IN_EFFECT = frozenset({S.APPLIED, S.VERIFIED})


def open_attempts(events: Iterable[ActionEvent]) -> dict[int, datetime]:
    """By number, when those attempts began of which no step says what came of them."""
    begun: dict[int, datetime] = {}
    here = [event for event in events if event.state is S.DISPATCHED]
    for place, event in enumerate(here):
        number = event.data.get(BEGUN, 0) if place else 1
        if number:
            begun[number] = event.at
        begun.pop(event.data.get(_OVER, 0), None)
    return begun


def record(actions: Actions, action: Action, outcome: Outcome, now: datetime) -> Action | None:
    """The action after its step, or None when there is none to take.

    A dry run is never verified, an applied action never simulated, and nothing is verified without evidence: an outcome
    that says so is a failure.
    """
    if isinstance(outcome, Retry | Prepared):
        return _note(actions, action, outcome, now)
    to, detail, data = _step(action, outcome)
    if to is None:
        return None
    until = _until(action, outcome, now) if to is S.VERIFIED else None
    return actions.advance(
        action.tenant,
        action.id,
        to,
        actor=ACTOR,
        detail=detail,
        data=data,
        expected=action.state,
        plan=outcome.plan if isinstance(outcome, Simulated) and to is S.SIMULATED else None,
        lease_until=until,
        wake_at=renewal(action, until) if until is not None else None,
    )


def record_renewal(
    actions: Actions, action: Action, outcome: Outcome, now: datetime
) -> Action | None:
    """The lease in force after an attempt to renew it, or None while there is no answer.

    An attempt that did not work is written down, and made again when half of what is left has passed. What its host has in
    force for longer than was known, as it says, is written down with it.
    """
    match outcome:
        case Verified() if outcome.evidence:
            until = _until(action, outcome, now)
            detail, data = outcome.detail, outcome.evidence
        case Retry() | Refused() | Failed():
            until = None
            detail, data = f"not renewed: {outcome.detail}", outcome.data
        case Released():
            return record(actions, action, outcome, now)
        case _:
            return None
    told = outcome.until if isinstance(outcome, Failed) else None
    end = max(action.lease_until or now, told or now)
    left = end - now
    return actions.note(
        action.tenant,
        action.id,
        actor=ACTOR,
        detail=detail,
        data=data,
        expected=action.state,
        expected_attempts=action.attempts,
        attempts=action.attempts + 1,
        lease_until=until or (end if told else None),
        wake_at=renewal(action, until) if until else now + max(left / 2, timedelta(seconds=1)),
    )


def _step(action: Action, outcome: Outcome) -> tuple[ActionState | None, str, dict[str, Any]]:
    match outcome:
        case Simulated():
            step = _simulated(action, outcome)
        case Verified():
            step = _verified(action, outcome)
        case Applied():
            step = _applied(action, outcome)
        case Released():
            to = S.RELEASED if action.state in _IN_EFFECT else S.CANCELLED
            step = (to, outcome.detail, outcome.evidence)
        case Acknowledged():
            acknowledged = S.ACKNOWLEDGED if action.state is S.DISPATCHED else None
            step = (acknowledged, outcome.detail, outcome.data)
        case Cancelled():
            step = (_called_off(action), outcome.detail, outcome.data)
        case Refused():
            step = (_unless_in_effect(action, S.REFUSED), outcome.detail, outcome.data)
        case Expired():
            step = (_unless_in_effect(action, S.EXPIRED), outcome.detail, {})
        case Failed():
            step = (S.FAILED, outcome.detail, outcome.data)
        case _:
            step = (None, "", {})
    return step


def _simulated(
    action: Action, outcome: Simulated
) -> tuple[ActionState | None, str, dict[str, Any]]:
    if not action.dry_run:
        return S.FAILED, f"was only simulated: {outcome.detail}", outcome.plan
    return _TO_SIMULATED.get(action.state, S.FAILED), outcome.detail, outcome.plan


def _verified(action: Action, outcome: Verified) -> tuple[ActionState | None, str, dict[str, Any]]:
    if action.dry_run:
        return S.FAILED, f"a dry run was carried out: {outcome.detail}", outcome.evidence
    if not outcome.evidence:
        return S.FAILED, f"called verified, but nothing was seen: {outcome.detail}", {}
    return _TO_VERIFIED.get(action.state), outcome.detail, outcome.evidence


def _applied(action: Action, outcome: Applied) -> tuple[ActionState | None, str, dict[str, Any]]:
    if action.dry_run:
        return S.FAILED, f"a dry run was carried out: {outcome.detail}", outcome.data
    return _TO_APPLIED.get(action.state), outcome.detail, outcome.data


def _until(action: Action, outcome: Outcome, now: datetime) -> datetime | None:
    if not action.leased:
        return None
    told = outcome.until if isinstance(outcome, Verified) else None
    return told or now + timedelta(seconds=action.lease_seconds)


def _unless_in_effect(action: Action, to: ActionState) -> ActionState:
    return S.FAILED if action.state in _IN_EFFECT else to


def _called_off(action: Action) -> ActionState:
    """What has a grace may be called off after it was begun; a lease is released."""
    if action.state is S.APPLIED and action.grace_seconds > 0:
        return S.CANCELLED
    return _unless_in_effect(action, S.CANCELLED)


def _note(
    actions: Actions, action: Action, outcome: Retry | Prepared, now: datetime
) -> Action | None:
    if action.state is not S.DISPATCHED:
        return None
    over = isinstance(outcome, Retry) and action.disruptive
    return actions.note(
        action.tenant,
        action.id,
        actor=ACTOR,
        detail=outcome.detail,
        data=outcome.data | ({_OVER: action.attempts} if over else {}),
        expected=action.state,
        expected_attempts=action.attempts,
        attempts=action.attempts,
        wake_at=again(action, now, outcome.wait_seconds) if isinstance(outcome, Retry) else None,
    )
