"""Undoes the closing of an incident."""

import sqlalchemy as sa

from vedette.core import Conflict, Incident, IncidentId, IncidentKind, IncidentState, TenantId
from vedette.store.database import Database
from vedette.store.incident_steps import change, one_incident, told, write_event
from vedette.store.schema import INCIDENTS, SILENCES
from vedette.store.silences import end_silence
from vedette.store.trail import Trail

__all__ = ["reopen"]

_GOES_ON = {
    "state": IncidentState.OPEN,
    "quiet_since": None,
    "closed_at": None,
    "closed_by": "",
    "resolution": None,
    # Whoever saw to it before has said that it was over.
    "acknowledged_by": "",
    "acknowledged_at": None,
    "edits": INCIDENTS.c.edits + 1,
}


def reopen(
    database: Database,
    connection: sa.Connection,
    which: tuple[TenantId, IncidentId],
    trail: Trail,
    reason: str,
) -> Incident:
    """What `Triage.reopen` does."""
    incident = one_incident(connection, *which, lock=database)
    if incident.merged_into is not None:
        raise Conflict(
            f"the incident was merged into {incident.merged_into}; split that one instead",
            kind="incident-merged",
        )
    if incident.state is not IncidentState.CLOSED:
        raise Conflict(f"the incident is {incident.state}, not closed", kind="not-closed")
    if incident.kind is IncidentKind.BREAKER:
        raise Conflict("an incident of the service itself opens by itself", kind="own-incident")
    members = _closed_with(connection, incident)
    if incident.kind is IncidentKind.FLEET and not members:
        raise Conflict(
            "its hosts' incidents were closed one by one; re-open those that go on",
            kind="closed-one-by-one",
        )
    fleet = _closed_fleet(database, connection, incident)
    for one in (incident, *members, *fleet):
        _open(connection, one, trail, reason)
    return one_incident(connection, *which)


def _closed_with(connection: sa.Connection, incident: Incident) -> list[Incident]:
    if incident.kind is not IncidentKind.FLEET:
        return []
    query = sa.select(INCIDENTS.c.id).where(
        INCIDENTS.c.tenant == incident.tenant,
        INCIDENTS.c.part_of == incident.id,
        INCIDENTS.c.closed_at == incident.closed_at,
        INCIDENTS.c.closed_by == incident.closed_by,
        INCIDENTS.c.merged_into.is_(None),
    )
    ids = connection.execute(query.order_by(INCIDENTS.c.id)).scalars().all()
    return [one_incident(connection, incident.tenant, IncidentId(one)) for one in ids]


def _closed_fleet(
    database: Database, connection: sa.Connection, incident: Incident
) -> list[Incident]:
    """What it is part of, which can't stay closed over an open one."""
    if incident.part_of is None:
        return []
    fleet = one_incident(connection, incident.tenant, incident.part_of, lock=database)
    return [fleet] if fleet.state is IncidentState.CLOSED and not fleet.merged_into else []


def _open(connection: sa.Connection, one: Incident, trail: Trail, reason: str) -> None:
    change(connection, (one.tenant, one.id), (), _GOES_ON)
    write_event(connection, one.tenant, one.id, "reopened", trail.actor, trail.now, reason)
    after = one_incident(connection, one.tenant, one.id)
    trail.audit("incident.reopened", one.id, reason, told(after))
    trail.notify("incident.reopened", one.id, told(after))
    query = sa.select(SILENCES.c.id).where(
        SILENCES.c.tenant == one.tenant,
        SILENCES.c.incident == one.id,
        SILENCES.c.ends_at > trail.now,
        SILENCES.c.ended_at.is_(None),
    )
    for silence in connection.execute(query.order_by(SILENCES.c.id)).scalars().all():
        end_silence(connection, one.tenant, silence, trail, f"its incident was re-opened: {reason}")
