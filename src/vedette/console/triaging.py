"""What people make of incidents: the same for the API and the pages."""

from collections.abc import Collection

from vedette.console.person import Person
from vedette.console.reason import needed
from vedette.console.settings import Console
from vedette.core import HostId, Incident, IncidentId

__all__ = ["assign", "merge", "reopen", "split"]


def assign(
    console: Console, person: Person, incident_id: IncidentId, to: str, reason: str
) -> Incident:
    """Makes it somebody's, by name; an empty name makes it nobody's.

    Raises:
        InvalidInput: nobody of this name may respond.
        NotFound: the tenant has no such incident.
        Conflict: it is closed, or theirs already.
    """
    return console.store.triage.assign(
        person.tenant, incident_id, person.actor, to=to.strip(), reason=reason.strip()
    )


def reopen(console: Console, person: Person, incident_id: IncidentId, reason: str) -> Incident:
    """Undoes its closing.

    Raises:
        InvalidInput: without a reason.
        NotFound: the tenant has no such incident.
        Conflict: it is not closed, or it was merged into another.
    """
    why = needed(reason, "re-open this incident")
    return console.store.triage.reopen(person.tenant, incident_id, person.actor, reason=why)


def merge(
    console: Console, person: Person, incident_id: IncidentId, into: IncidentId, reason: str
) -> Incident:
    """Makes one of two; gives the one that goes on.

    Raises:
        InvalidInput: without a reason, or with itself.
        NotFound: the tenant has none of one of these ids.
        Conflict: one of them is closed, or they can't be one.
    """
    why = needed(reason, "merge these incidents")
    return console.store.triage.merge(person.tenant, incident_id, into, person.actor, reason=why)


def split(
    console: Console,
    person: Person,
    incident_id: IncidentId,
    *,
    hosts: Collection[HostId],
    causes: Collection[str],
    reason: str,
) -> Incident:
    """Takes hosts or causes out; gives the new incident.

    Raises:
        InvalidInput: without a reason; neither or both are given, or not what it is made of.
        NotFound: the tenant has no such incident.
        Conflict: it is closed, or nothing would be left of it.
    """
    why = needed(reason, "split this incident")
    return console.store.triage.split(
        person.tenant, incident_id, person.actor, reason=why, hosts=hosts, causes=causes
    )
