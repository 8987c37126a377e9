"""Silences and maintenance windows: made, ended and looked at by people, asked by the responder."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from vedette.core import (
    Action,
    ActionEvent,
    ActionState,
    Clock,
    Conflict,
    Held,
    IncidentId,
    IncidentState,
    Inhibition,
    NotFound,
    Record,
    Silence,
    SilenceKind,
    SilenceScope,
    TenantId,
    new_id,
)
from vedette.store.covering import covered, in_force
from vedette.store.database import Database
from vedette.store.explaining import explained
from vedette.store.incident_steps import write_event
from vedette.store.paging import Listing, Page
from vedette.store.rows import columns_of, read, values_of
from vedette.store.schema import ACTION_EVENTS, ACTIONS, HOSTS, INCIDENTS, SILENCES
from vedette.store.trail import Trail

__all__ = ["BackTest", "Silences", "end_silence", "write_silence"]

_COLUMNS = columns_of(SILENCES, Silence)
_NEWEST = Listing("silences", SILENCES.c.created_at, SILENCES.c.id)
# How often what is held is looked at again: an incident that got another cause is told of all the same.
_AGAIN = timedelta(minutes=1)
_ACTOR = "system:respond"


class BackTest(Record, frozen=True, kw_only=True):
    """What a scope would have held since a moment: incidents, their abnormal verdicts, and what told people of them."""

    since: datetime
    incidents: int
    verdicts: int
    notifications: int


class Silences:
    """Nothing is deleted: what expired or was ended stays to be seen."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(
        self,
        tenant: TenantId,
        scope: SilenceScope,
        *,
        ends_at: datetime,
        owner: str,
        reason: str,
        kind: SilenceKind = SilenceKind.SILENCE,
        starts_at: datetime | None = None,
        identifier: str = "",
    ) -> Silence:
        """Makes one, from now on unless told otherwise; one whose identifier is there already is left as it is, and given.

        Raises:
            InvalidInput: it is about everything, for too long, over already, or says not why.
        """
        now = self._clock.now()
        silence = Silence(
            id=identifier or new_id(self._clock),
            tenant=tenant,
            kind=kind,
            scope=scope,
            starts_at=starts_at or now,
            ends_at=ends_at,
            owner=owner,
            reason=reason,
            created_at=now,
        )
        with self._database.writing() as connection:
            if not write_silence(connection, silence, database=self._database):
                return _one(connection, tenant, silence.id)
        return silence

    def end(self, tenant: TenantId, identifier: str, *, actor: str, reason: str = "") -> Silence:
        """Ends it before its time. What it held is told now, where that is still so.

        Raises:
            NotFound: the tenant has none of this id.
            Conflict: it is over.
        """
        with self._database.writing() as connection:
            trail = Trail(connection, tenant, actor, self._clock.now())
            return end_silence(connection, tenant, identifier, trail, reason)

    def get(self, tenant: TenantId, identifier: str) -> Silence:
        """One silence.

        Raises:
            NotFound: the tenant has none of this id.
        """
        with self._database.reading() as connection:
            return _one(connection, tenant, identifier)

    def find(
        self,
        tenant: TenantId,
        *,
        in_force_only: bool = False,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Silence]:
        """Newest first."""
        query = sa.select(*_COLUMNS).where(SILENCES.c.tenant == tenant)
        if in_force_only:
            query = query.where(*in_force(self._clock.now()))
        with self._database.reading() as connection:
            return _NEWEST.page(
                connection, query, lambda row: read(Silence, row), limit=limit, after=after
            )

    def holding(self, tenant: TenantId, since: datetime) -> tuple[Silence, ...]:
        """All that hold anything from this moment on, or will."""
        query = sa.select(*_COLUMNS).where(
            SILENCES.c.tenant == tenant,
            SILENCES.c.ends_at > since,
            sa.or_(SILENCES.c.ended_at.is_(None), SILENCES.c.ended_at > since),
        )
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(SILENCES.c.id))
            return tuple(read(Silence, row) for row in rows)

    def covering(self, action: Action) -> Silence | None:
        """What holds the action now, if anything does."""
        with self._database.reading() as connection:
            return covered(connection, action.tenant, [action], self._clock.now()).get(action.id)

    def explained(self, action: Action, rules: Sequence[Inhibition]) -> Held | None:
        """What explains the action now by these rules, if anything does."""
        with self._database.reading() as connection:
            found = explained(connection, action.tenant, [action], rules, self._clock.now())
        return found.get(action.id)

    def hold(self, action: Action, held: Held) -> None:
        """Keeps a proposed action back, and says so of it and of its incident; to be looked at again within a minute.

        Raises:
            Conflict: it is no longer proposed, or another has held it meanwhile.
        """
        now = self._clock.now()
        values = {"held_by": held.by, "wake_at": min(held.until, now + _AGAIN)}
        with self._database.writing() as connection:
            changed = connection.execute(
                sa.update(ACTIONS)
                .where(
                    ACTIONS.c.tenant == action.tenant,
                    ACTIONS.c.id == action.id,
                    ACTIONS.c.state == ActionState.PROPOSED,
                    ACTIONS.c.held_by == action.held_by,
                )
                .values(values if action.held_by == held.by else values | {"detail": held.why})
            ).rowcount
            if not changed:
                raise Conflict("the action has moved meanwhile")
            if action.held_by != held.by:
                _tell_held(connection, action, held, now)

    def over(self, action: Action) -> str:
        """Why what was held need not be told any more, now that nothing holds it; empty where it must be."""
        with self._database.reading() as connection:
            if action.incident is not None:
                state = connection.execute(
                    sa.select(INCIDENTS.c.state).where(
                        INCIDENTS.c.tenant == action.tenant, INCIDENTS.c.id == action.incident
                    )
                ).scalar_one()
                closed = state is IncidentState.CLOSED
                return "its incident was closed while it was held" if closed else ""
            silent = connection.execute(
                sa.select(HOSTS.c.silent_since).where(
                    HOSTS.c.tenant == action.tenant, HOSTS.c.id == action.host
                )
            ).scalar()
        stands = action.trigger == "silent" and silent is not None
        return "" if stands else "the host was heard again while it was held"

    def back_test(self, tenant: TenantId, scope: SilenceScope, since: datetime) -> BackTest:
        """What it would have held of all that was opened since then, by its causes and severity as they are now."""
        query = (
            sa.select(
                INCIDENTS.c.id,
                INCIDENTS.c.host,
                INCIDENTS.c.causes,
                INCIDENTS.c.severity,
                INCIDENTS.c.verdicts,
                HOSTS.c.labels,
            )
            .outerjoin(
                HOSTS,
                sa.and_(HOSTS.c.tenant == INCIDENTS.c.tenant, HOSTS.c.id == INCIDENTS.c.host),
            )
            .where(INCIDENTS.c.tenant == tenant, INCIDENTS.c.opened_at >= since)
        )
        if scope.host is not None:
            query = query.where(INCIDENTS.c.host == scope.host)
        with self._database.reading() as connection:
            held = [
                row
                for row in connection.execute(query)
                if scope.covers(row.host, row.labels or {}, row.causes, row.severity)
            ]
            told = sum(_told(connection, tenant, row.id) for row in held)
        return BackTest(
            since=since,
            incidents=len(held),
            verdicts=sum(row.verdicts for row in held),
            notifications=told,
        )


