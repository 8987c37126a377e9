"""One incident: why, since when, what is done about it, and people's say."""

from datetime import timedelta

from litestar import Response
from litestar.di import NamedDependency

from vedette.console.api.query import Id
from vedette.console.pages.action import ActionView, look_at
from vedette.console.pages.chart import score_chart
from vedette.console.pages.render import PageRequest, Renderer
from vedette.console.pages.route import shows
from vedette.console.pages.said import said
from vedette.console.pages.timeline import Life, timeline
from vedette.console.person import Person
from vedette.console.proposing import able
from vedette.console.settings import Console
from vedette.console.silencing import scope_of, would_hold
from vedette.core import (
    ENDED,
    Incident,
    IncidentId,
    IncidentKind,
    Verdict,
)
from vedette.store import Page

__all__ = ["incident_page"]

_MAX_VERDICTS = 180
_MAX_MEMBERS = 50
_MAX_ESCALATIONS = 5
_BEFORE = timedelta(minutes=30)
_AFTER = timedelta(minutes=30)


@shows("/incidents/{incident_id:str}")
def incident_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
    incident_id: Id,
) -> Response[str]:
    """Everything on one page."""
    incident = console.store.incidents.get(person.tenant, IncidentId(incident_id))
    verdicts = _verdicts(console, incident)
    members = _members(console, incident)
    lives = _lives(console, incident)
    return renderer.page(
        request,
        "incident.html",
        title=incident.title,
        incident=incident,
        now=console.clock.now(),
        actions=_views(console, person, incident, lives),
        events=timeline(console.store.incidents.events(person.tenant, incident.id), lives),
        verdicts=verdicts,
        behind=next((v.confirmation for v in verdicts if v.confirmation.of), None),
        chart=score_chart(verdicts, since=incident.begun_at, until=incident.quiet_since),
        would_hold=would_hold(console, incident),
        cohorts=scope_of(console, incident).cohorts,
        kinds=_kinds(console, incident),
        members=members.items,
        more_members=members.next is not None,
        escalations=console.store.escalations.find(
            person.tenant, incident=incident.id, limit=_MAX_ESCALATIONS
        ).items,
        said=said(request),
    )


def _verdicts(console: Console, incident: Incident) -> tuple[Verdict, ...]:
    """Newest first: those around the incident, the latest of them if they are many. Of many hosts: none."""
    if incident.host is None:
        return ()
    ended = incident.quiet_since or incident.closed_at
    page = console.store.verdicts.find(
        incident.tenant,
        host=incident.host,
        since=incident.opened_at - _BEFORE,
        until=None if ended is None else ended + _AFTER,
        limit=_MAX_VERDICTS,
    )
    return page.items


def _members(console: Console, incident: Incident) -> Page[Incident]:
    """The incidents of hosts that it is made of, newest first."""
    if incident.kind is not IncidentKind.FLEET:
        return Page(items=(), next=None)
    return console.store.incidents.find(incident.tenant, part_of=incident.id, limit=_MAX_MEMBERS)


def _kinds(console: Console, incident: Incident) -> tuple[str, ...]:
    """What can be carried out on its host."""
    if incident.host is None:
        return ()
    return able(console, console.store.hosts.get(incident.tenant, incident.host))


def _lives(console: Console, incident: Incident) -> tuple[Life, ...]:
    """Its actions with their steps, newest first."""
    page = console.store.actions.find(incident.tenant, incident=incident.id, limit=50)
    return tuple(
        (action, tuple(console.store.actions.events(action.tenant, action.id)))
        for action in page.items
    )


def _views(
    console: Console, person: Person, incident: Incident, lives: tuple[Life, ...]
) -> tuple[ActionView, ...]:
    """What needs a decision first, then what is in force or on its way; what only told somebody last."""
    views = [look_at(console, person, one, incident.hostname, events) for one, events in lives]
    return tuple(sorted(views, key=_rank))


def _rank(view: ActionView) -> tuple[bool, ...]:
    action = view.action
    ended = action.state in ENDED or not (action.disruptive or view.may_release)
    return (not view.may_decide, not view.may_release, ended, not action.disruptive)
