"""/v1/incidents: what people look at, acknowledge, comment and close."""

from typing import Annotated

from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter

from vedette.console.api.bodies import Closing, Comment, FalseAlarm, Reasoned
from vedette.console.api.query import (
    After,
    AssignedFilter,
    CauseFilter,
    Id,
    IdFilter,
    LabelFilter,
    Limit,
    Since,
    TextFilter,
    Until,
    moment,
)
from vedette.console.api.replies import IncidentEvents, Incidents
from vedette.console.api.route import changes, reads
from vedette.console.commands import acknowledge, close, comment
from vedette.console.narrowing import Sort, pair, whose
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.console.silencing import FalsePositive, false_positive
from vedette.core import HostId, Incident, IncidentId, IncidentState, Resolution, Severity
from vedette.store import Role

__all__ = [
    "acknowledge_incident",
    "close_incident",
    "comment_incident",
    "false_positive_incident",
    "get_incident",
    "list_incident_events",
    "list_incidents",
]


@reads("/incidents", tag="incidents", summary="Find incidents, newest first")
def list_incidents(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    in_state: Annotated[IncidentState | None, QueryParameter(name="state")] = None,
    severity: FromQuery[Severity | None] = None,
    host: IdFilter = None,
    part_of: IdFilter = None,
    text: TextFilter = None,
    assigned: AssignedFilter = None,
    cause: CauseFilter = None,
    label: LabelFilter = None,
    since: Since = None,
    until: Until = None,
    sort: FromQuery[Sort] = Sort.NEWEST,
    limit: Limit = 100,
    after: After = None,
) -> Incidents:
    """By state, severity, host, the fleet's incident that they are part of, whose they are, cause, label (`role=web`: a cohort), and when they were opened."""
    page = console.store.incidents.find(
        person.tenant,
        state=in_state,
        severity=severity,
        host=None if host is None else HostId(host),
        part_of=None if part_of is None else IncidentId(part_of),
        text=text or "",
        assigned_to=whose(assigned, person),
        cause=cause,
        label=pair(label),
        since=moment(since, "since"),
        until=moment(until, "until"),
        oldest_first=sort is Sort.OLDEST,
        limit=limit,
        after=after,
    )
    return Incidents(items=page.items, next=page.next)


@reads("/incidents/{incident_id:str}", tag="incidents", summary="One incident", one=True)
def get_incident(
    console: NamedDependency[Console], person: NamedDependency[Person], incident_id: Id
) -> Incident:
    """With its reasons."""
    return console.store.incidents.get(person.tenant, IncidentId(incident_id))


@reads("/incidents/{incident_id:str}/events", tag="incidents", summary="Its timeline", one=True)
def list_incident_events(
    console: NamedDependency[Console], person: NamedDependency[Person], incident_id: Id
) -> IncidentEvents:
    """Oldest first."""
    incident = console.store.incidents.get(person.tenant, IncidentId(incident_id))
    return IncidentEvents(items=tuple(console.store.incidents.events(person.tenant, incident.id)))


@changes(
    "/incidents/{incident_id:str}/acknowledge",
    tag="incidents",
    summary="Say that you look into it",
    role=Role.RESPONDER,
)
def acknowledge_incident(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    incident_id: Id,
    data: JSONBody[Reasoned],
) -> Incident:
    """A reason becomes a comment."""
    return acknowledge(console, person, IncidentId(incident_id), data.reason)


@changes(
    "/incidents/{incident_id:str}/close",
    tag="incidents",
    summary="Close it, saying what it was",
    role=Role.RESPONDER,
)
def close_incident(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    incident_id: Id,
    data: JSONBody[Closing],
) -> Incident:
    """The detector hears of it with the host's next snapshot: what was normal is learned at once."""
    return close(
        console,
        person,
        IncidentId(incident_id),
        Resolution(data.resolution),
        data.comment,
        cohort=data.scope == "cohort",
    )


@changes(
    "/incidents/{incident_id:str}/false-positive",
    tag="incidents",
    summary="Close it as a false positive and silence its causes there",
    role=Role.RESPONDER,
)
def false_positive_incident(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    incident_id: Id,
    data: JSONBody[FalseAlarm],
) -> FalsePositive:
    """Releases its hosts, teaches the detector, and says what the silence would have held in the last 30 days."""
    return false_positive(
        console, person, IncidentId(incident_id), reason=data.reason, days=data.days
    )


@changes(
    "/incidents/{incident_id:str}/comments",
    tag="incidents",
    summary="Add a comment",
    role=Role.RESPONDER,
    status=201,
)
def comment_incident(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    incident_id: Id,
    data: JSONBody[Comment],
) -> IncidentEvents:
    """Answers with the timeline."""
    incident = IncidentId(incident_id)
    comment(console, person, incident, data.text)
    return IncidentEvents(items=tuple(console.store.incidents.events(person.tenant, incident)))
