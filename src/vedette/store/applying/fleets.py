"""A fleet's incident can't stay closed over a host's that opened again by itself."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from vedette.core import Incident, IncidentId, IncidentState, TenantId
from vedette.store.incident_steps import change, one_incident, told, write_event
from vedette.store.schema import INCIDENTS
from vedette.store.trail import Trail

__all__ = ["open_fleets"]

_CLOSED = (INCIDENTS.c.state == IncidentState.CLOSED, INCIDENTS.c.merged_into.is_(None))


def open_fleets(
    connection: sa.Connection, returned: Iterable[Incident], *, actor: str, now: datetime
) -> None:
    """Opens what these are part of, each once and with its lines; one that is open stays as it is."""
    for tenant, fleet in sorted(
        {(one.tenant, one.part_of) for one in returned if one.part_of is not None}
    ):
        _open(connection, tenant, fleet, Trail(connection, tenant, actor, now))


def _open(connection: sa.Connection, tenant: TenantId, fleet: IncidentId, trail: Trail) -> None:
    values = {
        "state": IncidentState.OPEN,
        "quiet_since": None,
        "closed_at": None,
        "closed_by": "",
        "resolution": None,
        "acknowledged_by": "",
        "acknowledged_at": None,
        "returns": INCIDENTS.c.returns + 1,
        # By the store's clock, as what tells of it: it is told anew.
        "returned_at": trail.now,
    }
    if not change(connection, (tenant, fleet), _CLOSED, values):
        return
    words = "by itself: a host of it is abnormal again"
    write_event(connection, tenant, fleet, "reopened", trail.actor, trail.now, words)
    after = one_incident(connection, tenant, fleet)
    trail.audit("incident.reopened", fleet, words, told(after))
    trail.notify("incident.reopened", fleet, told(after))