def end_silence(
    connection: sa.Connection, tenant: TenantId, identifier: str, trail: Trail, reason: str
) -> Silence:
    """What `Silences.end` does, within a transaction."""
    changed = connection.execute(
        sa.update(SILENCES)
        .where(
            SILENCES.c.tenant == tenant,
            SILENCES.c.id == identifier,
            SILENCES.c.ends_at > trail.now,
            SILENCES.c.ended_at.is_(None),
        )
        .values(ended_at=trail.now, ended_by=trail.actor, ended_why=reason)
    ).rowcount
    silence = _one(connection, tenant, identifier)
    if not changed:
        raise Conflict("this silence is over already", kind="silence-over")
    connection.execute(
        sa.update(ACTIONS)
        .where(
            ACTIONS.c.tenant == tenant,
            ACTIONS.c.state == ActionState.PROPOSED,
            ACTIONS.c.held_by == identifier,
        )
        .values(wake_at=trail.now)
    )
    trail.audit("silence.ended", identifier, reason)
    return silence


def write_silence(connection: sa.Connection, silence: Silence, *, database: Database) -> bool:
    """Adds it to the transaction, with its audit; False where one of its id is there already.

    Raises:
        InvalidInput: it may not be made.
    """
    silence.check()
    if not database.insert_new(connection, SILENCES, values_of(silence)):
        return False
    scope = silence.scope
    Trail(connection, silence.tenant, silence.owner, silence.created_at).audit(
        "silence.created",
        silence.id,
        silence.reason,
        {
            "kind": str(silence.kind),
            "host": scope.host,
            "labels": scope.labels,
            "causes": list(scope.causes),
            "cohorts": list(scope.cohorts),
            "severity": str(scope.severity),
            "starts_at": silence.starts_at.isoformat(),
            "ends_at": silence.ends_at.isoformat(),
        },
    )
    return True


def _one(connection: sa.Connection, tenant: TenantId, identifier: str) -> Silence:
    query = sa.select(*_COLUMNS).where(SILENCES.c.tenant == tenant, SILENCES.c.id == identifier)
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"no silence {identifier}")
    return read(Silence, row)


def _tell_held(connection: sa.Connection, action: Action, held: Held, now: datetime) -> None:
    by = {"held_by": held.by, "source": held.source}
    event = ActionEvent(
        action=action.id,
        at=now,
        state=ActionState.PROPOSED,
        actor=_ACTOR,
        detail=held.why,
        data=by,
    )
    connection.execute(sa.insert(ACTION_EVENTS), [values_of(event, tenant=action.tenant)])
    told = by | {"incident": action.incident, "host": action.host, "kind": action.kind}
    Trail(connection, action.tenant, _ACTOR, now).audit("action.held", action.id, held.why, told)
    if action.incident is not None:
        text = f"{action.kind} {held.why}"
        write_event(
            connection, action.tenant, IncidentId(action.incident), "held", _ACTOR, now, text
        )


def _told(connection: sa.Connection, tenant: TenantId, incident: str) -> int:
    query = (
        sa.select(sa.func.count())
        .select_from(ACTIONS)
        .where(
            ACTIONS.c.tenant == tenant,
            ACTIONS.c.incident == incident,
            sa.not_(ACTIONS.c.disruptive),
            ACTIONS.c.state == ActionState.VERIFIED,
        )
    )
    return int(connection.execute(query).scalar_one())
