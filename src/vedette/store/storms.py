"""Incidents of many hosts made one: what the rule is shown, and what it says carried out in one transaction."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from vedette.core import (
    DIGEST,
    Action,
    ActionId,
    ActionState,
    AuditEntry,
    Gathered,
    GatherPolicy,
    HostId,
    Incident,
    IncidentId,
    Severity,
    Spread,
    Storm,
    TenantId,
)
from vedette.store.applying.turns import incident_turns
from vedette.store.audit import write_audit
from vedette.store.covering import covered
from vedette.store.database import Database
from vedette.store.proposals import Proposals
from vedette.store.rows import columns_of, read, values_of
from vedette.store.schema import (
    ACTION_EVENTS,
    ACTIONS,
    HOSTS,
    INCIDENT_EVENTS,
    INCIDENTS,
    LIVE_FLEET,
    LOOSE,
)
from vedette.store.trail import Trail

__all__ = ["gather"]

_ACTOR = "system:decide"
# What was opened longer ago and is part of nothing stays so.
_LATELY = timedelta(hours=1)
_DAY = timedelta(days=1)
_AT_ONCE = 5_000
_CHUNK = 1_000
_INCIDENT = columns_of(INCIDENTS, Incident)
_ACTION = columns_of(ACTIONS, Action)


def gather(database: Database, rule: GatherPolicy, now: datetime) -> int:
    """What `Incidents.gather` does."""
    changed = 0
    with database.reading() as connection:
        due = [
            tenant
            for tenant in _tenants(connection, now)
            if rule(_spread(connection, database, tenant, now)) != Gathered()
        ]
    for tenant in due:
        with database.writing() as connection:
            # Once more, and locked: another may have gathered meanwhile.
            spread = _spread(connection, database, tenant, now, lock=True)
            gathered = rule(spread)
            _write(connection, spread, gathered, now)
        changed += len(gathered.incidents) + len(gathered.joined) + len(gathered.refused)
    return changed


def _tenants(connection: sa.Connection, now: datetime) -> list[TenantId]:
    lately = INCIDENTS.c.opened_at >= now - _LATELY
    loose = sa.select(INCIDENTS.c.tenant).where(sa.text(LOOSE), lately).distinct()
    storms = sa.select(INCIDENTS.c.tenant).where(sa.text(LIVE_FLEET)).distinct()
    waiting = sa.select(ACTIONS.c.tenant).where(*_WAITING).distinct()
    return [
        TenantId(row.tenant)
        for row in connection.execute(sa.union(loose, storms, waiting).order_by("tenant"))
    ]


_WAITING = (
    ACTIONS.c.state == ActionState.PROPOSED,
    ACTIONS.c.gather_seconds > 0,
    ACTIONS.c.incident.is_not(None),
)


def _spread(
    connection: sa.Connection,
    database: Database,
    tenant: TenantId,
    now: datetime,
    *,
    lock: bool = False,
) -> Spread:
    of_tenant = INCIDENTS.c.tenant == tenant
    query = (
        sa.select(*_INCIDENT)
        .where(of_tenant, sa.text(LOOSE), INCIDENTS.c.opened_at >= now - _LATELY)
        .order_by(INCIDENTS.c.opened_at, INCIDENTS.c.id)
        .limit(_AT_ONCE)
    )
    if lock:
        query = database.locking(query, INCIDENTS)
    loose = _incidents(connection, query)
    storms = _incidents(connection, sa.select(*_INCIDENT).where(of_tenant, sa.text(LIVE_FLEET)))
    waiting, parts, severities = _waiting(connection, tenant, now)
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
    connection: sa.Connection, tenant: TenantId, now: datetime
) -> tuple[tuple[Action, ...], dict[IncidentId, IncidentId], dict[IncidentId, Severity]]:
    query: sa.Select[Any] = (
        sa.select(*_ACTION, INCIDENTS.c.part_of, INCIDENTS.c.severity.label("incident_severity"))
        .join(
            INCIDENTS,
            sa.and_(INCIDENTS.c.tenant == ACTIONS.c.tenant, INCIDENTS.c.id == ACTIONS.c.incident),
        )
        .where(ACTIONS.c.tenant == tenant, *_WAITING)
        .order_by(ACTIONS.c.proposed_at, ACTIONS.c.id)
    )
    rows = connection.execute(query).all()
    parts = {IncidentId(row.incident): IncidentId(row.part_of) for row in rows if row.part_of}
    waiting = [read(Action, row) for row in rows]
    # What is silenced must not be told by way of its fleet.
    held = covered(connection, tenant, waiting, now)
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


def _write(connection: sa.Connection, spread: Spread, gathered: Gathered, now: datetime) -> None:
    before = {storm.incident.id: storm.incident for storm in spread.storms}
    for incident in gathered.incidents:
        _put(connection, spread.tenant, before.get(incident.id), incident, now)
    _join(connection, spread.tenant, gathered)
    if gathered.events:
        rows = [values_of(event, tenant=spread.tenant) for event in gathered.events]
        connection.execute(sa.insert(INCIDENT_EVENTS), rows)
    _refuse(connection, spread, gathered.refused, now)
    proposals = Proposals(_ACTOR, now)
    for action in gathered.actions:
        proposals.add(action)
    proposals.write(connection)
    for digest in gathered.grown:
        connection.execute(
            sa.update(ACTIONS)
            .where(ACTIONS.c.tenant == digest.tenant, ACTIONS.c.id == digest.id)
            .values(parameters=digest.parameters)
        )


def _put(
    connection: sa.Connection,
    tenant: TenantId,
    before: Incident | None,
    after: Incident,
    now: datetime,
) -> None:
    values = values_of(after)
    if before is None:
        connection.execute(sa.insert(INCIDENTS), [values])
    else:
        # What people may say of it meanwhile is not written back as it was.
        for said in ("acknowledged_by", "acknowledged_at", "assigned_to", "merged_into"):
            del values[said]
        connection.execute(
            sa.update(INCIDENTS)
            .where(
                INCIDENTS.c.tenant == tenant,
                INCIDENTS.c.id == after.id,
                # Of what they changed of its make-up meanwhile this knows nothing; the next time does.
                INCIDENTS.c.edits == after.edits,
                sa.text(LIVE_FLEET),
            )
            .values(values)
        )
    told = {
        "hosts": after.hosts,
        "state": str(after.state),
        "severity": str(after.severity),
        "title": after.title,
    }
    trail = Trail(connection, tenant, _ACTOR, now)
    for turn in incident_turns(before, after):
        trail.audit(turn, after.id, after.title, told)
        trail.notify(turn, after.id, told)


def _join(connection: sa.Connection, tenant: TenantId, gathered: Gathered) -> None:
    for storm in sorted(set(gathered.joined.values())):
        ours = sorted(one for one, home in gathered.joined.items() if home == storm)
        for some in _chunks(ours):
            connection.execute(
                sa.update(INCIDENTS)
                .where(INCIDENTS.c.tenant == tenant, INCIDENTS.c.id.in_(some))
                .values(part_of=storm)
            )


def _refuse(
    connection: sa.Connection,
    spread: Spread,
    refused: Iterable[tuple[ActionId, str]],
    now: datetime,
) -> None:
    by_why: dict[str, list[ActionId]] = {}
    for ident, why in refused:
        by_why.setdefault(why, []).append(ident)
    waiting = {one.id: one for one in spread.waiting}
    for why, idents in by_why.items():
        for some in _chunks(idents):
            ended = connection.execute(
                sa.update(ACTIONS)
                .where(
                    ACTIONS.c.tenant == spread.tenant,
                    ACTIONS.c.id.in_(some),
                    ACTIONS.c.state == ActionState.PROPOSED,
                )
                .values(
                    state=ActionState.REFUSED,
                    detail=why,
                    updated_at=now,
                    decided_by=_ACTOR,
                    wake_at=None,
                )
                .returning(ACTIONS.c.id)
            ).scalars()
            _tell(connection, [waiting[ActionId(one)] for one in sorted(ended)], why, now)


def _tell(connection: sa.Connection, actions: Sequence[Action], why: str, now: datetime) -> None:
    """The step of each, and its audit."""
    if not actions:
        return
    connection.execute(
        sa.insert(ACTION_EVENTS),
        [
            {
                "tenant": one.tenant,
                "action": one.id,
                "at": now,
                "state": ActionState.REFUSED,
                "actor": _ACTOR,
                "detail": why,
                "data": {},
            }
            for one in actions
        ],
    )
    write_audit(
        connection,
        [
            AuditEntry(
                tenant=one.tenant,
                at=now,
                actor=_ACTOR,
                action="action.refused",
                subject=one.id,
                reason=why,
                data={
                    "from": str(one.state),
                    "state": str(ActionState.REFUSED),
                    "incident": one.incident,
                    "host": one.host,
                    "kind": one.kind,
                    "dry_run": one.dry_run,
                },
            )
            for one in actions
        ],
    )


def _chunks(ids: Sequence[Any]) -> Iterable[Collection[Any]]:
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))
