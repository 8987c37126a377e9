"""/v1/actions: what was proposed, and people's say in it."""

from typing import Annotated

from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from vedette.console.api.bodies import Proposing, Reasoned
from vedette.console.api.query import After, Id, IdempotencyKey, IdFilter, Limit, TextFilter
from vedette.console.api.replies import ActionEvents, Actions
from vedette.console.api.route import changes, reads
from vedette.console.commands import approve, cancel, refuse, release
from vedette.console.person import Person
from vedette.console.proposing import NewAction, propose
from vedette.console.settings import Console
from vedette.core import Action, ActionId, ActionState, HostId, IncidentId
from vedette.store import Role

__all__ = [
    "approve_action",
    "cancel_action",
    "get_action",
    "list_action_events",
    "list_actions",
    "propose_action",
    "refuse_action",
    "release_action",
]


@reads("/actions", tag="actions", summary="Find actions, newest first")
def list_actions(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    in_state: Annotated[ActionState | None, QueryParameter(name="state")] = None,
    incident: IdFilter = None,
    host: IdFilter = None,
    kind: TextFilter = None,
    limit: Limit = 100,
    after: After = None,
) -> Actions:
    """By state, incident, host and kind."""
    page = console.store.actions.find(
        person.tenant,
        state=in_state,
        incident=None if incident is None else IncidentId(incident),
        host=None if host is None else HostId(host),
        kind=kind,
        limit=limit,
        after=after,
    )
    return Actions(items=page.items, next=page.next)


@reads("/actions/{action_id:str}", tag="actions", summary="One action", one=True)
def get_action(
    console: NamedDependency[Console], person: NamedDependency[Person], action_id: Id
) -> Action:
    """With its plan, once the host has made one."""
    return console.store.actions.get(person.tenant, ActionId(action_id))


@reads("/actions/{action_id:str}/events", tag="actions", summary="All its steps", one=True)
def list_action_events(
    console: NamedDependency[Console], person: NamedDependency[Person], action_id: Id
) -> ActionEvents:
    """Oldest first."""
    action = console.store.actions.get(person.tenant, ActionId(action_id))
    return ActionEvents(items=tuple(console.store.actions.events(person.tenant, action.id)))


@changes("/actions", tag="actions", summary="Propose an action", role=Role.RESPONDER, status=201)
def propose_action(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    data: JSONBody[Proposing],
    idempotency_key: IdempotencyKey = None,
) -> Action:
    """It goes the way of a policy's: under the same guards, and only when somebody else has approved it."""
    asked = NewAction(
        kind=data.kind,
        host=HostId(data.host),
        parameters=data.parameters,
        reason=data.reason,
        dry_run=data.dry_run,
        incident=None if data.incident is None else IncidentId(data.incident),
        request=idempotency_key or "",
    )
    return propose(console, person, asked)


@changes(
    "/actions/{action_id:str}/approve",
    tag="actions",
    summary="Approve it",
    role=Role.RESPONDER,
)
def approve_action(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    action_id: Id,
    data: JSONBody[Reasoned],
) -> Action:
    """Only while it awaits approval, and with a reason; a second approval is a conflict."""
    return approve(console, person, ActionId(action_id), data.reason)


@changes("/actions/{action_id:str}/refuse", tag="actions", summary="Refuse it", role=Role.RESPONDER)
def refuse_action(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    action_id: Id,
    data: JSONBody[Reasoned],
) -> Action:
    """Only while it awaits approval, and with a reason."""
    return refuse(console, person, ActionId(action_id), data.reason)


@changes("/actions/{action_id:str}/cancel", tag="actions", summary="Cancel it", role=Role.RESPONDER)
def cancel_action(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    action_id: Id,
    data: JSONBody[Reasoned],
) -> Action:
    """Before it is in force. Where the host has it already, it is asked to call it off, and the answer is awaited."""
    return cancel(console, person, ActionId(action_id), data.reason)


@changes(
    "/actions/{action_id:str}/release",
    tag="actions",
    summary="Release what is in force",
    role=Role.RESPONDER,
)
def release_action(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    action_id: Id,
    data: JSONBody[Reasoned],
) -> Action:
    """Asks the host to undo a lease. The action is `released` once the host has said so, or the lease has run out."""
    return release(console, person, ActionId(action_id), data.reason)
