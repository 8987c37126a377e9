"""Escalations: begun once, moved on when due, each step with the notifications that it asks for in one transaction."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vedette.core import (
    Action,
    ActionId,
    Clock,
    Conflict,
    Escalated,
    Escalating,
    Escalation,
    EscalationRule,
    EscalationState,
    IncidentId,
    IncidentState,
    NotFound,
    TenantId,
    derived_id,
)
from vedette.store.covering import covered
from vedette.store.database import Database
from vedette.store.incident_steps import one_incident, stop_escalations
from vedette.store.paging import Listing, Page
from vedette.store.proposals import Proposals
from vedette.store.rows import columns_of, read, values_of
from vedette.store.schema import ESCALATION_RUNS, ESCALATIONS, INCIDENT_EVENTS, INCIDENTS
from vedette.store.steps import one_action
from vedette.store.trail import Trail

__all__ = ["Escalations", "carry_escalations"]

_ACTOR = "system:decide"
_AT_ONCE = 200
_COLUMNS = columns_of(ESCALATIONS, Escalation)
_NEWEST = Listing("escalations", ESCALATIONS.c.started_at, ESCALATIONS.c.id)
_RUNNING = sa.text(ESCALATION_RUNS)


class Escalations:
    """Rows are never deleted: what ended says why."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def start(self, action: Action, chain: str) -> Escalation:
        """Begins a chain for the action's incident, due at once. The same action again begins nothing new.

        Raises:
            Conflict: (not-escalated) somebody has acknowledged the incident, it is closed, or this chain runs for it.
        """
        assert action.incident is not None
        now = self._clock.now()
        run = Escalation(
            id=derived_id("escalation", action.tenant, action.incident, chain, action.id),
            tenant=action.tenant,
            incident=action.incident,
            action=action.id,
            chain=chain,
            state=EscalationState.RUNNING,
            started_at=now,
            due_at=now,
        )
        with self._database.writing() as connection:
            # The incident's row is what two that begin at once wait for.
            mine = (INCIDENTS.c.tenant == run.tenant, INCIDENTS.c.id == run.incident)
            connection.execute(
                self._database.locking(sa.select(INCIDENTS.c.id).where(*mine), INCIDENTS)
            )
            before = connection.execute(_by_id(run.tenant, run.id)).first()
            if before is not None:
                return read(Escalation, before)
            _refuse(connection, run)
            connection.execute(sa.insert(ESCALATIONS), [values_of(run)])
            Trail(connection, run.tenant, _ACTOR, now).audit(
                "escalation.started",
                run.id,
                f"chain {chain}",
                {"incident": run.incident, "action": run.action, "policy": action.policy},
            )
        return run

    def sweep(self, rule: EscalationRule) -> int:
        """Moves on what is due, each in one transaction with what it tells; how many were moved.

        A step is taken only from where it was seen, so two that sweep take it once.
        """
        now = self._clock.now()
        query = (
            sa.select(ESCALATIONS.c.tenant, ESCALATIONS.c.id)
            .where(_RUNNING, ESCALATIONS.c.due_at <= now)
            .order_by(ESCALATIONS.c.due_at, ESCALATIONS.c.id)
            .limit(_AT_ONCE)
        )
        with self._database.reading() as connection:
            due = [(TenantId(row.tenant), row.id) for row in connection.execute(query)]
        return sum(self._move(*which, rule, now) for which in due)

    def get(self, tenant: TenantId, identifier: str) -> Escalation:
        """One escalation.

        Raises:
            NotFound: the tenant has none of this id.
        """
        with self._database.reading() as connection:
            row = connection.execute(_by_id(tenant, identifier)).first()
        if row is None:
            raise NotFound(f"no escalation {identifier}")
        return read(Escalation, row)

    def begun_by(self, tenant: TenantId, action: ActionId) -> Escalation | None:
        """What an action began; None where it began nothing."""
        query = sa.select(*_COLUMNS).where(
            ESCALATIONS.c.tenant == tenant, ESCALATIONS.c.action == action
        )
        with self._database.reading() as connection:
            row = connection.execute(query.limit(1)).first()
        return None if row is None else read(Escalation, row)

    def find(
        self,
        tenant: TenantId,
        *,
        incident: IncidentId | None = None,
        running: bool = False,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Escalation]:
        """Newest first; of one incident, or only those that run."""
        query = sa.select(*_COLUMNS).where(ESCALATIONS.c.tenant == tenant)
        if incident is not None:
            query = query.where(ESCALATIONS.c.incident == incident)
        if running:
            query = query.where(_RUNNING)
        with self._database.reading() as connection:
            return _NEWEST.page(
                connection, query, lambda row: read(Escalation, row), limit=limit, after=after
            )

    def running_chains(self, tenant: TenantId) -> frozenset[str]:
        """The chains that escalations are in now."""
        query = sa.select(ESCALATIONS.c.chain).where(ESCALATIONS.c.tenant == tenant, _RUNNING)
        with self._database.reading() as connection:
            return frozenset(connection.execute(query.distinct()).scalars())

    def _move(self, tenant: TenantId, identifier: str, rule: EscalationRule, now: datetime) -> int:
        with self._database.writing() as connection:
            query = _by_id(tenant, identifier).where(_RUNNING, ESCALATIONS.c.due_at <= now)
            row = connection.execute(self._database.locking(query, ESCALATIONS)).first()
            if row is None:
                return 0
            case = _case(connection, read(Escalation, row), now)
            after = rule(case)
            _write(connection, case, after, now)
        return 1


