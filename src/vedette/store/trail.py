"""The marks that a change leaves: who did it, for the audit, and what others must look at, for the outbox."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from vedette.core import AuditEntry, TenantId
from vedette.store.audit import write_audit
from vedette.store.notice import Notice
from vedette.store.outbox import post

__all__ = ["Trail"]


class Trail:
    """For changes by one actor in one transaction."""

    def __init__(
        self, connection: sa.Connection, tenant: TenantId, actor: str, now: datetime
    ) -> None:
        self._connection = connection
        self._tenant = tenant
        self.actor = actor
        self.now = now

    def audit(
        self, action: str, subject: str, reason: str = "", data: dict[str, Any] | None = None
    ) -> None:
        """Adds an audit row. `data` must bear no secret."""
        entry = AuditEntry(
            tenant=self._tenant,
            at=self.now,
            actor=self.actor,
            action=action,
            subject=subject,
            reason=reason,
            data=data or {},
        )
        write_audit(self._connection, [entry])

    def notify(self, kind: str, subject: str, data: dict[str, Any]) -> None:
        """Adds a notice."""
        notice = Notice(kind=kind, tenant=self._tenant, subject=subject, data=data, at=self.now)
        post(self._connection, [notice])
