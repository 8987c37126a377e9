"""Who changed what, when and why. Rows are only ever added."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa

from vedette.core import AuditEntry, TenantId
from vedette.store.database import Database
from vedette.store.paging import Listing, Page
from vedette.store.rows import columns_of, read, values_of
from vedette.store.schema import AUDIT

__all__ = ["Audit", "write_audit"]

_NEWEST = Listing("audit", AUDIT.c.at, AUDIT.c.number)


def write_audit(connection: sa.Connection, entries: Iterable[AuditEntry]) -> None:
    """Adds the entries to the transaction that makes the changes they tell of."""
    rows = [values_of(entry) for entry in entries]
    if rows:
        connection.execute(sa.insert(AUDIT), rows)


class Audit:
    """The log of changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, entries: Iterable[AuditEntry]) -> None:
        """Adds entries for what happened outside the store (a refused request, a conflicting snapshot)."""
        with self._database.writing() as connection:
            write_audit(connection, entries)

    def of_incidents(self, tenant: TenantId, since: datetime) -> list[AuditEntry]:
        """What people closed and re-opened since then, oldest first."""
        query = (
            sa.select(*columns_of(AUDIT, AuditEntry))
            .where(
                AUDIT.c.tenant == tenant,
                AUDIT.c.at >= since,
                AUDIT.c.action.in_(["incident.closed", "incident.reopened"]),
                AUDIT.c.actor.startswith("user:", autoescape=True),
            )
            .order_by(AUDIT.c.at, AUDIT.c.number)
        )
        with self._database.reading() as connection:
            return [read(AuditEntry, row) for row in connection.execute(query)]

    def find(
        self,
        tenant: TenantId,
        *,
        actor: str | None = None,
        action: str | None = None,
        subject: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Page[AuditEntry]:
        """Newest first. `since` is within, `until` beyond the span."""
        query = sa.select(*columns_of(AUDIT, AuditEntry), AUDIT.c.number)
        query = query.where(AUDIT.c.tenant == tenant)
        for column, value in (
            (AUDIT.c.actor, actor),
            (AUDIT.c.action, action),
            (AUDIT.c.subject, subject),
        ):
            if value is not None:
                query = query.where(column == value)
        if since is not None:
            query = query.where(AUDIT.c.at >= since)
        if until is not None:
            query = query.where(AUDIT.c.at < until)
        with self._database.reading() as connection:
            return _NEWEST.page(
                connection, query, lambda row: read(AuditEntry, row), limit=limit, after=after
            )
