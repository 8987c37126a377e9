"""One row of a table seen as a thing with a life: first seen, last seen, gone."""

from datetime import datetime

from vedette.core.ids import HostId, TenantId
from vedette.core.record import Record
from vedette.core.snapshot import Row

__all__ = ["Fact", "FactChange"]


class Fact(Record, frozen=True, kw_only=True):
    """`id` is the digest of (table, canonical row); `gone_at` is set when its table was read and lacks it."""

    tenant: TenantId
    host: HostId
    table: str
    id: str
    row: Row
    first_seen: datetime
    last_seen: datetime
    gone_at: datetime | None = None


class FactChange(Record, frozen=True, kw_only=True):
    """What one snapshot changed: rows that appeared, and ids that are gone, of one table."""

    table: str
    appeared: dict[str, Row]
    gone: tuple[str, ...]
