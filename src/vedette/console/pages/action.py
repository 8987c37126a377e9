"""An action as pages show it: its steps, its plan, and what the person who looks may do about it."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from vedette.console.evidence import told_of
from vedette.console.pages.deeds import consequence, ends_itself
from vedette.console.pages.plan import PlanView, view_plan
from vedette.console.pages.stepper import Step, steps
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import Action, ActionEvent, ActionState, Evidence, Record, may_become
from vedette.store import Role

__all__ = ["ActionView", "look_at", "view_action"]

_IN_EFFECT = frozenset({ActionState.APPLIED, ActionState.VERIFIED})


class ActionView(Record, frozen=True, kw_only=True):
    """An action as the page shows it. `words` are (actor, reason) of the people who decided.

    `may_decide`: it waits for somebody, and not too long; `barred` says why this person can't approve it then (empty: they
    can). `ends_itself`: its lease ends where it is in force, without anybody's doing. `given` are those who have approved it so far. `evidence` is
    what is kept of it, `contents` and `left_out` the host's own word of that.
    """

    action: Action
    steps: tuple[Step, ...]
    plan: PlanView | None
    words: tuple[tuple[str, str], ...]
    given: tuple[str, ...]
    may_decide: bool
    barred: str
    may_cancel: bool
    may_release: bool
    consequence: str
    ends_itself: bool
    evidence: Evidence | None = None
    contents: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def look_at(
    console: Console,
    person: Person,
    action: Action,
    hostname: str = "",
    events: Sequence[ActionEvent] | None = None,
) -> ActionView:
    """As this person sees it now; its steps are read where they are not at hand."""
    known = console.store.actions.events(action.tenant, action.id) if events is None else events
    waiting = action.state is ActionState.AWAITING_APPROVAL
    given = console.store.actions.approvals(action.tenant, action.id) if waiting else []
    view = view_action(
        action, known, console.clock.now(), person=person, given=given, hostname=hostname
    )
    evidence = console.store.evidence.held(action.tenant, action.id)
    if evidence is None:
        return view
    contents, left_out = told_of(known)
    return replace(view, evidence=evidence, contents=contents, left_out=left_out)


def view_action(
    action: Action,
    events: Sequence[ActionEvent],
    now: datetime,
    *,
    person: Person,
    given: Sequence[str] = (),
    hostname: str = "",
) -> ActionView:
    """With what may be decided at this moment."""
    waiting = action.state is ActionState.AWAITING_APPROVAL
    people = tuple(
        (event.actor, event.detail)
        for event in events
        if event.actor.startswith("user:") and event.detail and event.detail != action.detail
    )
    leased = action.leased and action.state in _IN_EFFECT
    return ActionView(
        action=action,
        steps=steps(action, events),
        plan=view_plan(action.plan),
        words=people,
        given=tuple(given),
        may_decide=waiting and action.expires_at > now,
        barred=_barred(action, person, given),
        may_cancel=not (waiting or leased or action.recalled_by) and _may_be_cancelled(action),
        may_release=leased and not action.recalled_by,
        consequence=consequence(action, hostname),
        ends_itself=ends_itself(action),
    )


def _barred(action: Action, person: Person, given: Sequence[str]) -> str:
    if not person.may(Role.RESPONDER):
        return f"Your role is {person.role.value}: you can look, and responders and admins decide."
    if action.proposed_by == person.actor:
        return "You proposed it, so somebody else must approve it."
    if person.actor in given:
        left = action.approvals - len(given)
        return f"You approved it. {left} more {'person' if left == 1 else 'people'} must."
    return ""


def _may_be_cancelled(action: Action) -> bool:
    if action.state is ActionState.ACKNOWLEDGED:
        return action.answered_for
    return may_become(action.state, ActionState.CANCELLED)
