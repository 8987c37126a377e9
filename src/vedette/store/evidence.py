"""Sealed bundles of evidence: kept once for each action, given to people with an audit row, removed when their time is over."""

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from vedette.core import (
    COLLECT,
    ENDED,
    ActionId,
    Clock,
    CommandId,
    Conflict,
    Evidence,
    HostId,
    IncidentId,
    NotFound,
    TenantId,
    Verb,
)
from vedette.store.database import Database
from vedette.store.paging import Listing, Page
from vedette.store.rows import read
from vedette.store.schema import ACTIONS, COMMANDS, EVIDENCE
from vedette.store.steps import one_action, write_note
from vedette.store.trail import Trail

__all__ = ["EvidenceRoom"]

_KEPT: Final = [column for column in EVIDENCE.c if column.name != "bundle"]
_COLUMNS: Final = [*_KEPT, ACTIONS.c.incident]
_LISTING: Final = Listing("evidence", EVIDENCE.c.received_at, EVIDENCE.c.action)
_HOME: Final = sa.and_(ACTIONS.c.tenant == EVIDENCE.c.tenant, ACTIONS.c.id == EVIDENCE.c.action)


class EvidenceRoom:
    """No key is needed here: what is kept is as its host sealed it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def wanted(self, tenant: TenantId, host: HostId, command: CommandId) -> ActionId:
        """The action for which the host may deliver now, or has delivered.

        Raises:
            NotFound: the host was given no such command.
            Conflict: (evidence-unwanted) the command collects nothing, its time is over, or its action has ended.
        """
        with self._database.reading() as connection:
            return _wanted(connection, tenant, host, command, self._clock.now())

    def keep(self, evidence: Evidence, bundle: bytes) -> bool:
        """Keeps a bundle, durable when this returns; the same again is no second effect. The incident is the action's.

        Returns:
            Whether it was new.

        Raises:
            NotFound: as `wanted`.
            Conflict: as `wanted`; (evidence-conflict) another bundle is kept for this action.
        """
        which = (evidence.tenant, evidence.host, evidence.command)
        with self._database.writing() as connection:
            action = _wanted(connection, *which, self._clock.now())
            if action != evidence.action:
                raise Conflict(
                    f"command {evidence.command} is of another action", kind="evidence-unwanted"
                )
            values: dict[str, Any] = {
                column.name: getattr(evidence, column.name) for column in _KEPT
            }
            if self._database.insert_new(connection, EVIDENCE, {**values, "bundle": bundle}):
                told = {
                    "host": evidence.host,
                    "command": evidence.command,
                    "digest": evidence.digest,
                    "size": evidence.size,
                }
                Trail(
                    connection, evidence.tenant, f"host:{evidence.host}", self._clock.now()
                ).audit("evidence.received", evidence.action, data=told)
                _tell(connection, evidence, self._clock.now())
                return True
            before = connection.execute(
                sa.select(EVIDENCE.c.digest).where(*_is(evidence.tenant, evidence.action))
            ).scalar_one()
        if before != evidence.digest:
            raise Conflict(
                f"evidence of action {evidence.action} is kept already, with the digest {before}",
                kind="evidence-conflict",
            )
        return False

    def held(self, tenant: TenantId, action: ActionId) -> Evidence | None:
        """What is kept of an action, if anything is."""
        query = sa.select(*_COLUMNS).join(ACTIONS, _HOME).where(*_is(tenant, action))
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else read(Evidence, row)

    def get(self, tenant: TenantId, action: ActionId) -> Evidence:
        """The same.

        Raises:
            NotFound: the tenant has none of this action.
        """
        found = self.held(tenant, action)
        if found is None:
            raise NotFound(f"no evidence of action {action}")
        return found

    def find(
        self,
        tenant: TenantId,
        *,
        host: HostId | None = None,
        incident: IncidentId | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Page[Evidence]:
        """Newest first.

        Raises:
            InvalidInput: the limit or the cursor.
        """
        query = sa.select(*_COLUMNS).join(ACTIONS, _HOME).where(EVIDENCE.c.tenant == tenant)
        if host is not None:
            query = query.where(EVIDENCE.c.host == host)
        if incident is not None:
            query = query.where(ACTIONS.c.tenant == tenant, ACTIONS.c.incident == incident)
        with self._database.reading() as connection:
            return _LISTING.page(
                connection, query, lambda row: read(Evidence, row), limit=limit, after=after
            )

    def fetch(self, tenant: TenantId, action: ActionId, *, actor: str) -> tuple[Evidence, bytes]:
        """The sealed bytes, for somebody: who it was stands in the audit before they are given.

        Raises:
            NotFound: the tenant has none of this action.
            Conflict: (evidence-removed) its time was over.
        """
        query: sa.Select[Any] = sa.select(*_COLUMNS, EVIDENCE.c.bundle).join(ACTIONS, _HOME)
        with self._database.writing() as connection:
            row = connection.execute(query.where(*_is(tenant, action))).first()
            if row is None:
                raise NotFound(f"no evidence of action {action}")
            found = read(Evidence, row)
            if row.bundle is None:
                raise Conflict(
                    f"the evidence was removed on {found.removed_at:%Y-%m-%d}: it is kept for so many days only "
                    "(the server's setting `store.evidence_days`)",
                    kind="evidence-removed",
                )
            Trail(connection, tenant, actor, self._clock.now()).audit(
                "evidence.fetched",
                action,
                data={"host": found.host, "digest": found.digest, "size": found.size},
            )
            return found, bytes(row.bundle)

    def remove(self, before: datetime, limit: int = 50) -> int:
        """Takes away the bytes of bundles that came before, of every tenant, the oldest first; how many."""
        now = self._clock.now()
        query = (
            sa.select(*_KEPT)
            .where(EVIDENCE.c.removed_at.is_(None), EVIDENCE.c.received_at < before)
            .order_by(EVIDENCE.c.received_at)
            .limit(limit)
        )
        with self._database.reading() as connection:
            # Most of the time there is nothing to do, and then nothing is locked.
            if connection.execute(query.limit(1)).first() is None:
                return 0
        with self._database.writing() as connection:
            rows = connection.execute(query).all()
            for row in rows:
                connection.execute(
                    sa.update(EVIDENCE)
                    .where(*_is(row.tenant, row.action))
                    .values(bundle=None, removed_at=now)
                )
                Trail(connection, row.tenant, "system:respond", now).audit(
                    "evidence.removed", row.action, "its time was over", {"digest": row.digest}
                )
        return len(rows)


def _is(tenant: TenantId, action: ActionId) -> tuple[sa.ColumnElement[bool], ...]:
    return (EVIDENCE.c.tenant == tenant, EVIDENCE.c.action == action)


def _tell(connection: sa.Connection, evidence: Evidence, now: datetime) -> None:
    """A step of its action, so that no end of it passes over what is kept here."""
    action = one_action(connection, evidence.tenant, evidence.action)
    words = f"the server has the bundle: {evidence.size} bytes sealed, {evidence.digest}"
    if action.recalled_by:
        words += "; it came before the host had called it off"
    write_note(connection, action, f"host:{evidence.host}", now, words)


def _wanted(
    connection: sa.Connection,
    tenant: TenantId,
    host: HostId,
    command: CommandId,
    now: datetime,
) -> ActionId:
    query = (
        sa.select(COMMANDS, ACTIONS.c.state, EVIDENCE.c.digest)
        .join(
            ACTIONS,
            sa.and_(ACTIONS.c.tenant == COMMANDS.c.tenant, ACTIONS.c.id == COMMANDS.c.action),
        )
        .join(EVIDENCE, _HOME, isouter=True)
        .where(COMMANDS.c.tenant == tenant, COMMANDS.c.host == host, COMMANDS.c.id == command)
    )
    row = connection.execute(query).first()
    if row is None:
        raise NotFound(f"no command {command}")
    asked = (row.kind, row.verb, row.dry_run) == (COLLECT, Verb.APPLY, False)
    why = ""
    if not asked:
        why = "it asks for no evidence"
    elif row.digest is None and row.state in ENDED:
        why = f"its action has ended: {row.state}"
    elif row.digest is None and now >= row.expires_at:
        why = f"it expired at {row.expires_at.isoformat()}"
    if why:
        raise Conflict(f"nothing is awaited of command {command}: {why}", kind="evidence-unwanted")
    return ActionId(row.action)
