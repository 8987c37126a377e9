"""What the responder must look at: one row of the outbox."""

from datetime import datetime
from typing import Any

from vedette.core import Record, TenantId

__all__ = ["Notice"]


class Notice(Record, frozen=True, kw_only=True):
    """`subject` is the id of the host, incident, action or command that `kind` speaks of.

    Kinds: host.label, host.status, incident.opened, incident.raised, incident.reopened, incident.quiet,
    incident.closed, incident.acknowledged, action.proposed, action.decided, command.result. `id` is empty until stored.
    """

    id: str = ""
    kind: str
    tenant: TenantId
    subject: str
    data: dict[str, Any] = {}
    at: datetime
