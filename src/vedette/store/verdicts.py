"""History of verdicts."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vedette.core import (
    HostId,
    Identity,
    Label,
    NotFound,
    Record,
    TenantId,
    Verdict,
    VerdictId,
    verdict_id,
)
from vedette.store.database import Database
from vedette.store.paging import Listing, Page
from vedette.store.rows import columns_of, read
from vedette.store.schema import VERDICTS

__all__ = ["UNREADABLE", "Known", "Verdicts"]

UNREADABLE = "unreadable"
"""The subject of the first reason of a verdict on a snapshot that could not be opened, parsed or judged."""

_NEWEST = Listing("verdicts", VERDICTS.c.taken_at, VERDICTS.c.id)
_OLDEST = Listing("history", VERDICTS.c.taken_at, VERDICTS.c.id, newest_first=False)
_COLUMNS = columns_of(VERDICTS, Verdict)


class Known(Record, frozen=True, kw_only=True):
    """What was made of a snapshot before: of which bytes, and whether these could be read at all."""

    id: VerdictId
    input_digest: str
    unreadable: bool


class Verdicts:
    """Written only by `Store.apply`, and never changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, tenant: TenantId, identifier: VerdictId) -> Verdict:
        """One verdict.

        Raises:
            NotFound: the tenant has none of this id.
        """
        query = sa.select(*_COLUMNS).where(VERDICTS.c.tenant == tenant, VERDICTS.c.id == identifier)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise NotFound(f"no verdict {identifier}")
        return read(Verdict, row)

    def known(self, identities: Iterable[Identity]) -> dict[Identity, Known]:
        """Those of the snapshots that have their first verdict, and what it was made of."""
        by_tenant: dict[TenantId, dict[str, Identity]] = {}
        for identity in identities:
            by_tenant.setdefault(identity.tenant, {})[verdict_id(identity)] = identity
        columns = (VERDICTS.c.id, VERDICTS.c.input_digest, VERDICTS.c.reasons)
        found: dict[Identity, Known] = {}
        with self._database.reading() as connection:
            for tenant, ids in by_tenant.items():
                query = sa.select(*columns).where(
                    VERDICTS.c.tenant == tenant, VERDICTS.c.id.in_(sorted(ids))
                )
                found |= {ids[row.id]: _known(row) for row in connection.execute(query)}
        return found

    def replays(self, tenant: TenantId, identifier: VerdictId) -> list[Verdict]:
        """Later verdicts on the same snapshot (a replayed dead letter's), oldest first."""
        first = self.get(tenant, identifier)
        query = sa.select(*_COLUMNS).where(
            VERDICTS.c.tenant == tenant,
            VERDICTS.c.host == first.host,
            VERDICTS.c.of == identifier,
        )
        with self._database.reading() as connection:
            rows = connection.execute(query.order_by(VERDICTS.c.decided_at, VERDICTS.c.id)).all()
        return [read(Verdict, row) for row in rows]

    def find(
        self,
        tenant: TenantId,
        *,
        host: HostId | None = None,
        label: Label | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page[Verdict]:
        """Newest first, by when the snapshots were taken. `since` is within, `until` beyond the span."""
        query = sa.select(*_COLUMNS).where(*_matching(tenant, host, since, until))
        if label is not None:
            query = query.where(VERDICTS.c.label == label)
            if label is not Label.NORMAL:
                # Said in the words of the partial index, which is then used.
                query = query.where(sa.text("verdicts.label <> 'normal'"))
        with self._database.reading() as connection:
            return _NEWEST.page(
                connection, query, lambda row: read(Verdict, row), limit=limit, after=after
            )

    def history(
        self, tenant: TenantId, *, since: datetime, until: datetime, page: int = 500
    ) -> Iterator[Verdict]:
        """First verdicts on snapshots taken within `since` and before `until`, oldest first, a page at a time."""
        query = sa.select(*_COLUMNS).where(
            *_matching(tenant, None, since, until), VERDICTS.c.of.is_(None)
        )
        after: str | None = None
        while True:
            with self._database.reading() as connection:
                found = _OLDEST.page(
                    connection, query, lambda row: read(Verdict, row), limit=page, after=after
                )
            yield from found.items
            after = found.next
            if after is None:
                return

    def begins(self, tenant: TenantId) -> datetime | None:
        """When the oldest of the snapshots was taken that have a first verdict here; None before there is one."""
        query = (
            sa.select(VERDICTS.c.taken_at)
            .where(VERDICTS.c.tenant == tenant, VERDICTS.c.of.is_(None))
            .order_by(VERDICTS.c.taken_at)
            .limit(1)
        )
        with self._database.reading() as connection:
            return connection.execute(query).scalar()

    def counts(
        self,
        tenant: TenantId,
        *,
        host: HostId | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> dict[Label, int]:
        """How many verdicts bear each label; every label is named."""
        query = (
            sa.select(VERDICTS.c.label, sa.func.count())
            .where(*_matching(tenant, host, since, until))
            .group_by(VERDICTS.c.label)
        )
        with self._database.reading() as connection:
            found = {row[0]: row[1] for row in connection.execute(query)}
        return {label: found.get(label, 0) for label in Label}


def _known(row: sa.Row[Any, Any, Any]) -> Known:
    return Known(
        id=VerdictId(row.id),
        input_digest=row.input_digest,
        unreadable=bool(row.reasons) and row.reasons[0].subject == UNREADABLE,
    )


def _matching(
    tenant: TenantId, host: HostId | None, since: datetime | None, until: datetime | None
) -> list[sa.ColumnElement[Any]]:
    conditions: list[sa.ColumnElement[Any]] = [VERDICTS.c.tenant == tenant]
    if host is not None:
        conditions.append(VERDICTS.c.host == host)
    if since is not None:
        conditions.append(VERDICTS.c.taken_at >= since)
    if until is not None:
        conditions.append(VERDICTS.c.taken_at < until)
    return conditions
