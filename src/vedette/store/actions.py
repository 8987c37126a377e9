"""Actions: looked up here, moved by `advance` (see steps.py)."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vedette.core import (
    ENDED,
    IN_FORCE,
    Action,
    ActionEvent,
    ActionId,
    ActionState,
    Clock,
    Command,
    HostId,
    IncidentId,
    InvalidInput,
    Limits,
    Reach,
    TenantId,
)
from vedette.store.approving import approve
from vedette.store.database import Database
from vedette.store.dispatching import dispatch
from vedette.store.granting import grant
from vedette.store.paging import MAX_LIMIT, Listing, Page
from vedette.store.proposals import propose
from vedette.store.reaching import reach
from vedette.store.rows import columns_of, read
from vedette.store.schema import ACTION_EVENTS, ACTIONS
from vedette.store.steps import advance, note, one_action, recall, wake
from vedette.store.weighing import weigh

__all__ = ["Actions"]

_NEWEST = Listing("actions", ACTIONS.c.proposed_at, ACTIONS.c.id)
_COLUMNS = columns_of(ACTIONS, Action)
_NOT_ENDED = [state for state in ActionState if state not in ENDED]
_UNDECIDED = [ActionState.PROPOSED, ActionState.AWAITING_APPROVAL]
_RECALLABLE = sa.and_(
    sa.not_(ACTIONS.c.dry_run),
    sa.or_(ACTIONS.c.lease_seconds > 0, ACTIONS.c.grace_seconds > 0),
)


class Actions:
    """`Store.apply` proposes them; people and the responder move them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def get(self, tenant: TenantId, identifier: ActionId) -> Action:
        """One action.

        Raises:
            NotFound: the tenant has none of this id.
        """
        with self._database.reading() as connection:
            return one_action(connection, tenant, identifier)

    def find(
        self,
        tenant: TenantId,
        *,
        state: ActionState | None = None,
        incident: IncidentId | None = None,
        host: HostId | None = None,
        hosts: Collection[HostId] | None = None,
        kind: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Action]:
        """Newest first, by when they were proposed (within `since`, before `until`); of any of `hosts`, where they are given."""
        query = sa.select(*_COLUMNS).where(ACTIONS.c.tenant == tenant)
        for column, value in (
            (ACTIONS.c.state, state),
            (ACTIONS.c.incident, incident),
            (ACTIONS.c.host, host),
            (ACTIONS.c.kind, kind),
        ):
            if value is not None:
                query = query.where(column == value)
        if hosts is not None:
            query = query.where(ACTIONS.c.host.in_(sorted(hosts)))
        if since is not None:
            query = query.where(ACTIONS.c.proposed_at >= since)
        if until is not None:
            query = query.where(ACTIONS.c.proposed_at < until)
        with self._database.reading() as connection:
            return _NEWEST.page(
                connection, query, lambda row: read(Action, row), limit=limit, after=after
            )

    def counts_by_state(self, tenant: TenantId) -> dict[ActionState, int]:
        """How many actions are in each state; every state is named."""
        query = (
            sa.select(ACTIONS.c.state, sa.func.count())
            .where(ACTIONS.c.tenant == tenant)
            .group_by(ACTIONS.c.state)
        )
        with self._database.reading() as connection:
            found = {row[0]: row[1] for row in connection.execute(query)}
        return {state: found.get(state, 0) for state in ActionState}

    def waiting(self, tenant: TenantId) -> int:
        """How many await somebody's approval."""
        query = sa.select(sa.func.count()).where(
            ACTIONS.c.state == ActionState.AWAITING_APPROVAL, ACTIONS.c.tenant == tenant
        )
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def events(self, tenant: TenantId, identifier: ActionId) -> list[ActionEvent]:
        """Its steps, in the order they were taken."""
        query = (
            sa.select(*columns_of(ACTION_EVENTS, ActionEvent))
            .where(ACTION_EVENTS.c.tenant == tenant, ACTION_EVENTS.c.action == identifier)
            .order_by(ACTION_EVENTS.c.number)
        )
        with self._database.reading() as connection:
            return [read(ActionEvent, row) for row in connection.execute(query)]

    def recent(
        self, tenant: TenantId, hosts: Iterable[HostId], since: datetime
    ) -> dict[HostId, tuple[Action, ...]]:
        """Actions proposed at `since` or later for those hosts that have some, oldest first, in whatever state."""
        query = sa.select(*_COLUMNS).where(
            ACTIONS.c.tenant == tenant,
            ACTIONS.c.host.in_(sorted(set(hosts))),
            ACTIONS.c.proposed_at >= since,
        )
        found: dict[HostId, tuple[Action, ...]] = {}
        with self._database.reading() as connection:
            for row in connection.execute(query.order_by(ACTIONS.c.proposed_at, ACTIONS.c.id)):
                host = HostId(row.host)
                found[host] = (*found.get(host, ()), read(Action, row))
        return found

    def due(
        self, states: Collection[ActionState], limit: int = 100, *, disruptive: bool
    ) -> list[Action]:
        """Actions of all tenants in these states, the longest due first; not those that wait to be gathered, or to be tried again.

        Raises:
            InvalidInput: the limit is not 1..500.
        """
        waiting = sa.or_(
            ACTIONS.c.state == ActionState.PROPOSED,
            sa.and_(ACTIONS.c.state == ActionState.DISPATCHED, sa.not_(_RECALLABLE)),
        )
        sleeps = sa.and_(waiting, ACTIONS.c.wake_at > self._clock.now())
        query = sa.select(*_COLUMNS).where(
            ACTIONS.c.state.in_(sorted(states)),
            ACTIONS.c.disruptive if disruptive else sa.not_(ACTIONS.c.disruptive),
            sa.func.coalesce(sa.not_(sleeps), sa.true()),
        )
        since = sa.func.coalesce(ACTIONS.c.wake_at, ACTIONS.c.updated_at)
        return self._all(query.order_by(since, ACTIONS.c.id), limit)

    def undecided(self, now: datetime, limit: int = 100) -> list[Action]:
        """Actions of all tenants that nobody has decided and whose time is over, the longest over first.

        Raises:
            InvalidInput: the limit is not 1..500.
        """
        query = sa.select(*_COLUMNS).where(
            ACTIONS.c.state.in_(_UNDECIDED), ACTIONS.c.expires_at <= now
        )
        return self._all(query.order_by(ACTIONS.c.expires_at, ACTIONS.c.id), limit)

    def _all(self, query: sa.Select[Any], limit: int | None = None) -> list[Action]:
        if limit is not None and not 1 <= limit <= MAX_LIMIT:
            raise InvalidInput(f"limit must be from 1 to {MAX_LIMIT}, not {limit}")
        with self._database.reading() as connection:
            return [read(Action, row) for row in connection.execute(query.limit(limit))]

    def going_on(self, tenant: TenantId, incident: IncidentId) -> list[Action]:
        """Actions of the incident that have not ended, oldest first."""
        return self._all(_going_on(tenant, ACTIONS.c.incident == incident))

    def of_host(self, tenant: TenantId, host: HostId) -> list[Action]:
        """Actions about the host that have not ended, oldest first."""
        return self._all(_going_on(tenant, ACTIONS.c.host == host))

    def awake(self, now: datetime, limit: int = 100) -> list[Action]:
        """What may be in force and can be undone, of all tenants, whose `wake_at` has come, the longest due first.

        Raises:
            InvalidInput: the limit is not 1..500.
        """
        query = sa.select(*_COLUMNS).where(
            ACTIONS.c.wake_at <= now, ACTIONS.c.state.in_(sorted(IN_FORCE)), _RECALLABLE
        )
        return self._all(query.order_by(ACTIONS.c.wake_at, ACTIONS.c.id), limit)

    def advance(
        self,
        tenant: TenantId,
        identifier: ActionId,
        to: ActionState,
        *,
        actor: str,
        detail: str = "",
        data: dict[str, Any] | None = None,
        expected: ActionState | None = None,
        plan: dict[str, Any] | None = None,
        attempts: int | None = None,
        lease_until: datetime | None = None,
        wake_at: datetime | None = None,
    ) -> Action:
        """Moves it one step of core.TRANSITIONS, with its event and audit rows in the same transaction.

        Approving after `expires_at` marks it expired instead. None leaves plan, attempts and lease as they are, and
        lets it sleep until something happens.

        Raises:
            NotFound: the tenant has none of this id.
            Conflict: it is in another state than `expected`, that step is not allowed from where it is, or it would be
                a second lease of its kind on its host (`lease-in-force`).
        """
        given = {"plan": plan, "attempts": attempts, "lease_until": lease_until}
        return advance(
            self._database,
            self._clock.now(),
            (tenant, identifier),
            to,
            actor=actor,
            detail=detail,
            data=data,
            expected=expected,
            changes={"wake_at": wake_at, **_told(given)},
        )

    def propose(self, action: Action) -> Action:
        """Adds one that a person proposed (`proposed_by`); one whose id is there already is left as it is, and given."""
        return propose(self._database, self._clock.now(), action)

    def approve(
        self, tenant: TenantId, identifier: ActionId, *, actor: str, reason: str = ""
    ) -> Action:
        """One person's approval; `approved` when there are as many as it takes. After its time it is expired instead.

        Raises:
            NotFound: the tenant has none of this id.
            Conflict: it does not await approval, its time is over, this person proposed it or approved it before, or
                their token has ended meanwhile.
        """
        return approve(
            self._database, self._clock.now(), (tenant, identifier), actor=actor, reason=reason
        )

    def reach(self, action: Action) -> Reach:
        """How far it would reach, by what is done to other hosts at this moment."""
        with self._database.reading() as connection:
            return reach(connection, action, self._clock.now())

    def approvals(self, tenant: TenantId, identifier: ActionId) -> list[str]:
        """Who has approved it, in order; until it has begun or ended, whose approvals count at this moment.

        Raises:
            NotFound: the tenant has none of this id.
        """
        with self._database.reading() as connection:
            action = one_action(connection, tenant, identifier)
            weighed = weigh(connection, (tenant, identifier), self._clock.now())
        open_still = action.state in _UNDECIDED or action.state is ActionState.APPROVED
        return weighed.given if open_still else list(weighed.approved)

    def dispatch(
        self,
        tenant: TenantId,
        identifier: ActionId,
        *,
        actor: str,
        expected: ActionState,
        limits: Limits,
    ) -> Action:
        """Begins it: the first attempt, written before it is made. A disruptive one only within the limits.

        Raises:
            NotFound: the tenant has none of this id.
            Conflict: it is in another state; or `lease-in-force`, `switched-off` (the kill switch is thrown),
                `needs-two-people` (it is fleet-wide by now), `approval-void` (too few approvals are left: some were
                given with tokens that ended meanwhile), or `breaker-tripped`: its host would be one too many, and a
                breaker is open now.
        """
        return dispatch(
            self._database,
            self._clock.now(),
            (tenant, identifier),
            actor=actor,
            expected=expected,
            limits=limits,
        )

    def grant(
        self,
        action: Action,
        command: Command,
        blob: bytes,
        *,
        actor: str,
        limits: Limits,
        against: str = "",
    ) -> tuple[Command | None, str]:
        """Begins what a host may do at once by its own settings, with the command that it is told by another way.

        Its host is counted like any other, in the same transaction. Where something is against it (`against`, the kill
        switch, a breaker, a lease in force) the action is there as refused. One is begun for a host and incident at
        most; what came to nothing may be asked for again after ten minutes. The same action again gives the same command, unless
        something is against it by then (`against`, the kill switch) or its end was asked for.

        Returns:
            The command, or None and why not.
        """
        return grant(
            self._database,
            self._clock.now(),
            action,
            command,
            blob,
            actor=actor,
            limits=limits,
            against=against,
        )

    def note(
        self,
        tenant: TenantId,
        identifier: ActionId,
        *,
        actor: str,
        detail: str = "",
        data: dict[str, Any] | None = None,
        expected: ActionState,
        expected_attempts: int,
        attempts: int,
        lease_until: datetime | None = None,
        wake_at: datetime | None = None,
    ) -> Action:
        """Writes down an attempt, or what came of it, without a step of state. None leaves lease and waking as they are.

        Raises:
            NotFound: the tenant has none of this id.
            Conflict: its state or its number of attempts is another by now.
        """
        given = {"attempts": attempts, "lease_until": lease_until, "wake_at": wake_at}
        return note(
            self._database,
            self._clock.now(),
            (tenant, identifier),
            actor=actor,
            detail=detail,
            data=data,
            expected=expected,
            expected_attempts=expected_attempts,
            changes=_told(given),
        )

    def recall(
        self, tenant: TenantId, identifier: ActionId, *, actor: str, why: str = ""
    ) -> Action:
        """Asks for the end of what is in force; the responder then has it undone and says what was seen.

        Raises:
            NotFound: the tenant has none of this id.
            Conflict: nothing of it is in force (`not-in-force`), or somebody asked before (`recalled-before`).
        """
        return recall(self._database, self._clock.now(), (tenant, identifier), actor=actor, why=why)

    def wake(
        self,
        tenant: TenantId,
        identifier: ActionId,
        *,
        expected: ActionState,
        at: datetime | None,
    ) -> None:
        """When it is to be looked at again, if it is still in this state. No event: nothing has happened."""
        wake(self._database, (tenant, identifier), expected=expected, at=at)


def _going_on(tenant: TenantId, which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    query = sa.select(*_COLUMNS).where(
        ACTIONS.c.tenant == tenant, which, ACTIONS.c.state.in_(_NOT_ENDED)
    )
    return query.order_by(ACTIONS.c.proposed_at, ACTIONS.c.id)


def _told(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
