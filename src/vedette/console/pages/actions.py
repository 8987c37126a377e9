"""All actions, newest first; and the page of one: every step, what was seen, and what its host was told."""

from typing import Any

from litestar import Response
from litestar.di import NamedDependency

from vedette.console.api.query import Id
from vedette.console.pages.about import about, host_ids
from vedette.console.pages.action import look_at
from vedette.console.pages.deeds import DEEDS
from vedette.console.pages.params import choice, cursor, time, words
from vedette.console.pages.render import Here, PageRequest, Renderer
from vedette.console.pages.route import shows
from vedette.console.pages.said import said
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Command,
    CommandResult,
    Incident,
    IncidentId,
    Record,
)

__all__ = ["action_page", "actions_page"]

_PAGE = 50


class _Told(Record, frozen=True, kw_only=True):
    command: Command
    results: tuple[CommandResult, ...]


@shows("/actions")
def actions_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
) -> Response[str]:
    """Filters by state, kind, host's name and when they were proposed."""
    state, after = choice(request, "state", ActionState), cursor(request)
    kind, host = words(request, "kind"), words(request, "host")
    since, until = time(request, "since"), time(request, "until")
    found = console.store.actions.find(
        person.tenant,
        state=state,
        kind=kind or None,
        hosts=host_ids(console, person, host),
        since=since,
        until=until,
        limit=_PAGE,
        after=after,
    )
    chosen = {
        "state": state.value if state else "",
        "kind": kind,
        "host": host,
        "since": words(request, "since"),
        "until": words(request, "until"),
    }
    return renderer.page(
        request,
        "actions.html",
        title="Actions",
        items=found.items,
        next=found.next,
        first=after is None,
        about=about(console, person, found.items),
        states=[one.value for one in ActionState],
        kinds=sorted({*DEEDS, *([kind] if kind else [])}),
        chosen=chosen,
        filtered=any(chosen.values()),
        here=Here("/actions", **chosen),
    )


@shows("/actions/{action_id:str}")
def action_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
    action_id: Id,
) -> Response[str]:
    """One action."""
    action = console.store.actions.get(person.tenant, ActionId(action_id))
    events = console.store.actions.events(person.tenant, action.id)
    of = about(console, person, (action,))
    return renderer.page(
        request,
        "one_action.html",
        title=_title(action, of.hostname(action)),
        now=console.clock.now(),
        action=action,
        item=look_at(console, person, action, of.hostname(action), events),
        events=tuple(reversed(events)),
        host=of.host(action),
        incident=of.incident(action),
        listed=_listed(console, person, action),
        commands=_commands(console, action),
        approvals=console.store.actions.approvals(person.tenant, action.id),
        parameters=_parameters(action),
        said=said(request),
    )


def _title(action: Action, hostname: str) -> str:
    kind = action.kind.replace("_", " ").capitalize()
    return f"{kind} of {hostname}" if hostname and action.disruptive else kind


def _listed(console: Console, person: Person, action: Action) -> tuple[Incident, ...]:
    """The incidents that a digest tells of, the worst first; what no longer is one of the tenant's is left out."""
    named = action.parameters.get("incidents")
    if not isinstance(named, list):
        return ()
    found = console.store.incidents.many(person.tenant, [IncidentId(str(one)) for one in named])
    return tuple(sorted(found.values(), key=lambda one: (-one.severity.rank, one.opened_at)))


def _commands(console: Console, action: Action) -> tuple[_Told, ...]:
    return tuple(
        _Told(
            command=command,
            results=tuple(console.store.commands.results(action.tenant, command.id)),
        )
        for command in reversed(console.store.commands.of(action))
    )


def _parameters(action: Action) -> dict[str, Any]:
    """Without the incidents of a digest, which are listed by themselves."""
    return {name: value for name, value in action.parameters.items() if name != "incidents"}
