"""What people make of incidents by hand: whose they are, that they go on, and what belongs together."""

from collections.abc import Collection

import sqlalchemy as sa

from vedette.core import (
    Clock,
    Conflict,
    HostId,
    Incident,
    IncidentId,
    IncidentState,
    InvalidInput,
    TenantId,
)
from vedette.store.database import Database
from vedette.store.incident_steps import change, one_incident, told, write_event
from vedette.store.members import cohorts
from vedette.store.merging import merge
from vedette.store.reopening import reopen
from vedette.store.role import Role
from vedette.store.schema import TOKENS
from vedette.store.splitting import split
from vedette.store.tokens import usable
from vedette.store.trail import Trail
from vedette.store.widening import widen

__all__ = ["Triage"]


class Triage:
    """Each change is one transaction with its lines and audit rows; `edits` counts what alters an incident's make-up."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def assign(
        self, tenant: TenantId, identifier: IncidentId, actor: str, *, to: str, reason: str = ""
    ) -> Incident:
        """Makes it somebody's, by the name of their token; an empty name makes it nobody's.

        Raises:
            NotFound: the tenant has none of this id.
            InvalidInput: nobody of this name may respond.
            Conflict: it is closed, or theirs already.
        """
        now = self._clock.now()
        with self._database.writing() as connection:
            incident = one_incident(connection, tenant, identifier, lock=self._database)
            if incident.state is IncidentState.CLOSED:
                raise Conflict("the incident is closed; re-open it first", kind="incident-closed")
            if to:
                self._check_person(connection, tenant, to)
            whom = f"user:{to}" if to else ""
            if whom == incident.assigned_to:
                raise Conflict(
                    f"the incident is {to or 'nobody'}'s already", kind="assigned-before"
                )
            change(connection, (tenant, identifier), (), {"assigned_to": whom})
            words = f"to {to or 'nobody'}" + (f": {reason}" if reason else "")
            write_event(connection, tenant, identifier, "assigned", actor, now, words)
            trail = Trail(connection, tenant, actor, now)
            trail.audit("incident.assigned", identifier, reason, told(incident) | {"to": whom})
            trail.notify("incident.assigned", identifier, told(incident) | {"to": whom})
            return one_incident(connection, tenant, identifier)

    def _check_person(self, connection: sa.Connection, tenant: TenantId, name: str) -> None:
        query = sa.select(TOKENS.c.name).where(
            TOKENS.c.tenant == tenant,
            TOKENS.c.role.in_([Role.RESPONDER, Role.ADMIN]),
            *usable(self._clock.now()),
        )
        known = sorted(connection.execute(query).scalars())
        if name not in known:
            raise InvalidInput(
                f"nobody named {name!r} may respond; those who may: {', '.join(known) or 'nobody'}"
            )

    def cohorts(self, tenant: TenantId, fleet: IncidentId) -> tuple[str, ...]:
        """The cohorts of a fleet's incident's hosts, in order; hosts without a role are of the empty one."""
        with self._database.reading() as connection:
            return cohorts(connection, tenant, fleet)

    def reopen(
        self, tenant: TenantId, identifier: IncidentId, actor: str, *, reason: str
    ) -> Incident:
        """Undoes its closing; of many hosts, with the incidents that were closed with it. What was silenced for it is told again.

        Raises:
            NotFound: the tenant has none of this id.
            Conflict: it is not closed, it was merged into another, or its hosts' were closed one by one.
        """
        with self._database.writing() as connection:
            return reopen(
                self._database,
                connection,
                (tenant, identifier),
                Trail(connection, tenant, actor, self._clock.now()),
                reason,
            )

    def merge(
        self,
        tenant: TenantId,
        identifier: IncidentId,
        into: IncidentId,
        actor: str,
        *,
        reason: str,
    ) -> Incident:
        """Makes one of two. What comes back is the one that goes on: of two hosts' it is a fleet's, of which both are part.

        Raises:
            NotFound: the tenant has none of one of these ids.
            InvalidInput: it is merged with itself.
            Conflict: one of them is closed, or they are of kinds that can't be one.
        """
        if identifier == into:
            raise InvalidInput("an incident can't be merged with itself")
        now = self._clock.now()
        with self._database.writing() as connection:
            merged = merge(
                self._database,
                connection,
                (tenant, identifier, into),
                Trail(connection, tenant, actor, now),
                self._clock,
                reason,
            )
            widen(self._database, connection, tenant, now)
            return merged

    def split(
        self,
        tenant: TenantId,
        identifier: IncidentId,
        actor: str,
        *,
        reason: str,
        hosts: Collection[HostId] = (),
        causes: Collection[str] = (),
    ) -> Incident:
        """Takes hosts out of a fleet's incident, or causes out of a host's, into a new one, which comes back.

        Raises:
            NotFound: the tenant has none of this id.
            InvalidInput: neither or both are given, or not what it is made of.
            Conflict: it is closed, or nothing would be left of it.
        """
        if bool(hosts) == bool(causes):
            raise InvalidInput("name the hosts, or else the causes, that are to be taken out")
        with self._database.writing() as connection:
            return split(
                self._database,
                connection,
                (tenant, identifier),
                Trail(connection, tenant, actor, self._clock.now()),
                self._clock,
                (tuple(dict.fromkeys(hosts)), tuple(dict.fromkeys(causes))),
                reason,
            )
