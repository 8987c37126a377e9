"""Lives of facts, so that a host's state at any past moment can be asked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vedette.core import Fact, HostId, TenantId
from vedette.store.database import Database
from vedette.store.paging import Listing, Page
from vedette.store.schema import FACTS, HOSTS, from_micros

__all__ = ["Facts"]

_BY_TABLE = Listing("facts", FACTS.c.table_name, FACTS.c.id, FACTS.c.first_seen, newest_first=False)
_NEWEST = Listing("fact-lives", FACTS.c.first_seen, FACTS.c.table_name, FACTS.c.id)


class Facts:
    """Written only by `Store.apply`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def at(
        self,
        tenant: TenantId,
        host: HostId,
        when: datetime,
        *,
        table: str | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Page[Fact]:
        """What the host had at that moment, by table and fact id. A fact that ends at `when` is no longer there."""
        begun = _of(tenant, host, table).where(FACTS.c.first_seen <= when)
        # Each half has its own index; most facts that ever were had gone by any moment asked about.
        living, gone_since = FACTS.c.gone_at.is_(None), FACTS.c.gone_at > when
        queries = (begun.where(living), begun.where(gone_since))
        return self._page(_BY_TABLE, queries, tenant, host, limit=limit, after=after)

    def history(
        self,
        tenant: TenantId,
        host: HostId,
        *,
        table: str | None = None,
        fact: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Page[Fact]:
        """Every life of every fact, or of one, newest first by when it began (within `since`, before `until`)."""
        query = _of(tenant, host, table)
        if fact is not None:
            query = query.where(FACTS.c.id == fact)
        if since is not None:
            query = query.where(FACTS.c.first_seen >= since)
        if until is not None:
            query = query.where(FACTS.c.first_seen < until)
        return self._page(_NEWEST, (query,), tenant, host, limit=limit, after=after)

    def _page(
        self,
        listing: Listing,
        queries: Sequence[sa.Select[Any]],
        tenant: TenantId,
        host: HostId,
        *,
        limit: int,
        after: str | None,
    ) -> Page[Fact]:
        read_at = sa.select(HOSTS.c.read_at).where(HOSTS.c.tenant == tenant, HOSTS.c.id == host)
        with self._database.reading() as connection:
            reads = connection.execute(read_at).scalar_one_or_none() or {}
            return listing.page(
                connection, queries, lambda row: _fact(row, reads), limit=limit, after=after
            )


def _of(tenant: TenantId, host: HostId, table: str | None) -> sa.Select[Any]:
    query = sa.select(FACTS).where(FACTS.c.tenant == tenant, FACTS.c.host == host)
    return query if table is None else query.where(FACTS.c.table_name == table)


def _fact(row: sa.Row[Any], reads: dict[str, int]) -> Fact:
    last_seen = row.last_seen
    if row.gone_at is None:
        last_seen = from_micros(reads[row.table_name]) if row.table_name in reads else None
    return Fact(
        tenant=row.tenant,
        host=row.host,
        table=row.table_name,
        id=row.id,
        row=row.row,
        first_seen=row.first_seen,
        last_seen=max(last_seen or row.first_seen, row.first_seen),
        gone_at=row.gone_at,
    )
