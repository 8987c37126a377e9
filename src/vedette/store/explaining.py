"""What stands at a moment and explains notifications, by the rules in force."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from vedette.core import (
    Action,
    ActionId,
    ActionState,
    Held,
    HostId,
    Incident,
    IncidentId,
    IncidentState,
    Inhibition,
    Record,
    Severity,
    TenantId,
)
from vedette.store.rows import columns_of, read
from vedette.store.schema import ACTION_EVENTS, ACTIONS, HOSTS, INCIDENTS

__all__ = ["Inhibitions", "explained", "no_inhibitions"]

Inhibitions = Callable[[TenantId], Sequence[Inhibition]]
"""The rules that are in force for a tenant."""

_CHUNK = 1_000
# The host itself has taken it; what only waits for its host explains nothing.
_TAKEN = (ActionState.ACKNOWLEDGED, ActionState.APPLIED, ActionState.VERIFIED)
# Hosts count a grace in whole minutes, and their last words may be on their way for two more.
_LAST_WORDS = timedelta(minutes=3)
_INCIDENT = columns_of(INCIDENTS, Incident)
_MEMBERS = INCIDENTS.alias("members")


class _Host(Record, frozen=True, kw_only=True):
    """A host, as far as it matters here."""

    id: HostId
    hostname: str
    labels: dict[str, str]
    silent_since: datetime | None
    last_seen_at: datetime | None


class _Source(Record, frozen=True, kw_only=True):
    """Something that stands: where, what it is in words. `over_at` is when it has taken its host's voice, if it is no lease."""

    host: HostId
    id: str
    words: str
    begun_at: datetime | None = None
    over_at: datetime | None = None

    def explains(self, action: Action, host: _Host, rule: Inhibition) -> bool:
        """Whether the news came after it, and as long as what it did may be why."""
        if self.begun_at is None:
            return True
        if action.proposed_at < self.begun_at:
            return False
        if self.over_at is None:
            return True
        if rule.explained.silent:
            # Who was heard later did not fall silent by this.
            return host.last_seen_at is None or host.last_seen_at <= self.over_at
        return action.proposed_at <= self.over_at + timedelta(seconds=rule.most_seconds)


def no_inhibitions(_tenant: TenantId) -> Sequence[Inhibition]:
    """Nothing explains anything."""
    return ()


def explained(
    connection: sa.Connection,
    tenant: TenantId,
    actions: Sequence[Action],
    rules: Sequence[Inhibition],
    now: datetime,
) -> dict[ActionId, Held]:
    """Those of the actions that something explains now, each by the first rule that does."""
    open_news = [one for one in actions if rules and one.host and not one.disruptive]
    incidents = _incidents(connection, tenant, {one.incident for one in open_news if one.incident})
    told = {one.id: incidents.get(one.incident or "") for one in open_news}
    hosts: dict[str, _Host] = {}
    found: dict[ActionId, Held] = {}
    for rule in rules:
        meant = [
            one
            for one in open_news
            if one.id not in found
            and now < rule.until(one)
            and rule.explained.meets(one, told[one.id])
        ]
        if not meant:
            continue
        ours = sorted({one.host for one in meant if one.host})
        hosts |= _hosts(connection, tenant, [one for one in ours if one not in hosts])
        sources = _sources(connection, tenant, rule, None if rule.equal else ours)
        if rule.equal:
            where = sorted({one.host for one in sources} - hosts.keys())
            hosts |= _hosts(connection, tenant, where)
        for one in meant:
            why = _why(one, rule, sources, hosts)
            if why is not None:
                found[one.id] = why
    return found


def _why(
    action: Action, rule: Inhibition, sources: Iterable[_Source], hosts: dict[str, _Host]
) -> Held | None:
    host = hosts[action.host or ""]
    if rule.explained.silent and host.silent_since is None:
        return None
    if rule.is_source(host.labels):
        return None
    for source in sources:
        if not _same(rule.equal, host, hosts[source.host]):
            continue
        if source.explains(action, host, rule):
            return Held(
                by=f"inhibition:{rule.name}",
                until=rule.until(action),
                why=f"held by inhibition {rule.name} because of {source.words}",
                source=source.id,
            )
    return None


def _same(label: str, one: _Host, other: _Host) -> bool:
    if not label:
        return one.id == other.id
    value = one.labels.get(label)
    return value is not None and value == other.labels.get(label)


def _sources(
    connection: sa.Connection, tenant: TenantId, rule: Inhibition, hosts: Sequence[str] | None
) -> list[_Source]:
    """What stands, on these hosts or (None) anywhere; in one order for all who ask."""
    if rule.explains.silent is not None:
        return _silent(connection, tenant, rule, hosts)
    if rule.explains.actions:
        return _acted(connection, tenant, rule, hosts)
    return _ill(connection, tenant, rule, hosts)


