"""Makes one incident of two: of one host, of two hosts, of a host and a fleet, or of two fleets."""

from typing import Any

import sqlalchemy as sa

from vedette.core import (
    Clock,
    Conflict,
    Incident,
    IncidentId,
    IncidentKind,
    IncidentState,
    Reason,
    TenantId,
    new_id,
)
from vedette.store.database import Database
from vedette.store.escalations import carry_escalations
from vedette.store.incident_steps import change, one_incident, told, write_event
from vedette.store.members import new_fleet, recount, size
from vedette.store.schema import ACTIONS, INCIDENTS
from vedette.store.trail import Trail

__all__ = ["merge"]

# As many as decide keeps of one incident.
_MOST_CAUSES = 20
_MOST_REASONS = 5
_HOST, _FLEET = IncidentKind.HOST, IncidentKind.FLEET


def merge(
    database: Database,
    connection: sa.Connection,
    which: tuple[TenantId, IncidentId, IncidentId],
    trail: Trail,
    clock: Clock,
    reason: str,
) -> Incident:
    """What `Triage.merge` does."""
    tenant, first, second = which
    # In one order, so that two who merge the same pair can't wait for each other.
    found = {
        one: one_incident(connection, tenant, one, lock=database) for one in sorted((first, second))
    }
    one, into = found[first], found[second]
    for incident in (one, into):
        if incident.state is IncidentState.CLOSED:
            raise Conflict(
                f"incident {incident.id} is closed; re-open it first", kind="incident-closed"
            )
    if IncidentKind.BREAKER in {one.kind, into.kind}:
        raise Conflict("an incident of the service itself can't be merged", kind="own-incident")
    if one.kind is into.kind and one.host == into.host:
        _absorb(connection, one, into, trail, reason)
        return one_incident(connection, tenant, into.id)
    if (one.kind, into.kind) == (_FLEET, _HOST):
        raise Conflict(
            "merge the host's incident into the fleet's, not the other way", kind="other-way"
        )
    if into.kind is _FLEET:
        _join(connection, one, into, trail, reason)
        return one_incident(connection, tenant, into.id)
    fleet = new_fleet(connection, IncidentId(new_id(clock)), into, _shared(one, into), trail)
    for member in sorted((one, into), key=lambda member: member.id):
        _join(connection, member, fleet, trail, reason)
    return one_incident(connection, tenant, fleet.id)


def _shared(one: Incident, into: Incident) -> tuple[str, ...]:
    """By what other hosts' incidents will be found to be of the same kind."""
    shared = tuple(cause for cause in into.causes if cause in one.causes)
    chosen = shared or (*into.causes[:1], *one.causes[:1])
    if not chosen:
        raise Conflict(
            "neither incident names a cause that others could be known by", kind="no-cause"
        )
    return chosen


def _join(
    connection: sa.Connection, one: Incident, fleet: Incident, trail: Trail, reason: str
) -> None:
    """A host's incident goes on as part of a fleet's: its verdicts go on landing in it."""
    if one.part_of == fleet.id:
        raise Conflict(f"incident {one.id} is part of {fleet.id} already", kind="part-of-it")
    before = one.part_of
    if before is not None and size(connection, one.tenant, before) == 1:
        raise Conflict(
            f"it is the last host of incident {before}; merge that one instead", kind="last-host"
        )
    change(connection, (one.tenant, one.id), (), _edited(part_of=fleet.id))
    write_event(
        connection, one.tenant, one.id, "gathered", trail.actor, trail.now, f"part of {fleet.id}"
    )
    write_event(
        connection,
        one.tenant,
        fleet.id,
        "merged",
        trail.actor,
        trail.now,
        f"{one.hostname} ({one.id}) is part of it now: {reason}",
    )
    for changed in (before, fleet.id):
        if changed is not None:
            recount(connection, one.tenant, changed)
    _tell(trail, one, fleet.id, reason)


