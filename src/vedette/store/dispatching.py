"""Lets a disruptive action begin only within the limits: counted and begun in one transaction, so that two can't pass as one."""

from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from vedette.core import (
    IN_FORCE,
    Action,
    ActionId,
    ActionState,
    Breaker,
    Conflict,
    Limits,
    Scope,
    Severity,
    TenantId,
    scopes_of,
)
from vedette.store.database import Database
from vedette.store.incident_steps import own_incident
from vedette.store.reaching import lacking
from vedette.store.rows import columns_of, read, values_of
from vedette.store.schema import ACTIONS, BREAKERS, HOSTS, SWITCHES
from vedette.store.steps import one_action, take_step
from vedette.store.trail import Trail
from vedette.store.weighing import refuse_void
from vedette.store.widening import widen

__all__ = ["EVERYONE", "begin", "dispatch", "refuse_if_thrown"]

# An arbitrary number that all our processes know, beside the tenant's own.
_LOCK: Final = 0x62726561
EVERYONE: Final = ""


def dispatch(
    database: Database,
    now: datetime,
    which: tuple[TenantId, ActionId],
    *,
    actor: str,
    expected: ActionState,
    limits: Limits,
) -> Action:
    """What `Actions.dispatch` does."""
    with database.writing() as connection:
        tripped = begin(
            database, connection, now, which, actor=actor, expected=expected, limits=limits
        )
        if tripped is None:
            return one_action(connection, *which)
    raise Conflict(f"the breaker tripped: {tripped.words}", kind="breaker-tripped")


def begin(
    database: Database,
    connection: sa.Connection,
    now: datetime,
    which: tuple[TenantId, ActionId],
    *,
    actor: str,
    expected: ActionState,
    limits: Limits,
) -> Breaker | None:
    """The same within a transaction. A breaker that it trips is written, and given instead of raised.

    Raises:
        Conflict: as `Actions.dispatch`.
    """
    if not database.sqlite:
        # Rows that another transaction has not committed yet can't be counted.
        lock = sa.func.pg_advisory_xact_lock(_LOCK, sa.func.hashtext(which[0]))
        connection.execute(sa.select(lock))
    action = one_action(connection, *which)
    counted = action.disruptive and not action.dry_run
    if action.state is expected:
        refuse_void(connection, action, now)
    if counted and action.state is expected:
        refuse_if_thrown(connection, action.tenant)
        if why := lacking(connection, action, now):
            raise Conflict(
                f"two people must approve it, and have not: {why}", kind="needs-two-people"
            )
        tripped = _exceeded(database, connection, action, limits, now)
        if tripped is not None:
            _trip(database, connection, tripped, actor, now)
            return tripped
    begun = _after_resets(connection, action, now)
    changes: dict[str, Any] = {"attempts": 1, "dispatched_at": begun, "wake_at": None}
    to, words = ActionState.DISPATCHED, "attempt 1"
    take_step(connection, now, action, to, actor, words, None, expected, changes)
    if counted:
        widen(database, connection, action.tenant, now)
    return None


def refuse_if_thrown(connection: sa.Connection, tenant: TenantId) -> None:
    """Raises Conflict (`switched-off`) while the kill switch is thrown, for the tenant or for everyone."""
    query = sa.select(SWITCHES).where(SWITCHES.c.tenant.in_([tenant, EVERYONE]))
    thrown = connection.execute(query.limit(1)).first()
    if thrown is not None:
        raise Conflict(
            f"the kill switch is thrown by {thrown.thrown_by}: {thrown.reason}",
            kind="switched-off",
        )


def _exceeded(
    database: Database, connection: sa.Connection, action: Action, limits: Limits, now: datetime
) -> Breaker | None:
    """The first scope in which one host more would be too many."""
    for scope, key in scopes_of(action):
        hosts = _hosts(database, connection, action.tenant, scope, key)
        others = _acted(connection, action, scope, key, now, limits)
        most = limits.most(scope, hosts)
        if others + 1 > most:
            return Breaker(
                tenant=action.tenant,
                scope=scope,
                key=key,
                tripped_at=now,
                acted=others,
                hosts=hosts,
                most=most,
                action=action.id,
            )
    return None


