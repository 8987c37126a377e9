"""Hosts that fall silent: found by the door's clock, and turned in one transaction with what is told of it."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vedette.core import Host, HostId, HostStatus, StandingPolicy, TenantId
from vedette.store.database import Database
from vedette.store.door import open_time
from vedette.store.rows import columns_of, read
from vedette.store.schema import HOSTS
from vedette.store.standing import answer_turn
from vedette.store.trail import Trail

__all__ = ["SILENT", "Waiting", "expire", "none_waits"]

SILENT = "silent"
Waiting = Callable[[TenantId, Sequence[HostId]], Collection[HostId]]
"""Which of these hosts have snapshots that were accepted and are not judged yet."""
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
    """What `Hosts.expire_silent` does, for a thousand hosts at most, the longest silent first."""
    with database.reading() as connection:
        candidates = connection.execute(
            sa.select(HOSTS.c.tenant, HOSTS.c.id)
            .where(*_overdue(open_time(connection)))
            .order_by(HOSTS.c.heard)
            .limit(_AT_ONCE)
        ).all()
    quiet = _quiet(candidates, waiting)
    if not quiet:
        return []
    with database.writing() as connection:
        hosts = [
            _silence(connection, host, now)
            for tenant, ids in sorted(quiet.items())
            for host in _locked(connection, database, tenant, ids)
        ]
        answer_turn(connection, "silent", hosts, policies, actor=_ACTOR, now=now)
    return hosts


def _overdue(open_micros: int) -> tuple[sa.ColumnElement[bool], ...]:
    deadline = HOSTS.c.heard + HOSTS.c.interval * (_MISSED_INTERVALS * 1_000_000) + _LATEST_BEAT
    return (
        deadline < open_micros,
        HOSTS.c.revoked_at.is_(None),
        HOSTS.c.silent_since.is_(None),
    )


def _quiet(
    candidates: Iterable[sa.Row[Any, Any]], waiting: Waiting
) -> dict[TenantId, list[HostId]]:
    found: dict[TenantId, list[HostId]] = {}
    for row in candidates:
        found.setdefault(TenantId(row.tenant), []).append(HostId(row.id))
    quiet = {}
    for tenant, ids in found.items():
        heard = waiting(tenant, ids)
        quiet[tenant] = [one for one in ids if one not in heard]
    return {tenant: ids for tenant, ids in quiet.items() if ids}


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
    data = {
        "from": str(host.status),
        "to": str(HostStatus.UNKNOWN),
        "hostname": host.hostname,
        "reason": SILENT,
    }
    trail = Trail(connection, host.tenant, _ACTOR, now)
    trail.notify("host.status", host.id, data)
    trail.audit("host.status", host.id, SILENT, data)
    return read(Host, connection.execute(sa.select(*_COLUMNS).where(*of_host)).one())