def _absorb(
    connection: sa.Connection, one: Incident, into: Incident, trail: Trail, reason: str
) -> None:
    """Both are of one host, or of a fleet: what was the one's is the other's, and the one ends and points to it."""
    causes = tuple(dict.fromkeys((*into.causes, *one.causes)))
    if len(causes) > _MOST_CAUSES:
        raise Conflict(
            f"together they would have {len(causes)} causes; {_MOST_CAUSES} is the most",
            kind="too-many-causes",
        )
    tenant = one.tenant
    part_of = into.part_of or one.part_of
    change(
        connection,
        (tenant, into.id),
        (),
        _edited(causes=causes, part_of=part_of, **_sum(one, into)),
    )
    ended: dict[str, Any] = {
        "state": IncidentState.CLOSED,
        "closed_at": trail.now,
        "closed_by": trail.actor,
        "merged_into": into.id,
    }
    if one.part_of == part_of:
        # Else its fleet would count what is counted in the other one.
        ended["part_of"] = None
    change(connection, (tenant, one.id), (), _edited(**ended))
    for column, table in (
        (INCIDENTS.c.merged_into, INCIDENTS),
        (INCIDENTS.c.part_of, INCIDENTS),
        (ACTIONS.c.incident, ACTIONS),
    ):
        connection.execute(
            sa.update(table)
            .where(table.c.tenant == tenant, column == one.id)
            .values({column.name: into.id})
        )
    carry_escalations(connection, tenant, one.id, into.id, trail.now)
    if into.kind is _FLEET:
        recount(connection, tenant, into.id)
    if part_of is not None:
        recount(connection, tenant, part_of)
    words = f"{one.title} ({one.id}): {reason}"
    write_event(connection, tenant, into.id, "merged", trail.actor, trail.now, words)
    words = f"into {into.title} ({into.id}): {reason}"
    write_event(connection, tenant, one.id, "merged", trail.actor, trail.now, words)
    _tell(trail, one, into.id, reason)


def _sum(one: Incident, into: Incident) -> dict[str, Any]:
    both = sorted((one, into), key=lambda each: (each.opened_at, each.id))
    quiet = [each.quiet_since for each in both if each.quiet_since is not None]
    is_open = IncidentState.OPEN in {one.state, into.state}
    taken = next((each for each in (into, one) if each.acknowledged_by), into)
    return {
        "state": IncidentState.OPEN if is_open else IncidentState.QUIET,
        "quiet_since": None if is_open else max(quiet, default=None),
        "severity": max(one.severity, into.severity, key=lambda severity: severity.rank),
        "reasons": _best((*into.reasons, *one.reasons)),
        "opened_at": both[0].opened_at,
        "first_verdict": both[0].first_verdict,
        "last_abnormal_at": max(one.last_abnormal_at, into.last_abnormal_at),
        "verdicts": one.verdicts + into.verdicts,
        "verdicts_before": one.verdicts_before + into.verdicts_before,
        "peak_score": max(one.peak_score, into.peak_score),
        "acknowledged_by": taken.acknowledged_by,
        "acknowledged_at": taken.acknowledged_at,
        "assigned_to": into.assigned_to or one.assigned_to,
    }


def _best(reasons: tuple[Reason, ...]) -> tuple[Reason, ...]:
    kept = {
        (reason.expert, reason.subject): reason
        for reason in sorted(reasons, key=lambda reason: reason.share)
    }
    return tuple(sorted(kept.values(), key=lambda reason: -reason.share)[:_MOST_REASONS])


def _edited(**values: Any) -> dict[str, Any]:
    return {**values, "edits": INCIDENTS.c.edits + 1}


def _tell(trail: Trail, one: Incident, into: IncidentId, reason: str) -> None:
    data = told(one) | {"into": into}
    trail.audit("incident.merged", one.id, reason, data)
    trail.notify("incident.merged", one.id, data)
