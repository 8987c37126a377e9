"""Takes hosts out of a fleet's incident, or causes out of a host's, into a new one."""

from typing import Any

import msgspec
import sqlalchemy as sa

from vedette.core import (
    Clock,
    Conflict,
    HostId,
    Incident,
    IncidentId,
    IncidentKind,
    IncidentState,
    InvalidInput,
    Label,
    Severity,
    TenantId,
    Verdict,
    new_id,
)
from vedette.store.database import Database
from vedette.store.incident_steps import change, one_incident, told, write_event
from vedette.store.members import members, new_fleet, recount
from vedette.store.rows import columns_of, read, values_of
from vedette.store.schema import INCIDENTS, VERDICTS
from vedette.store.trail import Trail

__all__ = ["split"]

# Of a longer incident the newest tell how bad each part is.
_MOST_VERDICTS = 2_000


def split(
    database: Database,
    connection: sa.Connection,
    which: tuple[TenantId, IncidentId],
    trail: Trail,
    clock: Clock,
    out: tuple[tuple[HostId, ...], tuple[str, ...]],
    reason: str,
) -> Incident:
    """What `Triage.split` does."""
    incident = one_incident(connection, *which, lock=database)
    if incident.state is IncidentState.CLOSED:
        raise Conflict("the incident is closed; re-open it first", kind="incident-closed")
    hosts, causes = out
    wanted = IncidentKind.FLEET if hosts else IncidentKind.HOST
    if incident.kind is not wanted:
        raise InvalidInput(
            f"hosts are taken out of a fleet's incident and causes out of a host's; this is of kind {incident.kind}"
        )
    new = IncidentId(new_id(clock))
    if hosts:
        _hosts(connection, incident, hosts, new, trail)
    else:
        _causes(connection, incident, causes, new, trail)
    after = one_incident(connection, incident.tenant, new)
    what = ", ".join(hosts or causes)
    for one, words in ((incident, f"{what} went to {new}"), (after, f"{what}, from {incident.id}")):
        write_event(
            connection, one.tenant, one.id, "split", trail.actor, trail.now, f"{words}: {reason}"
        )
    data = told(after) | {"from": incident.id, "hosts": list(hosts), "causes": list(causes)}
    trail.audit("incident.split", new, reason, data)
    trail.notify("incident.split", new, data)
    return after


def _hosts(
    connection: sa.Connection,
    fleet: Incident,
    hosts: tuple[HostId, ...],
    new: IncidentId,
    trail: Trail,
) -> None:
    parts = members(connection, fleet.tenant, fleet.id)
    there = {one.host for one in parts}
    if strange := [host for host in hosts if host not in there]:
        raise InvalidInput(f"no host of this incident: {', '.join(strange)}")
    if there <= set(hosts):
        raise Conflict("that would take out its last host; nothing would be left", kind="last-host")
    out = [one for one in parts if one.host in hosts]
    # One that people made says what the other hosts' may join by; without a cause nothing may.
    new_fleet(connection, new, fleet, fleet.causes, trail)
    for one in out:
        changes = {"part_of": new, "edits": INCIDENTS.c.edits + 1}
        change(connection, (one.tenant, one.id), (), changes)
        words = f"part of {new}, no longer of {fleet.id}"
        write_event(connection, one.tenant, one.id, "split", trail.actor, trail.now, words)
    for changed in (fleet.id, new):
        recount(connection, fleet.tenant, changed)


def _causes(
    connection: sa.Connection,
    incident: Incident,
    causes: tuple[str, ...],
    new: IncidentId,
    trail: Trail,
) -> None:
    if strange := [cause for cause in causes if cause not in incident.causes]:
        raise InvalidInput(f"no cause of this incident: {', '.join(strange)}")
    left = tuple(cause for cause in incident.causes if cause not in causes)
    if not left:
        raise Conflict(
            "that would take out its last cause; nothing would be left", kind="last-cause"
        )
    seen = _verdicts(connection, incident)
    apart = [one for one in seen if _about(one, causes)]
    rest = [one for one in seen if _about(one, left) or not _about(one, causes)]
    taken = msgspec.structs.replace(
        incident,
        id=new,
        causes=causes,
        reasons=tuple(one for one in incident.reasons if one.subject in causes),
        title=_title(incident, causes),
        acknowledged_by="",
        acknowledged_at=None,
        edits=1,
        verdicts_before=0,
        **_sums(incident, apart, seen),
    )
    connection.execute(sa.insert(INCIDENTS), [values_of(taken)])
    trail.audit("incident.opened", new, taken.title, told(taken))
    kept: dict[str, Any] = {
        "causes": left,
        "reasons": tuple(one for one in incident.reasons if one.subject not in causes),
        "edits": INCIDENTS.c.edits + 1,
        "verdicts_before": 0,
        **_sums(incident, rest, seen),
    }
    change(connection, (incident.tenant, incident.id), (), kept)
    if incident.part_of is not None:
        recount(connection, incident.tenant, incident.part_of)


def _title(incident: Incident, causes: tuple[str, ...]) -> str:
    words = next((one.text for one in incident.reasons if one.subject in causes), causes[0])
    return f"{incident.hostname}: {' '.join(words.split()).rstrip('.')[:100]}"


def _verdicts(connection: sa.Connection, incident: Incident) -> list[Verdict]:
    query = (
        sa.select(*columns_of(VERDICTS, Verdict))
        .where(
            VERDICTS.c.tenant == incident.tenant,
            VERDICTS.c.host == incident.host,
            VERDICTS.c.label == Label.ABNORMAL,
            VERDICTS.c.taken_at >= incident.opened_at,
            VERDICTS.c.taken_at <= incident.last_abnormal_at,
        )
        .order_by(VERDICTS.c.taken_at.desc())
        .limit(_MOST_VERDICTS)
    )
    return [read(Verdict, row) for row in connection.execute(query)]


def _about(verdict: Verdict, causes: tuple[str, ...]) -> bool:
    return any(reason.subject in causes for reason in verdict.reasons)


def _sums(incident: Incident, part: list[Verdict], seen: list[Verdict]) -> dict[str, Any]:
    """How bad the part is, by its own verdicts; as bad as the whole where they are kept no longer."""
    if not part:
        return {}
    # The incident's severity is its verdicts' as its host weighs it; so is the part's.
    weight = incident.severity.rank - _worst(seen).rank
    rank = min(max(_worst(part).rank + weight, Severity.LOW.rank), Severity.CRITICAL.rank)
    return {
        "severity": list(Severity)[rank],
        "verdicts": len(part),
        "peak_score": max(one.score for one in part),
        "last_abnormal_at": part[0].taken_at,
        "first_verdict": part[-1].id,
        "opened_at": part[-1].taken_at,
    }


def _worst(seen: list[Verdict]) -> Severity:
    return max((one.severity for one in seen), key=lambda severity: severity.rank)
