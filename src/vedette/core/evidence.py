"""A sealed bundle of evidence, as it is kept: whose it is, and how it can be known again. What is in it only its opener knows."""

from datetime import datetime

from vedette.core.ids import ActionId, CommandId, HostId, IncidentId, TenantId
from vedette.core.record import Record

__all__ = ["Evidence"]


class Evidence(Record, frozen=True, kw_only=True):
    """One per action. `digest` and `size` are of the sealed bytes; `kid` names the key that opens them.

    `sealed_at` is by the host's clock. The bytes are gone from `removed_at` on; this record stays.
    """

    action: ActionId
    tenant: TenantId
    host: HostId
    incident: IncidentId | None
    command: CommandId
    digest: str
    size: int
    kid: str
    sealed_at: datetime
    received_at: datetime
    removed_at: datetime | None = None
