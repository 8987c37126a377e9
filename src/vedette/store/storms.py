"""Incidents of many hosts made one: what the rule says, carried out in one transaction."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    AuditEntry,
    Gathered,
    GatherPolicy,
    Incident,
    Spread,
    TenantId,
)
from vedette.store.applying.turns import incident_turns
from vedette.store.audit import write_audit
from vedette.store.database import Database
from vedette.store.explaining import Inhibitions
from vedette.store.proposals import Proposals
from vedette.store.rows import values_of
from vedette.store.schema import (
    ACTION_EVENTS,
    ACTIONS,
    INCIDENT_EVENTS,
    INCIDENTS,
    LIVE_FLEET,
    LOOSE,
)
from vedette.store.spread import WAITING, begun, spread_of
from vedette.store.trail import Trail
from vedette.store.widening import widen

__all__ = ["gather"]

_ACTOR = "system:decide"
_CHUNK = 1_000


def gather(database: Database, rule: GatherPolicy, inhibits: Inhibitions, now: datetime) -> int:
    """What `Incidents.gather` does."""
    changed = 0
    with database.reading() as connection:
        due = [
            tenant
            for tenant in _tenants(connection, now)
            if rule(spread_of(connection, database, tenant, inhibits(tenant), now)) != Gathered()
        ]
    for tenant in due:
        with database.writing() as connection:
            # Once more, and locked: another may have gathered meanwhile.
            spread = spread_of(connection, database, tenant, inhibits(tenant), now, lock=True)
            gathered = rule(spread)
            _write(connection, spread, gathered, now)
            if gathered.joined:
                widen(database, connection, tenant, now)
        changed += len(gathered.incidents) + len(gathered.joined) + len(gathered.refused)
    return changed


def _tenants(connection: sa.Connection, now: datetime) -> list[TenantId]:
    loose = sa.select(INCIDENTS.c.tenant).where(sa.text(LOOSE), begun(now)).distinct()
    storms = sa.select(INCIDENTS.c.tenant).where(sa.text(LIVE_FLEET)).distinct()
    waiting = sa.select(ACTIONS.c.tenant).where(*WAITING).distinct()
    return [
        TenantId(row.tenant)
        for row in connection.execute(sa.union(loose, storms, waiting).order_by("tenant"))
    ]


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
