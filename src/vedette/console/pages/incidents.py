"""The list of incidents, with what needs people first."""

from litestar import Response
from litestar.di import NamedDependency

from vedette.console.narrowing import Sort, pair, whose
from vedette.console.pages.params import choice, cursor, time, words
from vedette.console.pages.render import Here, PageRequest, Renderer
from vedette.console.pages.route import shows
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import (
    ActionState,
    HostStatus,
    IncidentId,
    IncidentState,
    Severity,
)

__all__ = ["incidents_page"]

PAGE_SIZE = 25
_MAX_WAITING = 100
_WORDS = {"host": 200, "assigned": 200, "label": 400, "cause": 1000, "since": 40, "until": 40}
_WAITING = "waiting"
_ALL = "all"


@shows("/incidents")
def incidents_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
) -> Response[str]:
    """Filters by state, severity, host name, whose it is, label, cause and when it was opened."""
    state = words(request, "state") or IncidentState.OPEN.value
    if state not in (_WAITING, _ALL):
        choice(request, "state", IncidentState)
    after, severity = cursor(request), choice(request, "severity", Severity)
    sort = choice(request, "sort", Sort) or Sort.NEWEST
    chosen = {name: words(request, name, bound=bound) for name, bound in _WORDS.items()}
    waiting = _waiting(console, person)
    found = console.store.incidents.find(
        person.tenant,
        state=None if state in (_WAITING, _ALL) else IncidentState(state),
        among=waiting if state == _WAITING else None,
        severity=severity,
        whole=state != _WAITING,
        text=chosen["host"],
        assigned_to=whose(chosen["assigned"], person),
        label=pair(chosen["label"]),
        cause=chosen["cause"] or None,
        since=time(request, "since"),
        until=time(request, "until"),
        oldest_first=sort is Sort.OLDEST,
        limit=PAGE_SIZE,
        after=after,
    )
    chosen |= {"severity": severity.value if severity else ""}
    filtered = any(chosen.values())
    chosen |= {"sort": "" if sort is Sort.NEWEST else sort.value}
    counts = _counts(console, person, waiting)
    return renderer.page(
        request,
        "incidents.html",
        title="Incidents",
        items=found.items,
        next=found.next,
        first=after is None,
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
        chosen=chosen,
        filtered=filtered,
        severities=[one.value for one in reversed(Severity)],
        here=Here("/incidents", state=state, **chosen),
    )


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
