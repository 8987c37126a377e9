"""What the rule that makes one incident of many hosts' is shown."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from vedette.core import (
    DIGEST,
    Action,
    ActionState,
    HostId,
    Incident,
    IncidentId,
    Inhibition,
    Severity,
    Spread,
    Storm,
    TenantId,
)
from vedette.store.covering import covered
from vedette.store.database import Database
from vedette.store.explaining import explained
from vedette.store.rows import columns_of, read
from vedette.store.schema import ACTIONS, CLOSED_FLEET, HOSTS, INCIDENTS, LIVE_FLEET, LOOSE

__all__ = ["WAITING", "begun", "spread_of"]

# What was opened longer ago and is part of nothing stays so.
_LATELY = timedelta(hours=1)
_DAY = timedelta(days=1)
_AT_ONCE = 5_000
_MOST_CLOSED = 20
_INCIDENT = columns_of(INCIDENTS, Incident)
_ACTION = columns_of(ACTIONS, Action)


def begun(now: datetime) -> sa.ColumnElement[bool]:
    """Opened, or again, within the time that is looked at."""
    return sa.or_(INCIDENTS.c.opened_at >= now - _LATELY, INCIDENTS.c.returned_at >= now - _LATELY)


WAITING = (
    ACTIONS.c.state == ActionState.PROPOSED,
    ACTIONS.c.gather_seconds > 0,
    ACTIONS.c.incident.is_not(None),
)


def spread_of(
    connection: sa.Connection,
    database: Database,
    tenant: TenantId,
    rules: Sequence[Inhibition],
    now: datetime,
    *,
    lock: bool = False,
) -> Spread:
    """The tenant as it is; `lock`: what may be changed stays so until the transaction ends."""
    of_tenant = INCIDENTS.c.tenant == tenant
    query = (
        sa.select(*_INCIDENT)
        .where(of_tenant, sa.text(LOOSE), begun(now))
        .order_by(INCIDENTS.c.opened_at, INCIDENTS.c.id)
        .limit(_AT_ONCE)
    )
    if lock:
        query = database.locking(query, INCIDENTS)
    loose = _incidents(connection, query)
    storms = _incidents(connection, sa.select(*_INCIDENT).where(of_tenant, sa.text(LIVE_FLEET)))
    closed = (
        sa.select(*_INCIDENT)
        # By the index of hosts: few are of none.
        .where(of_tenant, INCIDENTS.c.host.is_(None), sa.text(CLOSED_FLEET))
        .order_by(INCIDENTS.c.closed_at.desc(), INCIDENTS.c.id.desc())
        .limit(_MOST_CLOSED)
    )
    waiting, parts, severities = _waiting(connection, tenant, rules, now)
    told, digests = (
        _told(connection, database, tenant, now, severities, lock=lock) if waiting else ((), ())
    )
    # Not asked in vain every few seconds: it takes more than one to make a storm.
    roles = _roles(connection, tenant) if len(loose) > 1 or storms else {}
    cohorts: dict[str, int] = {}
    for role in roles.values():
        cohorts[role] = cohorts.get(role, 0) + 1
    return Spread(
        tenant=tenant,
        at=now,
        fleet=len(roles),
        cohorts=cohorts,
        roles=roles,
        loose=loose,
        storms=tuple(_storm(connection, one) for one in storms),
        closed=_incidents(connection, closed) if len(loose) > 1 else (),
        waiting=waiting,
        parts=parts,
        told=told,
        digests=digests,
        severities=severities,
    )


def _roles(connection: sa.Connection, tenant: TenantId) -> dict[HostId, str]:
    query = sa.select(HOSTS.c.id, HOSTS.c.labels).where(
        HOSTS.c.tenant == tenant, HOSTS.c.revoked_at.is_(None)
    )
    return {HostId(row.id): row.labels.get("role", "") for row in connection.execute(query)}


def _incidents(connection: sa.Connection, query: sa.Select[Any]) -> tuple[Incident, ...]:
    return tuple(read(Incident, row) for row in connection.execute(query))


def _storm(connection: sa.Connection, incident: Incident) -> Storm:
    members = sa.select(*_INCIDENT).where(
        INCIDENTS.c.tenant == incident.tenant, INCIDENTS.c.part_of == incident.id
    )
    told = sa.select(*_ACTION).where(
        ACTIONS.c.tenant == incident.tenant,
        ACTIONS.c.incident == incident.id,
        # The tiers of its escalation tell by a time of their own.
        ACTIONS.c.trigger != "escalated",
    )
    return Storm(
        incident=incident,
        members=_incidents(connection, members.order_by(INCIDENTS.c.opened_at, INCIDENTS.c.id)),
        told=tuple(
            read(Action, row)
            for row in connection.execute(told.order_by(ACTIONS.c.proposed_at, ACTIONS.c.id))
        ),
    )


def _waiting(
    connection: sa.Connection, tenant: TenantId, rules: Sequence[Inhibition], now: datetime
) -> tuple[tuple[Action, ...], dict[IncidentId, IncidentId], dict[IncidentId, Severity]]:
    query: sa.Select[Any] = (
        sa.select(*_ACTION, INCIDENTS.c.part_of, INCIDENTS.c.severity.label("incident_severity"))
        .join(
            INCIDENTS,
            sa.and_(INCIDENTS.c.tenant == ACTIONS.c.tenant, INCIDENTS.c.id == ACTIONS.c.incident),
        )
        .where(ACTIONS.c.tenant == tenant, *WAITING)
        .order_by(ACTIONS.c.proposed_at, ACTIONS.c.id)
    )
    rows = connection.execute(query).all()
    parts = {IncidentId(row.incident): IncidentId(row.part_of) for row in rows if row.part_of}
    waiting = [read(Action, row) for row in rows]
    # What is held must not be told by way of its fleet.
    held = {
        *covered(connection, tenant, waiting, now),
        *explained(connection, tenant, waiting, rules, now),
    }
    severities = {IncidentId(row.incident): row.incident_severity for row in rows}
    return tuple(one for one in waiting if one.id not in held), parts, severities


def _told(
    connection: sa.Connection,
    database: Database,
    tenant: TenantId,
    now: datetime,
    severities: dict[IncidentId, Severity],
    *,
    lock: bool,
) -> tuple[tuple[Action, ...], tuple[Action, ...]]:
    """What began to be told lately, adding to `severities`, and the digests that have not begun."""
    home = sa.and_(INCIDENTS.c.tenant == ACTIONS.c.tenant, INCIDENTS.c.id == ACTIONS.c.incident)
    begun: sa.Select[Any] = (
        sa.select(*_ACTION, INCIDENTS.c.severity.label("incident_severity"))
        .join(INCIDENTS, home, isouter=True)
        .where(
            ACTIONS.c.tenant == tenant,
            # By the index of time: what waited for longer than a day counts no more.
            ACTIONS.c.proposed_at >= now - _DAY,
            ACTIONS.c.dispatched_at >= now - _LATELY,
            sa.not_(ACTIONS.c.disruptive),
            sa.or_(ACTIONS.c.gather_seconds > 0, ACTIONS.c.trigger == DIGEST),
        )
        .order_by(ACTIONS.c.dispatched_at, ACTIONS.c.id)
    )
    rows = connection.execute(begun).all()
    for row in rows:
        if row.incident:
            severities[IncidentId(row.incident)] = row.incident_severity
    digests = sa.select(*_ACTION).where(
        ACTIONS.c.tenant == tenant,
        ACTIONS.c.state == ActionState.PROPOSED,
        ACTIONS.c.trigger == DIGEST,
    )
    if lock:
        digests = database.locking(digests, ACTIONS)
    found = connection.execute(digests.order_by(ACTIONS.c.proposed_at, ACTIONS.c.id))
    told, waiting = [read(Action, row) for row in rows], [read(Action, row) for row in found]
    severities |= _severities(connection, [*told, *waiting])
    return tuple(told), tuple(waiting)


def _severities(connection: sa.Connection, actions: Sequence[Action]) -> dict[IncidentId, Severity]:
    """Of the incidents that digests list."""
    found: dict[IncidentId, Severity] = {}
    for digest in actions:
        if digest.trigger == DIGEST:
            query = sa.select(INCIDENTS.c.id, INCIDENTS.c.severity).where(
                INCIDENTS.c.tenant == digest.tenant,
                INCIDENTS.c.id.in_(digest.parameters["incidents"]),
            )
            found |= {IncidentId(row.id): row.severity for row in connection.execute(query)}
    return found