def _hosts(
    database: Database, connection: sa.Connection, tenant: TenantId, scope: Scope, key: str
) -> int:
    query = (
        sa.select(sa.func.count())
        .select_from(HOSTS)
        .where(HOSTS.c.tenant == tenant, HOSTS.c.revoked_at.is_(None))
    )
    if scope is Scope.COHORT:
        text = sa.type_coerce(HOSTS.c.labels, sa.Text)
        role = (
            sa.func.json_extract(text, "$.role")
            if database.sqlite
            else sa.func.json_extract_path_text(sa.cast(text, sa.JSON), "role")
        )
        query = query.where(role == key)
    return int(connection.execute(query).scalar_one())


def _acted(
    connection: sa.Connection,
    action: Action,
    scope: Scope,
    key: str,
    now: datetime,
    limits: Limits,
) -> int:
    """Other hosts that were acted on within the time, or are under a lease still, since the breaker was last reset."""
    since = now - timedelta(seconds=limits.per_seconds)
    reset = connection.execute(
        sa.select(BREAKERS.c.reset_at).where(
            BREAKERS.c.tenant == action.tenant, BREAKERS.c.scope == scope, BREAKERS.c.key == key
        )
    ).scalar()
    lasting = sa.and_(ACTIONS.c.lease_seconds > 0, ACTIONS.c.state.in_(sorted(IN_FORCE)))
    query = sa.select(sa.func.count(ACTIONS.c.host.distinct())).where(
        ACTIONS.c.tenant == action.tenant,
        ACTIONS.c.disruptive,
        sa.not_(ACTIONS.c.dry_run),
        ACTIONS.c.dispatched_at.is_not(None),
        ACTIONS.c.host != action.host,
        sa.or_(ACTIONS.c.dispatched_at > since, lasting),
    )
    if reset is not None:
        query = query.where(ACTIONS.c.dispatched_at > reset)
    if scope is Scope.COHORT:
        query = query.where(ACTIONS.c.cohort == key)
    if scope is Scope.MODEL:
        query = query.where(ACTIONS.c.model == key)
    return int(connection.execute(query).scalar_one())


def _after_resets(connection: sa.Connection, action: Action, now: datetime) -> datetime:
    """From when on it is counted: after the last reset of each of its breakers, even where the clock was set back since."""
    which = [
        sa.and_(BREAKERS.c.scope == scope, BREAKERS.c.key == key)
        for scope, key in scopes_of(action)
    ]
    query = sa.select(BREAKERS.c.reset_at).where(
        BREAKERS.c.tenant == action.tenant, BREAKERS.c.reset_at.is_not(None), sa.or_(*which)
    )
    resets: list[datetime] = list(connection.execute(query).scalars())
    return max([now, *(at + timedelta(microseconds=1) for at in resets)])


def _trip(
    database: Database, connection: sa.Connection, breaker: Breaker, actor: str, now: datetime
) -> None:
    """Opens it, with its notice and an incident of the service's own, if it is not open already."""
    which = (
        BREAKERS.c.tenant == breaker.tenant,
        BREAKERS.c.scope == breaker.scope,
        BREAKERS.c.key == breaker.key,
    )
    row = connection.execute(sa.select(*columns_of(BREAKERS, Breaker)).where(*which)).first()
    if row is not None and read(Breaker, row).reset_at is None:
        return
    if row is None:
        database.insert_new(connection, BREAKERS, values_of(breaker))
    else:
        connection.execute(sa.update(BREAKERS).where(*which).values(values_of(breaker)))
    told = {"scope": str(breaker.scope), "key": breaker.key, "action": breaker.action}
    trail = Trail(connection, breaker.tenant, actor, now)
    trail.audit("breaker.tripped", breaker.key or breaker.scope, breaker.words, told)
    trail.notify("breaker.tripped", breaker.action, told)
    own_incident(
        connection,
        breaker.tenant,
        f"breaker:{breaker.scope}:{breaker.key}",
        title=f"A breaker tripped: {breaker.words}",
        severity=Severity.HIGH,
        actor=actor,
        now=now,
    )
