"""The approvals inbox: every action that waits for somebody, what it would do and why, and the say in it."""

from litestar import Response
from litestar.di import NamedDependency

from vedette.console.pages.about import about, host_ids
from vedette.console.pages.action import ActionView, look_at
from vedette.console.pages.deeds import DEEDS
from vedette.console.pages.params import cursor, words
from vedette.console.pages.render import Here, PageRequest, Renderer
from vedette.console.pages.route import shows
from vedette.console.pages.said import said
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Host,
    Incident,
    IncidentId,
    NotFound,
    Reason,
    Record,
)

__all__ = ["approvals_page"]

_PAGE = 20
_REASONS = 3


class _Waiting(Record, frozen=True, kw_only=True):
    """`reasons` are the incident's first few; `more` is how many there are beside them."""

    item: ActionView
    host: Host | None
    incident: Incident | None
    reasons: tuple[Reason, ...]
    more: int


@shows("/approvals")
def approvals_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
) -> Response[str]:
    """Newest first. Filters by kind, host's name and incident."""
    kind, host, incident = (words(request, name) for name in ("kind", "host", "incident"))
    after = cursor(request)
    found = console.store.actions.find(
        person.tenant,
        state=ActionState.AWAITING_APPROVAL,
        kind=kind or None,
        hosts=host_ids(console, person, host),
        incident=IncidentId(incident) if incident else None,
        limit=_PAGE,
        after=after,
    )
    return renderer.page(
        request,
        "approvals.html",
        title="Approvals",
        items=_waiting(console, person, found.items),
        next=found.next,
        first=after is None,
        kinds=sorted({*DEEDS, *([kind] if kind else [])}),
        kind=kind,
        host=host,
        incident=incident,
        here=Here("/approvals", kind=kind, host=host, incident=incident),
        said=said(request),
        decided=_decided(console, person, words(request, "of")),
    )


def _waiting(console: Console, person: Person, actions: tuple[Action, ...]) -> tuple[_Waiting, ...]:
    of = about(console, person, actions)
    found = []
    for action in actions:
        incident = of.incident(action)
        reasons = incident.reasons if incident else ()
        found.append(
            _Waiting(
                item=look_at(console, person, action, of.hostname(action)),
                host=of.host(action),
                incident=incident,
                reasons=reasons[:_REASONS],
                more=max(0, len(reasons) - _REASONS),
            )
        )
    return tuple(found)


def _decided(console: Console, person: Person, identifier: str) -> Action | None:
    """What was just decided on; the address is anybody's to write, so it may name nothing."""
    if not identifier:
        return None
    try:
        return console.store.actions.get(person.tenant, ActionId(identifier))
    except NotFound:
        return None
