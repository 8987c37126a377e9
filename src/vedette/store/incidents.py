"""Incidents: what people see, acknowledge, label and close."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

import sqlalchemy as sa

from vedette.core import (
    Action,
    Clock,
    Conflict,
    EscalationState,
    GatherPolicy,
    HostId,
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentKind,
    IncidentState,
    InvalidInput,
    Resolution,
    Severity,
    Silence,
    SilenceKind,
    SilenceScope,
    TenantId,
    new_id,
)
from vedette.store.database import Database
from vedette.store.explaining import Inhibitions, no_inhibitions
from vedette.store.incident_steps import (
    change,
    close,
    close_members,
    one_incident,
    own_incident,
    stop_escalations,
    told,
    write_event,
)
from vedette.store.narrowing import Narrowed
from vedette.store.paging import Listing, Page
from vedette.store.proposals import Proposals
from vedette.store.rows import columns_of, read
from vedette.store.sayings import say
from vedette.store.schema import ACTIONS, CLOSED, INCIDENT_EVENTS, INCIDENTS
from vedette.store.silences import write_silence
from vedette.store.steps import recall_harmless
from vedette.store.storms import gather
from vedette.store.trail import Trail

__all__ = ["Incidents"]

MAX_COMMENT = 10_000
_NEWEST = Listing("incidents", INCIDENTS.c.opened_at, INCIDENTS.c.id)
_OLDEST = Listing("incidents-oldest", INCIDENTS.c.opened_at, INCIDENTS.c.id, newest_first=False)
_COLUMNS = columns_of(INCIDENTS, Incident)


class Incidents:
    """`Store.apply` opens, joins, quiets and expires them; here people speak."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self, tenant: TenantId, identifier: IncidentId) -> Incident:
        """One incident.

        Raises:
            NotFound: the tenant has none of this id.
        """
        with self._database.reading() as connection:
            return one_incident(connection, tenant, identifier)

    def many(self, tenant: TenantId, incidents: Iterable[IncidentId]) -> dict[IncidentId, Incident]:
        """Those of these ids that the tenant has."""
        query = sa.select(*_COLUMNS).where(
            INCIDENTS.c.tenant == tenant, INCIDENTS.c.id.in_(sorted(set(incidents)))
        )
        with self._database.reading() as connection:
            found = (read(Incident, row) for row in connection.execute(query))
            return {one.id: one for one in found}

    def live(self, tenant: TenantId, hosts: Iterable[HostId]) -> dict[HostId, tuple[Incident, ...]]:
        """The open and quiet incidents of those hosts that have some, oldest first."""
        query = sa.select(*_COLUMNS).where(
            INCIDENTS.c.tenant == tenant,
            INCIDENTS.c.host.in_(sorted(set(hosts))),
            INCIDENTS.c.state.in_([IncidentState.OPEN, IncidentState.QUIET]),
        )
        found: dict[HostId, tuple[Incident, ...]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query.order_by(INCIDENTS.c.opened_at, INCIDENTS.c.id)):
                host = HostId(row.host)
                found[host] = (*found.get(host, ()), read(Incident, row))
        return found

    def closed(
        self, tenant: TenantId, hosts: Iterable[HostId], *, since: datetime, most: int
    ) -> dict[HostId, tuple[Incident, ...]]:
        """Those of each host that were closed from then on, the newest `most`, oldest first; what was merged is none."""
        place = sa.func.row_number().over(
            partition_by=INCIDENTS.c.host,
            order_by=(INCIDENTS.c.closed_at.desc(), INCIDENTS.c.id.desc()),
        )
        newest = (
            sa.select(*_COLUMNS, place.label("place"))
            .where(
                INCIDENTS.c.tenant == tenant,
                INCIDENTS.c.host.in_(sorted(set(hosts))),
                sa.text(CLOSED),
                INCIDENTS.c.closed_at >= since,
            )
            .subquery()
        )
        query = sa.select(newest).where(newest.c.place <= most).order_by(newest.c.place.desc())
        found: dict[HostId, tuple[Incident, ...]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query):
                host = HostId(row.host)
                found[host] = (*found.get(host, ()), read(Incident, row))
        return found

    def find(
        self,
        tenant: TenantId,
        *,
        state: IncidentState | None = None,
        severity: Severity | None = None,
        host: HostId | None = None,
        part_of: IncidentId | None = None,
        whole: bool = False,
        since: datetime | None = None,
        until: datetime | None = None,
        assigned_to: str | None = None,
        cause: str | None = None,
        label: tuple[str, str] | None = None,
        text: str = "",
        among: Collection[IncidentId] | None = None,
        oldest_first: bool = False,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Incident]:
        """Newest first, by when they were opened, unless told otherwise. What narrows it is `Narrowed`'s."""
        narrowed = Narrowed(
            state=state,
            severity=severity,
            host=host,
            part_of=part_of,
            whole=whole,
            since=since,
            until=until,
            assigned_to=assigned_to,
            cause=cause,
            label=label,
            text=text,
            among=among,
        )
        query = sa.select(*_COLUMNS).where(*narrowed.terms(tenant))
        listing = _OLDEST if oldest_first else _NEWEST
        with self._database.reading() as connection:
            return listing.page(
                connection, query, lambda row: read(Incident, row), limit=limit, after=after
            )

    def counts_by_state(self, tenant: TenantId) -> dict[IncidentState, int]:
        """How many incidents that are part of no other are in each state; every state is named."""
        query = (
            sa.select(INCIDENTS.c.state, sa.func.count())
            .where(INCIDENTS.c.tenant == tenant, INCIDENTS.c.part_of.is_(None))
            .group_by(INCIDENTS.c.state)
        )
        with self._database.reading() as connection:
            found = {row[0]: row[1] for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in IncidentState}

    def events(self, tenant: TenantId, identifier: IncidentId) -> list[IncidentEvent]:
        """The timeline, with that of what was merged into it, in the order it was written."""
        merged = sa.select(INCIDENTS.c.id).where(
            INCIDENTS.c.tenant == tenant, INCIDENTS.c.merged_into == identifier
        )
        query = sa.select(*columns_of(INCIDENT_EVENTS, IncidentEvent)).where(
            INCIDENT_EVENTS.c.tenant == tenant
        )
        with self._database.reading() as connection:
            others = connection.execute(merged).scalars().all()
            # Of one alone the index gives them in order.
            mine = (
                INCIDENT_EVENTS.c.incident.in_([identifier, *others])
                if others
                else INCIDENT_EVENTS.c.incident == identifier
            )
            rows = connection.execute(query.where(mine).order_by(INCIDENT_EVENTS.c.number))
            return [read(IncidentEvent, row) for row in rows]

    def acknowledge(self, tenant: TenantId, identifier: IncidentId, actor: str) -> Incident:
        """Someone takes it on.

        Raises:
            NotFound: the tenant has none of this id.
            Conflict: it is closed, or someone took it on before.
        """
        now = self._clock.now()
        open_still = (
            INCIDENTS.c.state != IncidentState.CLOSED,
            INCIDENTS.c.acknowledged_by == "",
        )
        with self._database.writing() as connection:
            changed = change(
                connection,
                (tenant, identifier),
                open_still,
                {"acknowledged_by": actor, "acknowledged_at": now},
            )
            incident = one_incident(connection, tenant, identifier)
            if not changed:
                raise Conflict(_why_not_acknowledged(incident))
            stop_escalations(
                connection,
                (tenant, identifier),
                EscalationState.ACKNOWLEDGED,
                f"acknowledged by {actor}",
                now,
            )
            write_event(connection, tenant, identifier, "acknowledged", actor, now, "")
            trail = Trail(connection, tenant, actor, now)
            trail.audit("incident.acknowledged", identifier, data=told(incident))
            trail.notify("incident.acknowledged", identifier, told(incident))
        return incident

    def close(
        self,
        tenant: TenantId,
        identifier: IncidentId,
        actor: str,
        resolution: Resolution,
        comment: str = "",
        *,
        cohort: bool = False,
    ) -> Incident:
        """Ends it, with what it was; the detector hears of that with the host's next snapshot.

        What was done to the host of one that was harmless ends, whether or not it opens again before that is seen to. With `cohort` the host vouches for the very things to its whole cohort, for a day. With a fleet's incident
        those end that are part of it.

        Raises:
            NotFound: the tenant has none of this id.
            Conflict: it is closed already.
        """
        _check_comment(comment)
        with self._database.writing() as connection:
            return self._close(
                connection, (tenant, identifier), actor, resolution, comment, cohort=cohort
            )

    def false_positive(
        self,
        tenant: TenantId,
        identifier: IncidentId,
        actor: str,
        reason: str,
        *,
        scope: SilenceScope,
        ends_at: datetime,
    ) -> tuple[Incident, Silence]:
        """Ends it as a false alarm, and silences that, both or neither.

        Raises:
            NotFound: the tenant has none of this id.
            Conflict: it is closed already.
            InvalidInput: such a silence may not be made.
        """
        _check_comment(reason)
        now = self._clock.now()
        silence = Silence(
            id=new_id(self._clock),
            tenant=tenant,
            kind=SilenceKind.SILENCE,
            scope=scope,
            starts_at=now,
            ends_at=ends_at,
            owner=actor,
            reason=reason,
            created_at=now,
            incident=identifier,
        )
        with self._database.writing() as connection:
            closed = self._close(
                connection, (tenant, identifier), actor, Resolution.FALSE_POSITIVE, reason
            )
            write_silence(connection, silence, database=self._database)
        return closed, silence

    def _close(
        self,
        connection: sa.Connection,
        which: tuple[TenantId, IncidentId],
        actor: str,
        resolution: Resolution,
        comment: str,
        *,
        cohort: bool = False,
    ) -> Incident:
        now = self._clock.now()
        incident = close(connection, which, actor, now, resolution, comment)
        if incident is None:
            before = one_incident(connection, *which)
            raise Conflict(f"the incident was closed by {before.closed_by} as {before.resolution}")
        closed = [incident]
        if incident.kind is IncidentKind.FLEET:
            closed += close_members(connection, incident)
        trail = Trail(connection, which[0], actor, now)
        for one in closed:
            say(connection, trail, one, author=actor, now=now, reason=comment, cohort=cohort)
            if one.harmless:
                recall_harmless(self._database, connection, one, now)
        return incident

    def gather(self, rule: GatherPolicy, inhibits: Inhibitions = no_inhibitions) -> int:
        """Makes one incident of those of many hosts, as the rule says, and refuses what tells of each; by tenant.

        Each tenant's in one transaction; nothing is written where there is nothing to gather.

        Returns:
            How many incidents and actions changed.
        """
        return gather(self._database, rule, inhibits, self._clock.now())

    def raise_own(
        self, tenant: TenantId, key: str, *, title: str, severity: Severity, actor: str
    ) -> Incident:
        """Opens an incident of the service itself, without a host; while one of this key lives, counts there instead.

        Within a transaction of the store's own, `own_incident` does it.
        """
        now = self._clock.now()
        with self._database.writing() as connection:
            return own_incident(
                connection, tenant, key, title=title, severity=severity, actor=actor, now=now
            )

    def answer(
        self,
        tenant: TenantId,
        identifier: IncidentId,
        rule: Callable[[Incident], tuple[Action, ...]],
    ) -> int:
        """Proposes what the rule answers an incident with; what was proposed before is left as it is. How many are new.

        Raises:
            NotFound: the tenant has none of this id.
        """
        with self._database.writing() as connection:
            proposals = Proposals("system:decide", self._clock.now())
            actions = rule(one_incident(connection, tenant, identifier))
            query = sa.select(ACTIONS.c.id).where(
                ACTIONS.c.tenant == tenant, ACTIONS.c.id.in_([one.id for one in actions])
            )
            known = set(connection.execute(query).scalars())
            fresh = [one for one in actions if one.id not in known]
            for one in fresh:
                proposals.add(one)
            proposals.write(connection)
        return len(fresh)

    def comment(
        self, tenant: TenantId, identifier: IncidentId, actor: str, text: str
    ) -> IncidentEvent:
        """Adds words to the timeline, open or closed.

        Raises:
            InvalidInput: no words, or more than 10,000 characters.
            NotFound: the tenant has none of this id.
        """
        if not text.strip():
            raise InvalidInput("a comment needs words")
        _check_comment(text)
        now = self._clock.now()
        with self._database.writing() as connection:
            one_incident(connection, tenant, identifier)
            event = write_event(connection, tenant, identifier, "comment", actor, now, text)
            Trail(connection, tenant, actor, now).audit("incident.commented", identifier, text)
        return event


def _why_not_acknowledged(incident: Incident) -> str:
    if incident.state is IncidentState.CLOSED:
        return f"the incident is closed (by {incident.closed_by})"
    return f"the incident was acknowledged by {incident.acknowledged_by} before"


def _check_comment(text: str) -> None:
    if len(text) > MAX_COMMENT:
        raise InvalidInput(f"a comment may have {MAX_COMMENT} characters, not {len(text)}")
