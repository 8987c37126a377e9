"""Incidents: what people see, acknowledge, label and close."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vedette.core import (
    Clock,
    Conflict,
    HostId,
    Incident,
    IncidentEvent,
    IncidentId,
    IncidentState,
    InvalidInput,
    NotFound,
    Resolution,
    Severity,
    TenantId,
)
from vedette.store.database import Database
from vedette.store.paging import Listing, Page
from vedette.store.rows import columns_of, read, values_of
from vedette.store.sayings import say
from vedette.store.schema import INCIDENT_EVENTS, INCIDENTS
from vedette.store.trail import Trail

__all__ = ["Incidents"]

MAX_COMMENT = 10_000
_NEWEST = Listing("incidents", INCIDENTS.c.opened_at, INCIDENTS.c.id)
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
            return _one(connection, tenant, identifier)

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
                incident = read(Incident, row)
                found[incident.host] = (*found.get(incident.host, ()), incident)
        return found

    def find(
        self,
        tenant: TenantId,
        *,
        state: IncidentState | None = None,
        severity: Severity | None = None,
        host: HostId | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Incident]:
        """Newest first, by when they were opened (within `since`, before `until`)."""
        query = sa.select(*_COLUMNS).where(INCIDENTS.c.tenant == tenant)
        for column, value in (
            (INCIDENTS.c.state, state),
            (INCIDENTS.c.severity, severity),
            (INCIDENTS.c.host, host),
        ):
            if value is not None:
                query = query.where(column == value)
        if since is not None:
            query = query.where(INCIDENTS.c.opened_at >= since)
        if until is not None:
            query = query.where(INCIDENTS.c.opened_at < until)
        with self._database.reading() as connection:
            return _NEWEST.page(
                connection, query, lambda row: read(Incident, row), limit=limit, after=after
            )

    def counts_by_state(self, tenant: TenantId) -> dict[IncidentState, int]:
        """How many incidents are in each state; every state is named."""
        query = (
            sa.select(INCIDENTS.c.state, sa.func.count())
            .where(INCIDENTS.c.tenant == tenant)
            .group_by(INCIDENTS.c.state)
        )
        with self._database.reading() as connection:
            found = {row[0]: row[1] for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in IncidentState}

    def events(self, tenant: TenantId, identifier: IncidentId) -> list[IncidentEvent]:
        """The timeline, in the order it was written."""
        query = (
            sa.select(*columns_of(INCIDENT_EVENTS, IncidentEvent))
            .where(INCIDENT_EVENTS.c.tenant == tenant, INCIDENT_EVENTS.c.incident == identifier)
            .order_by(INCIDENT_EVENTS.c.number)
        )
        with self._database.reading() as connection:
            return [read(IncidentEvent, row) for row in connection.execute(query)]

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
            changed = _change(
                connection,
                (tenant, identifier),
                open_still,
                {"acknowledged_by": actor, "acknowledged_at": now},
            )
            incident = _one(connection, tenant, identifier)
            if not changed:
                raise Conflict(_why_not_acknowledged(incident))
            _write_event(connection, tenant, identifier, "acknowledged", actor, now, "")
            trail = Trail(connection, tenant, actor, now)
            trail.audit("incident.acknowledged", identifier, data=_told(incident))
            trail.notify("incident.acknowledged", identifier, _told(incident))
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

        With `cohort` the host vouches for the very things to its whole cohort, for a day.

        Raises:
            NotFound: the tenant has none of this id.
            Conflict: it is closed already.
        """
        _check_comment(comment)
        now = self._clock.now()
        with self._database.writing() as connection:
            changed = _change(
                connection,
                (tenant, identifier),
                (INCIDENTS.c.state != IncidentState.CLOSED,),
                {
                    "state": IncidentState.CLOSED,
                    "closed_at": now,
                    "closed_by": actor,
                    "resolution": resolution,
                },
            )
            incident = _one(connection, tenant, identifier)
            if not changed:
                raise Conflict(
                    f"the incident was closed by {incident.closed_by} as {incident.resolution}"
                )
            _write_event(connection, tenant, identifier, "closed", actor, now, comment)
            trail = Trail(connection, tenant, actor, now)
            trail.audit("incident.closed", identifier, comment, _told(incident))
            say(connection, trail, incident, author=actor, now=now, reason=comment, cohort=cohort)
            trail.notify("incident.closed", identifier, _told(incident))
        return incident

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
            _one(connection, tenant, identifier)
            event = _write_event(connection, tenant, identifier, "comment", actor, now, text)
            Trail(connection, tenant, actor, now).audit("incident.commented", identifier, text)
        return event


def _change(
    connection: sa.Connection,
    of: tuple[TenantId, IncidentId],
    only_if: Iterable[sa.ColumnElement[bool]],
    values: dict[str, Any],
) -> bool:
    statement = sa.update(INCIDENTS).where(
        INCIDENTS.c.tenant == of[0], INCIDENTS.c.id == of[1], *only_if
    )
    return connection.execute(statement.values(values)).rowcount == 1


def _write_event(
    connection: sa.Connection,
    tenant: TenantId,
    identifier: IncidentId,
    kind: str,
    actor: str,
    at: datetime,
    text: str,
) -> IncidentEvent:
    event = IncidentEvent(incident=identifier, at=at, kind=kind, actor=actor, text=text)
    connection.execute(sa.insert(INCIDENT_EVENTS), [values_of(event, tenant=tenant)])
    return event


def _one(connection: sa.Connection, tenant: TenantId, identifier: IncidentId) -> Incident:
    query = sa.select(*_COLUMNS).where(INCIDENTS.c.tenant == tenant, INCIDENTS.c.id == identifier)
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"no incident {identifier}")
    return read(Incident, row)


def _why_not_acknowledged(incident: Incident) -> str:
    if incident.state is IncidentState.CLOSED:
        return f"the incident is closed (by {incident.closed_by})"
    return f"the incident was acknowledged by {incident.acknowledged_by} before"


def _told(incident: Incident) -> dict[str, Any]:
    return {
        "host": incident.host,
        "hostname": incident.hostname,
        "state": str(incident.state),
        "severity": str(incident.severity),
        "title": incident.title,
        "resolution": str(incident.resolution or ""),
    }


def _check_comment(text: str) -> None:
    if len(text) > MAX_COMMENT:
        raise InvalidInput(f"a comment may have {MAX_COMMENT} characters, not {len(text)}")
