"""What people may change: the same guarded transitions for the API and the pages."""

from datetime import timedelta

from vedette.console.person import Person
from vedette.console.reason import needed
from vedette.console.settings import Console
from vedette.core import (
    IN_FORCE,
    Action,
    ActionId,
    ActionState,
    Conflict,
    Forbidden,
    Incident,
    IncidentId,
    InvalidInput,
    Resolution,
    may_become,
)
from vedette.store import Enrolment, Role

__all__ = ["acknowledge", "approve", "cancel", "close", "comment", "enrol", "refuse", "release"]


def approve(console: Console, person: Person, action_id: ActionId, reason: str) -> Action:
    """Lets an action that awaits approval go on, once as many people have approved it as it takes.

    Raises:
        InvalidInput: without a reason.
        NotFound: the tenant has no such action.
        Conflict: it does not await approval, or no longer, or they approved it before.
    """
    reason = needed(reason, "approve this action")
    action = _awaiting(console, person, action_id, "approved")
    return console.store.actions.approve(
        action.tenant, action.id, actor=person.actor, reason=reason
    )


def refuse(console: Console, person: Person, action_id: ActionId, reason: str) -> Action:
    """Ends an action that awaits approval.

    Raises:
        InvalidInput: without a reason.
        NotFound: the tenant has no such action.
        Conflict: it does not await approval, or no longer.
    """
    reason = needed(reason, "refuse this action")
    action = _awaiting(console, person, action_id, "refused")
    return console.store.actions.advance(
        action.tenant,
        action.id,
        ActionState.REFUSED,
        actor=person.actor,
        detail=reason,
        expected=ActionState.AWAITING_APPROVAL,
    )


def cancel(console: Console, person: Person, action_id: ActionId, reason: str) -> Action:
    """Ends an action that is not in force yet; where its host has it already, the host is asked to call it off.

    Raises:
        NotFound: the tenant has no such action.
        Conflict: it is too late, or it changed in this moment.
    """
    action = console.store.actions.get(person.tenant, action_id)
    # What a host has begun ends when the host says so, never by a word here.
    if action.answered_for and action.state in IN_FORCE - {ActionState.VERIFIED}:
        return console.store.actions.recall(
            action.tenant, action.id, actor=person.actor, why=reason
        )
    if not may_become(action.state, ActionState.CANCELLED):
        raise Conflict(
            f"this action is {action.state.value} and can no longer be cancelled",
            kind="not-cancellable",
            state=action.state.value,
        )
    return console.store.actions.advance(
        action.tenant,
        action.id,
        ActionState.CANCELLED,
        actor=person.actor,
        detail=reason,
        expected=action.state,
    )


def release(console: Console, person: Person, action_id: ActionId, reason: str) -> Action:
    """Asks for the end of a lease that is in force. It is released when the host has said so, or its time is over.

    Raises:
        NotFound: the tenant has no such action.
        Conflict: it is no lease, nothing of it is in force, or somebody asked before.
    """
    action = console.store.actions.get(person.tenant, action_id)
    if not action.leased or action.state not in IN_FORCE:
        raise Conflict(
            f"this {action.kind} is {action.state.value.replace('_', ' ')}"
            f"{', a dry run' if action.dry_run else ''}; there is nothing to release{_instead(action)}",
            kind="not-in-force",
            state=action.state.value,
        )
    return console.store.actions.recall(action.tenant, action.id, actor=person.actor, why=reason)


def acknowledge(console: Console, person: Person, incident_id: IncidentId, reason: str) -> Incident:
    """Says who looks into it; a reason becomes a comment.

    Raises:
        NotFound: the tenant has no such incident.
        Conflict: it is closed, or someone has acknowledged it.
    """
    console.store.incidents.acknowledge(person.tenant, incident_id, person.actor)
    if reason.strip():
        console.store.incidents.comment(person.tenant, incident_id, person.actor, reason.strip())
    return console.store.incidents.get(person.tenant, incident_id)


def close(
    console: Console,
    person: Person,
    incident_id: IncidentId,
    resolution: Resolution,
    words: str,
    *,
    cohort: bool = False,
) -> Incident:
    """Closes it, saying what it was; with `cohort`, on every host of its cohort.

    Raises:
        InvalidInput: `expired` is said by time alone; of a cohort only what is normal is said, and why.
        Forbidden: only an admin speaks for a cohort.
        NotFound: the tenant has no such incident.
        Conflict: it is closed.
    """
    if resolution is Resolution.EXPIRED:
        raise InvalidInput(
            "people close an incident as true_positive, false_positive or benign_change"
        )
    if cohort:
        _check_cohort(person, resolution, words)
    console.store.incidents.close(
        person.tenant, incident_id, person.actor, resolution, words.strip(), cohort=cohort
    )
    return console.store.incidents.get(person.tenant, incident_id)


def _check_cohort(person: Person, resolution: Resolution, words: str) -> None:
    if not person.may(Role.ADMIN):
        raise Forbidden(
            "only an admin may say what is normal for a whole cohort", kind="needs-admin"
        )
    if resolution is Resolution.TRUE_POSITIVE:
        raise InvalidInput("what was really abnormal is said of one host, not of its cohort")
    if not words.strip():
        raise InvalidInput("say in a comment why this is normal for the whole cohort")


def comment(console: Console, person: Person, incident_id: IncidentId, text: str) -> None:
    """Adds a line to the timeline.

    Raises:
        InvalidInput: only spaces.
        NotFound: the tenant has no such incident.
    """
    if not text.strip():
        raise InvalidInput("a comment needs some text")
    console.store.incidents.comment(person.tenant, incident_id, person.actor, text.strip())


def _instead(action: Action) -> str:
    return ", refuse it instead" if action.state is ActionState.AWAITING_APPROVAL else ""


def _awaiting(console: Console, person: Person, action_id: ActionId, verb: str) -> Action:
    action = console.store.actions.get(person.tenant, action_id)
    if action.state is not ActionState.AWAITING_APPROVAL:
        raise Conflict(
            f"this action is {action.state.value.replace('_', ' ')} and can't be {verb} now; its steps say who decided what",
            kind="not-awaiting-approval",
            state=action.state.value,
        )
    if action.expires_at <= console.clock.now():
        raise Conflict(
            f"the time to decide on this action ended at {action.expires_at.isoformat()}, and nothing was done; "
            "propose it anew if it is still wanted",
            kind="approval-expired",
        )
    return action


def enrol(
    console: Console, person: Person, *, uses: int, seconds: float, labels: dict[str, str]
) -> tuple[Enrolment, str]:
    """A new enrolment token as stored, and its text, which is shown once."""
    issued = console.enrolments.issue(person.tenant)
    enrolment = console.store.enrolments.create(
        person.tenant,
        issued.secret_hash,
        expires_at=console.clock.now() + timedelta(seconds=seconds),
        uses=uses,
        labels=labels,
        actor=person.actor,
    )
    return enrolment, issued.text
