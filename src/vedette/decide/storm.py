"""Makes one incident of those of many hosts that turn abnormal at once, and one notification of theirs.

What they have in common is a cause or, where there is none, the model that called them abnormal. Times are of the
snapshots, so the same incidents are gathered in the same way whenever that is done; only how often people are told goes by
the moment.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec

from vedette.core import (
    Gathered,
    HostId,
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentKind,
    IncidentState,
    Record,
    Resolution,
    Spread,
    Storm,
    derived_id,
)
from vedette.decide.crowd import Crowding, digested
from vedette.decide.digest import Digest
from vedette.decide.incidents import ACTOR, best, short
from vedette.decide.many import WINDOW, is_many
from vedette.decide.returning import LINKED_FOR, ended

__all__ = ["gather"]

# What only a model has in common may be anything: it is not gathered for longer than this.
_MODEL_FOR = timedelta(hours=1)


class _Group(Record, frozen=True, kw_only=True):
    """What incidents have in common: a cause, or (empty) the model."""

    cause: str
    model: str
    members: tuple[Incident, ...]


def gather(spread: Spread, crowding: Crowding | None = None) -> Gathered:
    """What is to be gathered now. Deterministic, ids included; nothing new gives nothing. Without `crowding`: no digests."""
    gathered = _storms(spread)
    return gathered if crowding is None else digested(spread, gathered, crowding)


def _storms(spread: Spread) -> Gathered:
    storms = {storm.incident.id: storm for storm in spread.storms}
    fresh: dict[IncidentId, list[Incident]] = defaultdict(list)
    loose = sorted(spread.loose, key=lambda one: (one.begun_at, one.id))
    rest = []
    for one in loose:
        home = _home(one, storms, fresh)
        if home is None:
            rest.append(one)
        else:
            fresh[home].append(one)
    while (group := _outbreak(rest, spread)) is not None:
        storm = _open(group, spread.closed)
        storms[storm.id] = Storm(incident=storm, members=())
        fresh[storm.id] = list(group.members)
        taken = {one.id for one in group.members}
        rest = [one for one in rest if one.id not in taken]
    return _written(spread, storms, fresh)


def _written(
    spread: Spread, storms: dict[IncidentId, Storm], fresh: dict[IncidentId, list[Incident]]
) -> Gathered:
    known = {storm.incident.id for storm in spread.storms}
    joined = {one.id: storm for storm, ones in fresh.items() for one in ones}
    events: list[IncidentEvent] = []
    digest = Digest(spread, joined)
    incidents = []
    for ident, storm in storms.items():
        new = fresh.get(ident, [])
        after = _refreshed(storm.incident, (*storm.members, *new))
        if after != storm.incident or ident not in known:
            incidents.append(after)
        events += _lines(storm.incident if ident in known else None, after, new)
        digest.tell(storm, after, (*storm.members, *new))
    return Gathered(
        incidents=tuple(incidents),
        joined=joined,
        events=tuple(events),
        refused=digest.refused(),
        actions=digest.actions,
    )


def _home(
    one: Incident, storms: dict[IncidentId, Storm], fresh: dict[IncidentId, list[Incident]]
) -> IncidentId | None:
    for ident, storm in sorted(storms.items()):
        incident = storm.incident
        last = max(
            (member.begun_at for member in (*storm.members, *fresh.get(ident, ()))),
            default=incident.opened_at,
        )
        near = incident.opened_at - WINDOW <= one.begun_at <= last + WINDOW
        if incident.causes:
            if near and not set(incident.causes).isdisjoint(one.causes):
                return ident
        elif (
            near and one.model == incident.model and one.begun_at <= incident.begun_at + _MODEL_FOR
        ):
            return ident
    return None


def _outbreak(loose: Sequence[Incident], spread: Spread) -> _Group | None:
    """The largest group of which there are too many at once; by causes first."""
    by_cause: dict[str, list[Incident]] = defaultdict(list)
    by_model: dict[str, list[Incident]] = defaultdict(list)
    for one in loose:
        by_model[one.model].append(one)
        for cause in one.causes:
            by_cause[cause].append(one)
    causes = (_Group(cause=c, model="", members=_densest(g)) for c, g in by_cause.items())
    models = (_Group(cause="", model=m, members=_densest(g)) for m, g in by_model.items())
    for groups in (causes, models):
        many = [group for group in groups if _too_many(group.members, spread)]
        if many:
            return min(many, key=lambda group: (-len(group.members), group.cause, group.model))
    return None


def _densest(ones: Sequence[Incident]) -> tuple[Incident, ...]:
    """The most that were opened within one window, the earliest such window."""
    found, start = (0, 0), 0
    for end, one in enumerate(ones):
        while one.begun_at - ones[start].begun_at > WINDOW:
            start += 1
        if end + 1 - start > found[1] - found[0]:
            found = (start, end + 1)
    return tuple(ones[found[0] : found[1]])


def _too_many(ones: Iterable[Incident], spread: Spread) -> bool:
    """Of the fleet, or of a cohort."""
    hosts = {one.host for one in ones if one.host is not None}
    if is_many(len(hosts), spread.fleet):
        return True
    of_role: dict[str, set[HostId]] = defaultdict(set)
    for host in hosts:
        of_role[spread.roles.get(host, "")].add(host)
    return any(
        is_many(len(some), spread.cohorts.get(role, 0)) for role, some in of_role.items() if role
    )


def _open(group: _Group, closed: Sequence[Incident]) -> Incident:
    first = group.members[0]
    ident = derived_id("fleet-incident", first.tenant, group.cause, group.model, first.id)
    causes = (group.cause,) if group.cause else ()
    seen = tuple(
        reason
        for one in group.members
        for reason in one.reasons
        if not group.cause or reason.subject == group.cause
    )
    before = _seen_before(group, closed)
    return Incident(
        id=IncidentId(ident),
        tenant=first.tenant,
        host=None,
        hostname="",
        state=IncidentState.OPEN,
        title="",
        severity=first.severity,
        causes=causes,
        reasons=best(seen),
        opened_at=first.begun_at,
        first_verdict=first.first_verdict,
        last_abnormal_at=first.last_abnormal_at,
        kind=IncidentKind.FLEET,
        hosts=0,
        model=group.model,
        seen_before=None if before is None else before.id,
    )


def _seen_before(group: _Group, closed: Sequence[Incident]) -> Incident | None:
    """The fleet's incident of the same cause, or by the same model without one, that was closed last."""
    causes = {group.cause} if group.cause else set()
    return max(
        (
            one
            for one in closed
            if causes.intersection(one.causes)
            or (not causes and not one.causes and one.model == group.model)
            if group.members[0].begun_at - ended(one) <= LINKED_FOR
        ),
        key=lambda one: (ended(one), one.id),
        default=None,
    )


