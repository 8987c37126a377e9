"""Which actions a silence is about, of those in force at a moment."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from vedette.core import Action, ActionId, Severity, Silence, SilenceKind, TenantId
from vedette.store.rows import columns_of, read
from vedette.store.schema import HOSTS, INCIDENTS, SILENCES

__all__ = ["covered", "in_force"]

_CHUNK = 1_000


def in_force(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    """That a silence is."""
    return (SILENCES.c.starts_at <= now, SILENCES.c.ends_at > now, SILENCES.c.ended_at.is_(None))


def covered(
    connection: sa.Connection, tenant: TenantId, actions: Sequence[Action], now: datetime
) -> dict[ActionId, Silence]:
    """Those that are held, each by what ends last. What is disruptive is held by maintenance alone."""
    query = sa.select(*columns_of(SILENCES, Silence)).where(
        SILENCES.c.tenant == tenant, *in_force(now)
    )
    rows = connection.execute(query.order_by(SILENCES.c.ends_at.desc(), SILENCES.c.id)).all()
    if not rows:
        return {}
    silences = [read(Silence, row) for row in rows]
    labels = _labels(connection, tenant, sorted({one.host for one in actions if one.host}))
    incidents = _incidents(
        connection, tenant, sorted({one.incident for one in actions if one.incident})
    )
    found = {}
    for action in actions:
        causes, severity = incidents.get(action.incident or "", (None, Severity.NONE))
        for silence in silences:
            if action.disruptive and silence.kind is not SilenceKind.MAINTENANCE:
                continue
            if silence.scope.covers(
                action.host, labels.get(action.host or "", {}), causes, severity
            ):
                found[action.id] = silence
                break
    return found


def _labels(
    connection: sa.Connection, tenant: TenantId, hosts: Sequence[str]
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for start in range(0, len(hosts), _CHUNK):
        query = sa.select(HOSTS.c.id, HOSTS.c.labels).where(
            HOSTS.c.tenant == tenant, HOSTS.c.id.in_(hosts[start : start + _CHUNK])
        )
        found |= {row.id: row.labels for row in connection.execute(query)}
    return found


def _incidents(
    connection: sa.Connection, tenant: TenantId, ids: Sequence[str]
) -> dict[str, tuple[tuple[str, ...] | None, Severity]]:
    found: dict[str, tuple[tuple[str, ...] | None, Severity]] = {}
    for start in range(0, len(ids), _CHUNK):
        query = sa.select(INCIDENTS.c.id, INCIDENTS.c.causes, INCIDENTS.c.severity).where(
            INCIDENTS.c.tenant == tenant, INCIDENTS.c.id.in_(ids[start : start + _CHUNK])
        )
        found |= {row.id: (row.causes, row.severity) for row in connection.execute(query)}
    return found
