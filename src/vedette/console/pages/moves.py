"""What the forms of the incident page do. Each ends on a page again."""

from litestar.di import NamedDependency
from litestar.response import Redirect

from vedette.console.api.query import Id
from vedette.console.commands import (
    acknowledge,
    approve,
    cancel,
    close,
    comment,
    refuse,
    release,
)
from vedette.console.form import Form
from vedette.console.pages.route import takes
from vedette.console.pages.said import back_to
from vedette.console.person import Person
from vedette.console.reason import needed
from vedette.console.settings import Console
from vedette.console.silencing import false_positive
from vedette.core import Action, ActionId, ActionState, IncidentId, InvalidInput, Resolution

__all__ = [
    "acknowledge_move",
    "approve_move",
    "cancel_move",
    "close_move",
    "comment_move",
    "false_positive_move",
    "page_of",
    "refuse_move",
    "release_move",
]

_WEEK = 7


@takes("/incidents/{incident_id:str}/acknowledge")
def acknowledge_move(
    console: NamedDependency[Console], person: NamedDependency[Person], incident_id: Id
) -> Redirect:
    """The Acknowledge button."""
    incident = acknowledge(console, person, IncidentId(incident_id), "")
    return back_to(f"/incidents/{incident.id}", "acknowledged")


@takes("/incidents/{incident_id:str}/close")
def close_move(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
    incident_id: Id,
) -> Redirect:
    """The Close form: what it was, and a comment."""
    try:
        resolution = Resolution(form.text("resolution"))
    except ValueError:
        raise InvalidInput("choose what the incident was before you close it") from None
    incident = close(
        console,
        person,
        IncidentId(incident_id),
        resolution,
        form.text("comment"),
        cohort=form.text("scope") == "cohort",
    )
    return back_to(f"/incidents/{incident.id}", "closed")


@takes("/incidents/{incident_id:str}/false-positive")
def false_positive_move(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
    incident_id: Id,
) -> Redirect:
    """The False positive button: for a week."""
    done = false_positive(
        console, person, IncidentId(incident_id), reason=form.text("reason"), days=_WEEK
    )
    return back_to(f"/incidents/{done.incident.id}", "false")


@takes("/incidents/{incident_id:str}/comments")
def comment_move(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
    incident_id: Id,
) -> Redirect:
    """The comment form."""
    comment(console, person, IncidentId(incident_id), form.text("text"))
    return back_to(f"/incidents/{incident_id}", "commented")


@takes("/actions/{action_id:str}/approve")
def approve_move(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
    action_id: Id,
) -> Redirect:
    """The Approve form; it asks for a reason."""
    action = approve(console, person, ActionId(action_id), _reason(form, "approve"))
    waits = action.state is ActionState.AWAITING_APPROVAL
    return _after(form, action, "counted" if waits else "approved")


@takes("/actions/{action_id:str}/refuse")
def refuse_move(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
    action_id: Id,
) -> Redirect:
    """The Refuse form; it asks for a reason."""
    reason = _reason(form, "refuse")
    action = refuse(console, person, ActionId(action_id), reason)
    return _after(form, action, "refused")


@takes("/actions/{action_id:str}/cancel")
def cancel_move(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
    action_id: Id,
) -> Redirect:
    """The Cancel form; it asks for a reason."""
    reason = _reason(form, "cancel")
    action = cancel(console, person, ActionId(action_id), reason)
    return _after(form, action, "recalled" if action.recalled_by else "cancelled")


@takes("/actions/{action_id:str}/release")
def release_move(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
    action_id: Id,
) -> Redirect:
    """The Release form; it asks for a reason."""
    reason = _reason(form, "release")
    return _after(form, release(console, person, ActionId(action_id), reason), "recalled")


def _reason(form: Form, verb: str) -> str:
    return needed(form.text("reason", bound=1000), f"{verb} this action")


def _after(form: Form, action: Action, done: str) -> Redirect:
    """Back to the page that the form is on."""
    back = form.text("back", bound=20)
    if back == "approvals":
        return Redirect(f"/approvals?done={done}&of={action.id}", status_code=303)
    return back_to(f"/actions/{action.id}" if back == "action" else page_of(action), done)


def page_of(action: Action) -> str:
    """Where the action is shown among others: its incident's page, or that of its host; else by itself."""
    if action.incident is not None:
        return f"/incidents/{action.incident}"
    return f"/actions/{action.id}" if action.host is None else f"/hosts/{action.host}"