def _refreshed(storm: Incident, members: Sequence[Incident]) -> Incident:
    hosts = len({one.host for one in members})
    if storm.reasons and storm.causes:
        what = short(storm.reasons[0].text)
    else:
        what = storm.causes[0] if storm.causes else "abnormal at once, without a cause in common"
    severity = max((storm.severity, *(one.severity for one in members)), key=lambda one: one.rank)
    return msgspec.structs.replace(
        _standing(storm, members),
        title=f"{hosts} host{'' if hosts == 1 else 's'}: {what}",
        severity=severity,
        hosts=hosts,
        last_abnormal_at=max(storm.last_abnormal_at, *(one.last_abnormal_at for one in members)),
        verdicts=sum(one.verdicts for one in members),
        peak_score=max(one.peak_score for one in members),
    )


def _standing(storm: Incident, members: Sequence[Incident]) -> Incident:
    """Open while one of them is, closed once all are."""
    states = {one.state for one in members}
    if IncidentState.OPEN in states:
        return msgspec.structs.replace(storm, state=IncidentState.OPEN, quiet_since=None)
    ended = max(one.quiet_since or one.closed_at or one.last_abnormal_at for one in members)
    if IncidentState.QUIET in states:
        return msgspec.structs.replace(
            storm, state=IncidentState.QUIET, quiet_since=storm.quiet_since or ended
        )
    said = {one.resolution for one in members}
    return msgspec.structs.replace(
        storm,
        state=IncidentState.CLOSED,
        quiet_since=storm.quiet_since or ended,
        closed_at=max(one.closed_at or one.last_abnormal_at for one in members),
        closed_by=ACTOR,
        resolution=said.pop() if len(said) == 1 else Resolution.EXPIRED,
    )


def _lines(
    before: Incident | None, after: Incident, new: Sequence[Incident]
) -> list[IncidentEvent]:
    def line(kind: str, text: str, incident: Incident = after) -> IncidentEvent:
        return IncidentEvent(
            incident=incident.id, at=after.last_abnormal_at, kind=kind, actor=ACTOR, text=text
        )

    lines = [line("gathered", f"part of {after.title} ({after.id})", one) for one in new]
    if before is None:
        return [line("opened", after.title), *lines]
    # One line for each doubling: a storm grows by the second.
    if after.hosts.bit_length() > before.hosts.bit_length():
        lines.append(line("joined", f"{after.hosts} hosts by now"))
    if after.severity.rank > before.severity.rank:
        lines.append(line("raised", f"severity went from {before.severity} to {after.severity}"))
    if after.state is not before.state:
        kind, text = {
            IncidentState.OPEN: ("reopened", "a host of it is abnormal again"),
            IncidentState.QUIET: ("quiet", "all its hosts are normal again"),
            IncidentState.CLOSED: ("closed", "all its hosts' incidents are closed"),
        }[after.state]
        lines.append(line(kind, text))
    return lines
