"""How an incident moves by people's hands or the service's own, each with its line and audit rows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vedette.core import (
    EscalationState,
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentKind,
    IncidentState,
    NotFound,
    Resolution,
    Severity,
    TenantId,
    derived_id,
)
from vedette.store.database import Database
from vedette.store.rows import columns_of, read, values_of
from vedette.store.schema import ESCALATIONS, INCIDENT_EVENTS, INCIDENTS
from vedette.store.trail import Trail

__all__ = [
    "change",
    "close",
    "close_members",
    "one_incident",
    "own_incident",
    "stop_escalations",
    "told",
    "write_event",
]

_COLUMNS = columns_of(INCIDENTS, Incident)


def own_incident(
    connection: sa.Connection,
    tenant: TenantId,
    key: str,
    *,
    title: str,
    severity: Severity,
    actor: str,
    now: datetime,
) -> Incident:
    """What `Incidents.raise_own` does, within the transaction of what raised it."""
    query = sa.select(*_COLUMNS).where(
        INCIDENTS.c.tenant == tenant,
        INCIDENTS.c.kind == IncidentKind.BREAKER,
        INCIDENTS.c.state != IncidentState.CLOSED,
    )
    living = (read(Incident, row) for row in connection.execute(query))
    before = next((one for one in living if one.causes == (key,)), None)
    if before is not None:
        seen = {"last_abnormal_at": now, "verdicts": before.verdicts + 1}
        change(connection, (tenant, before.id), (), seen)
        write_event(connection, tenant, before.id, "joined", actor, now, title)
        return one_incident(connection, tenant, before.id)
    incident = Incident(
        id=IncidentId(derived_id("own-incident", tenant, key, now.isoformat())),
        tenant=tenant,
        host=None,
        hostname="",
        state=IncidentState.OPEN,
        title=title,
        severity=severity,
        causes=(key,),
        reasons=(),
        opened_at=now,
        first_verdict=None,
        last_abnormal_at=now,
        kind=IncidentKind.BREAKER,
        hosts=0,
    )
    connection.execute(sa.insert(INCIDENTS), [values_of(incident)])
    write_event(connection, tenant, incident.id, "opened", actor, now, title)
    trail = Trail(connection, tenant, actor, now)
    trail.audit("incident.opened", incident.id, title, told(incident))
    trail.notify("incident.opened", incident.id, {**told(incident), "kind": str(incident.kind)})
    return incident


def close(
    connection: sa.Connection,
    which: tuple[TenantId, IncidentId],
    actor: str,
    now: datetime,
    resolution: Resolution,
    comment: str,
) -> Incident | None:
    """The incident as it is closed; None if it was before."""
    values = {
        "state": IncidentState.CLOSED,
        "closed_at": now,
        "closed_by": actor,
        "resolution": resolution,
    }
    if not change(connection, which, (INCIDENTS.c.state != IncidentState.CLOSED,), values):
        one_incident(connection, *which)
        return None
    incident = one_incident(connection, *which)
    stop_escalations(connection, which, EscalationState.CLOSED, f"closed by {actor}", now)
    write_event(connection, *which, "closed", actor, now, comment)
    trail = Trail(connection, which[0], actor, now)
    trail.audit("incident.closed", incident.id, comment, told(incident))
    trail.notify("incident.closed", incident.id, told(incident))
    return incident


def close_members(connection: sa.Connection, fleet: Incident) -> list[Incident]:
    """Those of a fleet's incident that are not closed yet, with the same words."""
    assert fleet.closed_at is not None
    assert fleet.resolution is not None
    query = (
        sa.select(INCIDENTS.c.id)
        .where(
            INCIDENTS.c.tenant == fleet.tenant,
            INCIDENTS.c.part_of == fleet.id,
            INCIDENTS.c.state != IncidentState.CLOSED,
        )
        .order_by(INCIDENTS.c.id)
    )
    words = f"with the fleet's incident {fleet.id}"
    closed = (
        close(
            connection,
            (fleet.tenant, IncidentId(ident)),
            fleet.closed_by,
            fleet.closed_at,
            fleet.resolution,
            words,
        )
        for ident in connection.execute(query).scalars().all()
    )
    return [one for one in closed if one is not None]


def change(
    connection: sa.Connection,
    of: tuple[TenantId, IncidentId],
    only_if: Iterable[sa.ColumnElement[bool]],
    values: dict[str, Any],
) -> bool:
    """Sets the values of one incident if the conditions hold; whether they did."""
    statement = sa.update(INCIDENTS).where(
        INCIDENTS.c.tenant == of[0], INCIDENTS.c.id == of[1], *only_if
    )
    return connection.execute(statement.values(values)).rowcount == 1


def stop_escalations(
    connection: sa.Connection,
    of: tuple[TenantId, IncidentId],
    state: EscalationState,
    why: str,
    now: datetime,
) -> None:
    """Nobody more is told of the incident from this transaction on."""
    connection.execute(
        sa.update(ESCALATIONS)
        .where(
            ESCALATIONS.c.tenant == of[0],
            ESCALATIONS.c.incident == of[1],
            ESCALATIONS.c.state == EscalationState.RUNNING,
        )
        .values(state=state, due_at=None, detail=why, ended_at=now)
    )


def write_event(
    connection: sa.Connection,
    tenant: TenantId,
    identifier: IncidentId,
    kind: str,
    actor: str,
    at: datetime,
    text: str,
) -> IncidentEvent:
    """Adds a line to its timeline."""
    event = IncidentEvent(incident=identifier, at=at, kind=kind, actor=actor, text=text)
    connection.execute(sa.insert(INCIDENT_EVENTS), [values_of(event, tenant=tenant)])
    return event


def one_incident(
    connection: sa.Connection,
    tenant: TenantId,
    identifier: IncidentId,
    *,
    lock: Database | None = None,
) -> Incident:
    """The incident; with `lock` nobody else changes it until the transaction ends.

    Raises:
        NotFound: the tenant has none of this id.
    """
    query = sa.select(*_COLUMNS).where(INCIDENTS.c.tenant == tenant, INCIDENTS.c.id == identifier)
    if lock is not None:
        query = lock.locking(query, INCIDENTS)
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"no incident {identifier}")
    return read(Incident, row)


def told(incident: Incident) -> dict[str, Any]:
    """What a notice or an audit row tells of it."""
    return {
        "host": incident.host,
        "hostname": incident.hostname,
        "state": str(incident.state),
        "severity": str(incident.severity),
        "title": incident.title,
        "resolution": str(incident.resolution or ""),
    }