def _silent(
    connection: sa.Connection, tenant: TenantId, rule: Inhibition, hosts: Sequence[str] | None
) -> list[_Source]:
    query = sa.select(HOSTS.c.id, HOSTS.c.hostname, HOSTS.c.labels, HOSTS.c.silent_since).where(
        HOSTS.c.tenant == tenant, HOSTS.c.silent_since.is_not(None), HOSTS.c.revoked_at.is_(None)
    )
    labels = rule.explains.silent or {}
    return [
        _Source(
            host=HostId(row.id),
            id=row.id,
            words=f"host {row.hostname} ({row.id}), silent since {row.silent_since:%Y-%m-%d %H:%M} UTC",
        )
        for row in _rows(connection, query, HOSTS.c.id, hosts, HOSTS.c.id)
        if labels.items() <= row.labels.items()
    ]


def _acted(
    connection: sa.Connection, tenant: TenantId, rule: Inhibition, hosts: Sequence[str] | None
) -> list[_Source]:
    taken = sa.and_(
        ACTION_EVENTS.c.tenant == ACTIONS.c.tenant,
        ACTION_EVENTS.c.action == ACTIONS.c.id,
        ACTION_EVENTS.c.state == ActionState.ACKNOWLEDGED,
    )
    query = (
        sa.select(
            ACTIONS.c.id,
            ACTIONS.c.host,
            ACTIONS.c.kind,
            ACTIONS.c.policy,
            ACTIONS.c.lease_seconds,
            ACTIONS.c.grace_seconds,
            ACTION_EVENTS.c.at,
        )
        .join(ACTION_EVENTS, taken)
        .where(
            ACTIONS.c.tenant == tenant,
            ACTIONS.c.host.is_not(None),
            ACTIONS.c.kind.in_(rule.explains.actions),
            ACTIONS.c.state.in_(_TAKEN),
            sa.not_(ACTIONS.c.dry_run),
            ACTIONS.c.disruptive,
            ACTIONS.c.dispatched_at.is_not(None),
        )
    )
    return [
        _Source(
            host=HostId(row.host),
            id=row.id,
            words=f"{row.kind} {row.id} of {f'policy {row.policy}' if row.policy else 'a person'}",
            begun_at=row.at,
            over_at=None
            if row.lease_seconds > 0
            else row.at + timedelta(seconds=row.grace_seconds) + _LAST_WORDS,
        )
        for row in _rows(connection, query, ACTIONS.c.host, hosts, ACTION_EVENTS.c.number.desc())
    ]


def _ill(
    connection: sa.Connection, tenant: TenantId, rule: Inhibition, hosts: Sequence[str] | None
) -> list[_Source]:
    least = rule.explains.severity or Severity.CRITICAL
    of_fleet = sa.and_(
        _MEMBERS.c.tenant == INCIDENTS.c.tenant,
        _MEMBERS.c.part_of == INCIDENTS.c.id,
        _MEMBERS.c.state == IncidentState.OPEN,
    )
    where = sa.func.coalesce(_MEMBERS.c.host, INCIDENTS.c.host)
    query = (
        sa.select(*_INCIDENT, where.label("whose"))
        .outerjoin(_MEMBERS, of_fleet)
        .where(
            INCIDENTS.c.tenant == tenant,
            INCIDENTS.c.state == IncidentState.OPEN,
            INCIDENTS.c.severity.in_([one for one in Severity if one.rank >= least.rank]),
            where.is_not(None),
        )
    )
    found = []
    for row in _rows(connection, query, where, hosts, INCIDENTS.c.opened_at):
        incident = read(Incident, row)
        if rule.explains.meets(incident):
            words = f"incident {incident.id} ({incident.severity}): {incident.title}"
            found.append(_Source(host=HostId(row.whose), id=incident.id, words=words))
    return found


def _rows(
    connection: sa.Connection,
    query: sa.Select[Any],
    column: sa.ColumnElement[Any],
    hosts: Sequence[str] | None,
    order: sa.ColumnElement[Any],
) -> list[sa.Row[Any]]:
    query = query.order_by(order)
    if hosts is None:
        return list(connection.execute(query))
    return [
        row
        for start in range(0, len(hosts), _CHUNK)
        for row in connection.execute(query.where(column.in_(hosts[start : start + _CHUNK])))
    ]


def _hosts(connection: sa.Connection, tenant: TenantId, ids: Sequence[str]) -> dict[str, _Host]:
    query = sa.select(*columns_of(HOSTS, _Host)).where(HOSTS.c.tenant == tenant)
    rows = _rows(connection, query, HOSTS.c.id, ids, HOSTS.c.id)
    return {row.id: read(_Host, row) for row in rows}


def _incidents(
    connection: sa.Connection, tenant: TenantId, ids: set[IncidentId]
) -> dict[str, Incident]:
    query = sa.select(*_INCIDENT).where(INCIDENTS.c.tenant == tenant)
    rows = _rows(connection, query, INCIDENTS.c.id, sorted(ids), INCIDENTS.c.id)
    return {row.id: read(Incident, row) for row in rows}
