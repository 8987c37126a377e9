"""Who changed what, when and why: one entry for every change."""

from datetime import datetime
from typing import Any

from vedette.core.ids import TenantId
from vedette.core.record import Record

__all__ = ["AuditEntry"]


class AuditEntry(Record, frozen=True, kw_only=True):
    """`actor` is `system:<part>`, `user:<name>` or `host:<id>`; `action` a verb like `host.enrolled`; `subject` an id."""

    tenant: TenantId
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str = ""
    data: dict[str, Any] = {}
