"""/v1/incidents, what people make of them: whose they are, that they go on, and what belongs together."""

from litestar.di import NamedDependency
from litestar.params import JSONBody

from vedette.console.api.bodies import Assigning, Merging, Reasoned, Splitting
from vedette.console.api.query import Id
from vedette.console.api.route import changes
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.console.triaging import assign, merge, reopen, split
from vedette.core import HostId, Incident, IncidentId
from vedette.store import Role

__all__ = ["assign_incident", "merge_incident", "reopen_incident", "split_incident"]


@changes(
    "/incidents/{incident_id:str}/assign",
    tag="incidents",
    summary="Make it somebody's",
    role=Role.RESPONDER,
)
def assign_incident(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    incident_id: Id,
    data: JSONBody[Assigning],
) -> Incident:
    """By the name of a token that may respond; an empty name makes it nobody's."""
    return assign(console, person, IncidentId(incident_id), data.to, data.reason)


@changes(
    "/incidents/{incident_id:str}/reopen",
    tag="incidents",
    summary="Undo its closing",
    role=Role.RESPONDER,
)
def reopen_incident(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    incident_id: Id,
    data: JSONBody[Reasoned],
) -> Incident:
    """With a reason. What was closed with it is open again, and what was silenced for it is told again."""
    return reopen(console, person, IncidentId(incident_id), data.reason)


@changes(
    "/incidents/{incident_id:str}/merge",
    tag="incidents",
    summary="Make it part of another",
    role=Role.RESPONDER,
)
def merge_incident(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    incident_id: Id,
    data: JSONBody[Merging],
) -> Incident:
    """Answers with the one that goes on; of two hosts' incidents that is a fleet's, of which both are part."""
    return merge(console, person, IncidentId(incident_id), IncidentId(data.into), data.reason)


@changes(
    "/incidents/{incident_id:str}/split",
    tag="incidents",
    summary="Take hosts or causes out of it",
    role=Role.RESPONDER,
)
def split_incident(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    incident_id: Id,
    data: JSONBody[Splitting],
) -> Incident:
    """Hosts of a fleet's, causes of a host's. Answers with the new incident."""
    return split(
        console,
        person,
        IncidentId(incident_id),
        hosts=tuple(HostId(one) for one in data.hosts),
        causes=tuple(data.causes),
        reason=data.reason,
    )
