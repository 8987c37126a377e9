"""Texts of policies, and of who is on call, as they were applied; the last of each is in force."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import sqlalchemy as sa

from vedette.core import Backtest, Clock, Conflict, Record, TenantId
from vedette.store.database import Database
from vedette.store.paging import Listing, Page
from vedette.store.rows import columns_of, read, values_of
from vedette.store.schema import BACKTESTS, POLICIES
from vedette.store.trail import Trail

__all__ = ["AppliedPolicy", "Policies"]

_NEWEST = Listing("policies", POLICIES.c.number)
# An arbitrary number that all our processes know, beside the tenant's own.
_LOCK: Final = 0x706F6C69
_CALLED: Final = {"policy": "other policies", "oncall": "another on-call document"}


class AppliedPolicy(Record, frozen=True, kw_only=True):
    """`version` is the digest that decisions name."""

    tenant: TenantId
    version: str
    text: str
    applied_at: datetime
    applied_by: str


class Policies:
    """An older text applied again is in force again; its former applications stay in the history. `document` is of which kind."""

    def __init__(self, database: Database, clock: Clock, document: str = "policy") -> None:
        self._database = database
        self._clock = clock
        self._document = document

    def put(
        self,
        tenant: TenantId,
        version: str,
        text: str,
        actor: str,
        reason: str = "",
        *,
        seen: Mapping[str, str] | None = None,
    ) -> AppliedPolicy:
        """Puts a text in force. What is in force already is no second effect.

        `seen`: the version that was in force, by document (empty: none), when it was checked whether this one may be.

        Raises:
            Conflict: (applied-meanwhile) another is in force by now than was seen.
        """
        now = self._clock.now()
        with self._database.writing() as connection:
            if not self._database.sqlite:
                # One after the other, the first of a tenant too: its row, which is not there yet, can't be locked.
                lock = sa.func.pg_advisory_xact_lock(_LOCK, sa.func.hashtext(tenant))
                connection.execute(sa.select(lock))
            present = self._current(connection, tenant, self._document)
            if present is not None and present.version == version and present.text == text:
                return present
            self._refuse_other(connection, tenant, seen or {})
            applied = AppliedPolicy(
                tenant=tenant, version=version, text=text, applied_at=now, applied_by=actor
            )
            connection.execute(sa.insert(POLICIES), [values_of(applied, document=self._document)])
            before = present.version if present else ""
            trail = Trail(connection, tenant, actor, now)
            if self._document == "oncall":
                trail.audit("oncall.applied", version, reason, {"before": before})
            else:
                trail.audit("policy.applied", version, reason, {"before": before})
        return applied

    def add_backtest(self, tried: Backtest) -> None:
        """Keeps what a back-test found."""
        with self._database.writing() as connection:
            connection.execute(sa.insert(BACKTESTS), [values_of(tried)])
            Trail(connection, tried.tenant, tried.by, self._clock.now()).audit(
                "policy.backtested",
                tried.version,
                "; ".join(one.words for one in tried.kinds if one.disruptive),
            )

    def backtest(self, tenant: TenantId, version: str) -> Backtest | None:
        """The last one of these policies that lets them act by themselves, or else the last; None when they were never tried."""
        query = (
            sa.select(*columns_of(BACKTESTS, Backtest))
            .where(BACKTESTS.c.tenant == tenant, BACKTESTS.c.version == version)
            .order_by((BACKTESTS.c.lacks == "").desc(), BACKTESTS.c.number.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else read(Backtest, row)

    def tried(self, tenant: TenantId, version: str) -> bool:
        """Whether a back-test of these very policies met enough history."""
        query = sa.select(BACKTESTS.c.number).where(
            BACKTESTS.c.tenant == tenant, BACKTESTS.c.version == version, BACKTESTS.c.lacks == ""
        )
        return self._any(query)

    def was_applied(self, tenant: TenantId, version: str) -> bool:
        """Whether this very text is in force, or was."""
        query = sa.select(POLICIES.c.number).where(*self._of(tenant), POLICIES.c.version == version)
        return self._any(query)

    def current(self, tenant: TenantId) -> AppliedPolicy | None:
        """What is in force; None before anything was applied."""
        with self._database.reading() as connection:
            return self._current(connection, tenant, self._document)

    def list(
        self, tenant: TenantId, *, limit: int = 100, after: str | None = None
    ) -> Page[AppliedPolicy]:
        """Every application, newest first."""
        query = sa.select(POLICIES).where(*self._of(tenant))
        with self._database.reading() as connection:
            return _NEWEST.page(
                connection, query, lambda row: read(AppliedPolicy, row), limit=limit, after=after
            )

    def _any(self, query: sa.Select[tuple[int]]) -> bool:
        with self._database.reading() as connection:
            return connection.execute(query.limit(1)).first() is not None

    def _of(self, tenant: TenantId) -> tuple[sa.ColumnElement[bool], ...]:
        return (POLICIES.c.tenant == tenant, POLICIES.c.document == self._document)

    def _refuse_other(
        self, connection: sa.Connection, tenant: TenantId, seen: Mapping[str, str]
    ) -> None:
        for document, version in seen.items():
            present = self._current(connection, tenant, document)
            if present is not None and present.version != version:
                raise Conflict(
                    f"{present.applied_by} has put {_CALLED[document]} in force meanwhile; look at what is in force now, and apply yours again",
                    kind="applied-meanwhile",
                    version=present.version,
                )

    def _current(
        self, connection: sa.Connection, tenant: TenantId, document: str
    ) -> AppliedPolicy | None:
        query = (
            sa.select(*columns_of(POLICIES, AppliedPolicy))
            .where(POLICIES.c.tenant == tenant, POLICIES.c.document == document)
            .order_by(POLICIES.c.number.desc())
            .limit(1)
        )
        row = connection.execute(query).first()
        return None if row is None else read(AppliedPolicy, row)
