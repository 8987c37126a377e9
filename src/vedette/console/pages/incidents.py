"""The list of incidents, with what needs people first."""

from litestar import Response
from litestar.di import NamedDependency

from vedette.console.pages.params import choice, cursor, words
from vedette.console.pages.render import Here, PageRequest, Renderer
from vedette.console.pages.route import shows
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import (
    ActionState,
    HostStatus,
    Incident,
    IncidentId,
    IncidentState,
    Record,
    Severity,
)
from vedette.store import Page

__all__ = ["incidents_page"]

PAGE_SIZE = 25
# A search by name looks through at most so many pages of incidents for one page of hits.
_MAX_PAGES = 20
_MAX_WAITING = 100
_WAITING = "waiting"
_ALL = "all"


class Filters(Record, frozen=True, kw_only=True):
    """What the list is narrowed to; `state` is a state, `waiting` or `all`."""

    state: str
    severity: Severity | None
    host: str
    after: str | None


@shows("/incidents")
def incidents_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
) -> Response[str]:
    """Filters by state, severity and host name."""
    state = words(request, "state") or IncidentState.OPEN.value
    if state not in (_WAITING, _ALL):
        choice(request, "state", IncidentState)
    filters = Filters(
        state=state,
        severity=choice(request, "severity", Severity),
        host=words(request, "host"),
        after=cursor(request),
    )
    waiting = _waiting(console, person)
    found = _find(console, person, filters, waiting)
    counts = _counts(console, person, waiting)
    return renderer.page(
        request,
        "incidents.html",
        title="Incidents",
        items=found.items,
        next=found.next,
        first=filters.after is None,
        waiting=waiting,
        counts=counts,
        tabs=(
            ("open", "Open", counts["open"]),
            (_WAITING, "Awaiting approval", counts["waiting"]),
            ("quiet", "Quiet", counts["quiet"]),
            ("closed", "Closed", counts["closed"]),
            (_ALL, "All", counts["all"]),
        ),
        state=state,
        severity=filters.severity.value if filters.severity else "",
        host=filters.host,
        severities=[severity.value for severity in reversed(Severity)],
        here=Here(
            "/incidents",
            state=state,
            severity=filters.severity.value if filters.severity else "",
            host=filters.host,
        ),
    )


def _find(
    console: Console, person: Person, filters: Filters, waiting: tuple[IncidentId, ...]
) -> Page[Incident]:
    def fits(incident: Incident) -> bool:
        return filters.host.lower() in incident.hostname.lower() and (
            filters.severity is None or incident.severity is filters.severity
        )

    if filters.state == _WAITING:
        named = (console.store.incidents.get(person.tenant, identifier) for identifier in waiting)
        return Page(items=tuple(filter(fits, named)), next=None)
    state = None if filters.state == _ALL else IncidentState(filters.state)
    items: list[Incident] = []
    after = filters.after
    for _ in range(_MAX_PAGES):
        page = console.store.incidents.find(
            person.tenant,
            state=state,
            severity=filters.severity,
            whole=True,
            limit=PAGE_SIZE,
            after=after,
        )
        items += filter(fits, page.items)
        after = page.next
        if after is None or len(items) >= PAGE_SIZE:
            break
    return Page(items=tuple(items), next=after)


def _waiting(console: Console, person: Person) -> tuple[IncidentId, ...]:
    """Incidents with an action that awaits approval, each once; one that answers a host's standing has none."""
    page = console.store.actions.find(
        person.tenant, state=ActionState.AWAITING_APPROVAL, limit=_MAX_WAITING
    )
    found = (action.incident for action in page.items if action.incident is not None)
    return tuple(dict.fromkeys(found))


def _counts(console: Console, person: Person, waiting: tuple[IncidentId, ...]) -> dict[str, int]:
    hosts = console.store.hosts.counts_by_status(person.tenant)
    states = console.store.incidents.counts_by_state(person.tenant)
    return {
        **{state.value: count for state, count in states.items()},
        "all": sum(states.values()),
        "waiting": len(waiting),
        "abnormal": hosts.get(HostStatus.ABNORMAL, 0),
        "unknown": hosts.get(HostStatus.UNKNOWN, 0),
        "hosts": sum(hosts.values()),
    }
