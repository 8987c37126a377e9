"""A fleet's incident by people's hands, and the sums of what is part of one."""

import re
from typing import Any

import sqlalchemy as sa

from vedette.core import (
    HostId,
    Incident,
    IncidentId,
    IncidentKind,
    IncidentState,
    TenantId,
)
from vedette.store.incident_steps import change, one_incident, told, write_event
from vedette.store.rows import columns_of, read, values_of
from vedette.store.schema import HOSTS, INCIDENTS
from vedette.store.trail import Trail

__all__ = ["cohorts", "members", "new_fleet", "recount", "size"]

_COUNTED = re.compile(r"^(?:Several|\d+) hosts?: ")
_COLUMNS = columns_of(INCIDENTS, Incident)


def members(connection: sa.Connection, tenant: TenantId, fleet: IncidentId) -> list[Incident]:
    """The incidents that are part of it, oldest first."""
    query = sa.select(*_COLUMNS).where(INCIDENTS.c.tenant == tenant, INCIDENTS.c.part_of == fleet)
    rows = connection.execute(query.order_by(INCIDENTS.c.opened_at, INCIDENTS.c.id))
    return [read(Incident, row) for row in rows]


def size(connection: sa.Connection, tenant: TenantId, fleet: IncidentId) -> int:
    """How many incidents are part of it."""
    query = sa.select(sa.func.count()).where(
        INCIDENTS.c.tenant == tenant, INCIDENTS.c.part_of == fleet
    )
    return int(connection.execute(query).scalar_one())


def cohorts(connection: sa.Connection, tenant: TenantId, fleet: IncidentId) -> tuple[str, ...]:
    """The cohorts of its hosts, in order; hosts without a role are of the empty one."""
    query = (
        sa.select(HOSTS.c.labels)
        .join(
            INCIDENTS,
            sa.and_(INCIDENTS.c.tenant == HOSTS.c.tenant, INCIDENTS.c.host == HOSTS.c.id),
        )
        .where(INCIDENTS.c.tenant == tenant, INCIDENTS.c.part_of == fleet)
    )
    return tuple(sorted({row.labels.get("role", "") for row in connection.execute(query)}))


def new_fleet(
    connection: sa.Connection,
    identifier: IncidentId,
    like: Incident,
    causes: tuple[str, ...],
    trail: Trail,
) -> Incident:
    """One that nothing is part of yet; what is like another bears its time, reasons and severity."""
    incident = Incident(
        id=identifier,
        tenant=like.tenant,
        host=None,
        hostname="",
        state=IncidentState.OPEN,
        title=f"Several hosts: {causes[0] if causes else 'abnormal at once'}",
        severity=like.severity,
        causes=causes,
        reasons=tuple(one for one in like.reasons if one.subject in causes),
        opened_at=like.opened_at,
        first_verdict=like.first_verdict,
        last_abnormal_at=like.last_abnormal_at,
        kind=IncidentKind.FLEET,
        hosts=0,
        model=like.model if like.kind is IncidentKind.FLEET else "",
        edits=1,
    )
    connection.execute(sa.insert(INCIDENTS), [values_of(incident)])
    write_event(
        connection, like.tenant, identifier, "opened", trail.actor, trail.now, "by a person's hand"
    )
    trail.audit("incident.opened", identifier, incident.title, told(incident))
    return incident


def recount(connection: sa.Connection, tenant: TenantId, fleet: IncidentId) -> None:
    """What is said of a fleet's incident as a whole, from what is part of it now. Its title follows when it is next gathered."""
    parts = members(connection, tenant, fleet)
    if not parts:
        return
    hosts = {HostId(one.host) for one in parts if one.host is not None}
    values: dict[str, Any] = {
        "hosts": len(hosts),
        "verdicts": sum(one.verdicts for one in parts),
        "peak_score": max(one.peak_score for one in parts),
        "severity": max((one.severity for one in parts), key=lambda severity: severity.rank),
        "last_abnormal_at": max(one.last_abnormal_at for one in parts),
        "opened_at": min(one.opened_at for one in parts),
        "edits": INCIDENTS.c.edits + 1,
    }
    what = _COUNTED.sub("", one_incident(connection, tenant, fleet).title)
    values["title"] = f"{len(hosts)} host{'' if len(hosts) == 1 else 's'}: {what}"
    change(connection, (tenant, fleet), (), values)
