"""How far an action reaches, from the rows."""

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from vedette.core import (
    IN_FORCE,
    PEOPLE,
    REACH_WINDOW,
    Action,
    ActionState,
    HostId,
    Reach,
    TenantId,
    reach_of,
)
from vedette.store.schema import ACTIONS, HOSTS, INCIDENTS
from vedette.store.weighing import weigh

__all__ = ["DESTRUCTIVE", "acted", "asked", "hosts_of", "lacking", "reach"]

DESTRUCTIVE: Final = (ACTIONS.c.disruptive, sa.not_(ACTIONS.c.dry_run))


def reach(connection: sa.Connection, action: Action, now: datetime) -> Reach:
    """Of one action, where people decide on it: by what is approved or begun."""
    return _reach(connection, action, acted(connection, action.tenant, now))


def asked(connection: sa.Connection, action: Action, now: datetime) -> tuple[int, str]:
    """How many people must approve it, and why it takes more than its policy asks for; empty where it does not."""
    why = reach(connection, action, now).words
    if not why or action.approvals >= PEOPLE:
        return action.approvals, ""
    return PEOPLE, f"two people must approve it: {why}"


def lacking(connection: sa.Connection, action: Action, now: datetime) -> str:
    """Why it may not begin with the approvals that it has; empty when it may."""
    given = len(weigh(connection, (action.tenant, action.id), now).given)
    # What two people approved is not held against what one approved before it, and begins after it.
    begun = _ours(action.tenant).where(_begun(now), ACTIONS.c.approvals < PEOPLE)
    return _reach(connection, action, _found(connection, begun)).lacks(action, given)


def acted(connection: sa.Connection, tenant: TenantId, now: datetime) -> frozenset[HostId]:
    """Hosts on which something is approved, was begun within the hour, or is under a lease."""
    ours = _ours(tenant)
    approved = ours.where(ACTIONS.c.state == ActionState.APPROVED)
    return _found(connection, sa.union(approved, ours.where(_begun(now))))


def _ours(tenant: TenantId) -> sa.Select[Any]:
    return sa.select(ACTIONS.c.host).where(
        ACTIONS.c.tenant == tenant, *DESTRUCTIVE, ACTIONS.c.host.is_not(None)
    )


def _begun(now: datetime) -> sa.ColumnElement[bool]:
    lasting = sa.and_(ACTIONS.c.lease_seconds > 0, ACTIONS.c.state.in_(sorted(IN_FORCE)))
    lately = sa.or_(ACTIONS.c.dispatched_at > now - REACH_WINDOW, lasting)
    return sa.and_(ACTIONS.c.dispatched_at.is_not(None), lately)


def _found(
    connection: sa.Connection, query: sa.Select[Any] | sa.CompoundSelect[Any]
) -> frozenset[HostId]:
    return frozenset(HostId(host) for host in connection.execute(query).scalars())


def _reach(connection: sa.Connection, action: Action, others: frozenset[HostId]) -> Reach:
    storm = connection.execute(
        sa.select(INCIDENTS.c.part_of).where(
            INCIDENTS.c.tenant == action.tenant, INCIDENTS.c.id == action.incident
        )
    ).scalar()
    hosts = hosts_of(connection, action.tenant)
    return reach_of(action, storm=storm is not None, acted=others, hosts=hosts)


def hosts_of(connection: sa.Connection, tenant: TenantId) -> int:
    """How many hosts the tenant has."""
    query = (
        sa.select(sa.func.count())
        .select_from(HOSTS)
        .where(HOSTS.c.tenant == tenant, HOSTS.c.revoked_at.is_(None))
    )
    return int(connection.execute(query).scalar_one())
