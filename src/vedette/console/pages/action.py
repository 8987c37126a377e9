"""An action as pages show it: its steps, its plan, and what a person may do about it."""

from collections.abc import Sequence
from datetime import datetime

from vedette.console.pages.plan import PlanView, view_plan
from vedette.console.pages.stepper import Step, steps
from vedette.core import Action, ActionEvent, ActionState, Record, may_become

__all__ = ["ActionView", "view_action"]

_IN_EFFECT = frozenset({ActionState.APPLIED, ActionState.VERIFIED})


class ActionView(Record, frozen=True, kw_only=True):
    """An action as the page shows it. `words` are (actor, reason) of the people who decided."""

    action: Action
    steps: tuple[Step, ...]
    plan: PlanView | None
    words: tuple[tuple[str, str], ...]
    may_decide: bool
    may_cancel: bool
    may_release: bool
    consequence: str


def view_action(action: Action, events: Sequence[ActionEvent], now: datetime) -> ActionView:
    """With what may be decided at this moment."""
    waiting = action.state is ActionState.AWAITING_APPROVAL
    people = tuple(
        (event.actor, event.detail)
        for event in events
        if event.actor.startswith("user:") and event.detail and event.detail != action.detail
    )
    return ActionView(
        action=action,
        steps=steps(action, events),
        plan=view_plan(action.plan),
        words=people,
        may_decide=waiting and action.expires_at > now,
        may_cancel=not waiting and not action.recalled_by and _may_be_cancelled(action),
        may_release=action.leased and action.state in _IN_EFFECT and not action.recalled_by,
        consequence=_consequence(action),
    )


def _may_be_cancelled(action: Action) -> bool:
    if action.state is ActionState.ACKNOWLEDGED:
        return action.recallable
    return may_become(action.state, ActionState.CANCELLED)


def _consequence(action: Action) -> str:
    if action.dry_run:
        return (
            f"The host is asked to plan the {action.kind} and to check whether it could carry it out. "
            "This is a dry run: nothing is changed on it."
        )
    if action.lease_seconds:
        return f"The host carries out the {action.kind}. It is a lease: the host ends it by itself when it is not renewed."
    if action.grace_seconds:
        return (
            f"The host carries out the {action.kind} after {action.grace_seconds:g} seconds of grace, in which it can be "
            "cancelled. It can't be undone."
        )
    return f"The {action.kind} is carried out at once."
