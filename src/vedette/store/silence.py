"""Hosts that fall silent: found by the door's clock, and turned in one transaction with what is told of it."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vedette.core import AuditEntry, Host, HostId, HostStatus, StandingPolicy, TenantId
from vedette.store.audit import write_audit
from vedette.store.database import Database
from vedette.store.door import open_time
from vedette.store.rows import columns_of, read
from vedette.store.schema import HOSTS
from vedette.store.standing import answer_turn
from vedette.store.trail import Trail

__all__ = ["SILENT", "WAITING", "Waiting", "expire", "none_waits"]

SILENT = "silent"
WAITING = "waiting"
Waiting = Callable[[TenantId, Sequence[HostId]], Collection[HostId]]
"""Which of these hosts have snapshots that were accepted and are not judged yet."""
_ByTenant = dict[TenantId, list[HostId]]
_Due = sa.Row[Any, Any, Any, Any]
_ACTOR = "system:store"
_MISSED_INTERVALS = 3
# The door's clock moves by beats of two seconds: an interval counts as missed only when it surely was.
_LATEST_BEAT = 2_000_000
_AT_ONCE = 1_000
_COLUMNS = columns_of(HOSTS, Host)


def none_waits(_tenant: TenantId, _hosts: Sequence[HostId]) -> Collection[HostId]:
    """All that was accepted is judged."""
    return ()


def expire(
    database: Database, now: datetime, waiting: Waiting, policies: StandingPolicy
) -> list[Host]:
    """What `Hosts.expire_silent` does, the longest unheard first; it ends with the first thousand that has silent ones."""
    candidates = _candidates(database)
    for start in range(0, len(candidates), _AT_ONCE):
        quiet, behind = _parted(candidates[start : start + _AT_ONCE], waiting)
        if behind:
            _wait(database, behind, now)
        if quiet:
            return _turn(database, quiet, now, policies)
    return []


def _candidates(database: Database) -> Sequence[_Due]:
    """The hosts that no verdict came of in time, all of them: those that wait must not hide one that does not."""
    columns = (HOSTS.c.tenant, HOSTS.c.id, HOSTS.c.status, HOSTS.c.status_reason)
    with database.reading() as connection:
        query = sa.select(*columns).where(*_overdue(open_time(connection)))
        found: Sequence[_Due] = connection.execute(query.order_by(HOSTS.c.heard)).all()
    return found


def _turn(
    database: Database, quiet: _ByTenant, now: datetime, policies: StandingPolicy
) -> list[Host]:
    with database.writing() as connection:
        hosts = [
            _silence(connection, host, now)
            for tenant, ids in sorted(quiet.items())
            for host in _locked(connection, database, tenant, ids)
        ]
        answer_turn(connection, "silent", hosts, policies, actor=_ACTOR, now=now)
    return hosts


def _wait(database: Database, behind: _ByTenant, now: datetime) -> None:
    """They may be dead or alive: nobody is told, but none of them stays as it was judged last."""
    unknown, since = HOSTS.c.status == HostStatus.UNKNOWN, HOSTS.c.status_since
    values = {
        "status": HostStatus.UNKNOWN,
        "status_since": sa.case((unknown, since), else_=sa.literal(now, since.type)),
        "status_reason": WAITING,
    }
    with database.writing() as connection:
        for tenant, ids in sorted(behind.items()):
            hosts = _locked(connection, database, tenant, ids)
            connection.execute(
                sa.update(HOSTS)
                .where(HOSTS.c.tenant == tenant, HOSTS.c.id.in_([host.id for host in hosts]))
                .values(values)
            )
            write_audit(connection, [_waits(host, now) for host in hosts])


def _waits(host: Host, now: datetime) -> AuditEntry:
    return AuditEntry(
        tenant=host.tenant,
        at=now,
        actor=_ACTOR,
        action="host.status",
        subject=host.id,
        reason=WAITING,
        data=_change(host, WAITING),
    )


def _overdue(open_micros: int) -> tuple[sa.ColumnElement[bool], ...]:
    deadline = HOSTS.c.heard + HOSTS.c.interval * (_MISSED_INTERVALS * 1_000_000) + _LATEST_BEAT
    return (
        deadline < open_micros,
        HOSTS.c.revoked_at.is_(None),
        HOSTS.c.silent_since.is_(None),
    )


def _parted(candidates: Iterable[_Due], waiting: Waiting) -> tuple[_ByTenant, _ByTenant]:
    """Those of which nothing waits, and those of which something does and that are to be marked so."""
    found: dict[TenantId, dict[HostId, bool]] = {}
    for row in candidates:
        # An unknown host that has a reason keeps it.
        marked = row.status is HostStatus.UNKNOWN and bool(row.status_reason)
        found.setdefault(TenantId(row.tenant), {})[HostId(row.id)] = marked
    quiet: _ByTenant = {}
    behind: _ByTenant = {}
    for tenant, hosts in found.items():
        heard = waiting(tenant, list(hosts))
        for host, marked in hosts.items():
            if host not in heard:
                quiet.setdefault(tenant, []).append(host)
            elif not marked:
                behind.setdefault(tenant, []).append(host)
    return quiet, behind


def _locked(
    connection: sa.Connection, database: Database, tenant: TenantId, ids: Sequence[HostId]
) -> list[Host]:
    query = (
        sa.select(*_COLUMNS)
        .where(HOSTS.c.tenant == tenant, HOSTS.c.id.in_(ids), *_overdue(open_time(connection)))
        .order_by(HOSTS.c.id)
    )
    rows = connection.execute(database.locking(query, HOSTS, skip=True)).all()
    return [read(Host, row) for row in rows]


def _silence(connection: sa.Connection, host: Host, now: datetime) -> Host:
    of_host = (HOSTS.c.tenant == host.tenant, HOSTS.c.id == host.id)
    connection.execute(
        sa.update(HOSTS)
        .where(*of_host)
        .values(
            status=HostStatus.UNKNOWN,
            status_since=host.status_since if host.status is HostStatus.UNKNOWN else now,
            status_reason=SILENT,
            silent_since=now,
        )
    )
    data = _change(host, SILENT)
    trail = Trail(connection, host.tenant, _ACTOR, now)
    trail.notify("host.status", host.id, data)
    trail.audit("host.status", host.id, SILENT, data)
    return read(Host, connection.execute(sa.select(*_COLUMNS).where(*of_host)).one())


def _change(host: Host, reason: str) -> dict[str, Any]:
    return {
        "from": str(host.status),
        "to": str(HostStatus.UNKNOWN),
        "hostname": host.hostname,
        "reason": reason,
    }