def carry_escalations(
    connection: sa.Connection, tenant: TenantId, one: IncidentId, into: IncidentId, now: datetime
) -> None:
    """What was escalated of an incident that becomes part of another goes on there, unless that one's escalation does."""
    runs = sa.select(ESCALATIONS.c.id).where(
        ESCALATIONS.c.tenant == tenant, ESCALATIONS.c.incident == into, _RUNNING
    )
    if connection.execute(runs.limit(1)).first() is not None:
        why = f"incident {into} is escalated in its place"
        stop_escalations(connection, (tenant, one), EscalationState.GATHERED, why, now)
    connection.execute(
        sa.update(ESCALATIONS)
        .where(ESCALATIONS.c.tenant == tenant, ESCALATIONS.c.incident == one)
        .values(incident=into)
    )


def _by_id(tenant: TenantId, identifier: str) -> sa.Select[Any]:
    return sa.select(*_COLUMNS).where(
        ESCALATIONS.c.tenant == tenant, ESCALATIONS.c.id == identifier
    )


def _refuse(connection: sa.Connection, run: Escalation) -> None:
    incident = one_incident(connection, run.tenant, run.incident)
    if incident.state is IncidentState.CLOSED:
        raise Conflict("its incident is closed", kind="not-escalated")
    if incident.acknowledged_by:
        raise Conflict(
            f"{incident.acknowledged_by} has acknowledged its incident", kind="not-escalated"
        )
    # A chain that has gone on to another by `then` is found by the action that began it.
    first = sa.select(ESCALATIONS.c.id, ESCALATIONS.c.action).where(
        ESCALATIONS.c.tenant == run.tenant, ESCALATIONS.c.incident == run.incident, _RUNNING
    )
    for row in connection.execute(first):
        began = one_action(connection, run.tenant, ActionId(row.action))
        if began.parameters.get("chain") == run.chain:
            raise Conflict(
                f"chain {run.chain} runs for its incident already ({row.id})", kind="not-escalated"
            )


def _case(connection: sa.Connection, run: Escalation, now: datetime) -> Escalating:
    incident = one_incident(connection, run.tenant, run.incident)
    action = one_action(connection, run.tenant, run.action)
    home, escalated = None, False
    if incident.part_of is not None:
        home = one_incident(connection, run.tenant, incident.part_of)
        query = sa.select(ESCALATIONS.c.id).where(
            ESCALATIONS.c.tenant == run.tenant, ESCALATIONS.c.incident == home.id
        )
        escalated = connection.execute(query.limit(1)).first() is not None
    return Escalating(
        run=run,
        incident=incident,
        action=action,
        at=now,
        silence=covered(connection, run.tenant, [action], now).get(action.id),
        home=home,
        home_escalated=escalated,
    )


def _write(connection: sa.Connection, case: Escalating, after: Escalated, now: datetime) -> None:
    run = after.run
    connection.execute(
        sa.update(ESCALATIONS)
        .where(ESCALATIONS.c.tenant == run.tenant, ESCALATIONS.c.id == run.id)
        .values(values_of(run))
    )
    proposals = Proposals(_ACTOR, now)
    for action in after.actions:
        proposals.add(action)
    proposals.write(connection)
    if after.events:
        rows = [values_of(event, tenant=run.tenant) for event in after.events]
        connection.execute(sa.insert(INCIDENT_EVENTS), rows)
    trail = Trail(connection, run.tenant, _ACTOR, now)
    told = {"incident": run.incident, "chain": run.chain, "tier": run.tier, "told": run.told}
    if after.actions:
        trail.audit("escalation.told", run.id, run.detail, told)
    elif run.state is not EscalationState.RUNNING:
        trail.audit("escalation.ended", run.id, run.detail, told | {"state": str(run.state)})
    elif run.detail != case.run.detail:
        trail.audit("escalation.held", run.id, run.detail, told)
