"""A fake of the outbox. For tests of what responds, not for service."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from vedette.core import Clock, Record, TenantId

__all__ = ["MemoryNotice", "MemoryOutbox"]

_LEASE = timedelta(seconds=30)


class MemoryNotice(Record, frozen=True, kw_only=True):
    """A notice as the outbox gives it."""

    id: str
    kind: str
    tenant: TenantId
    subject: str
    data: dict[str, Any] = {}


class MemoryOutbox:
    """Notices in the order they came."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[str, MemoryNotice] = {}
        self._leases: dict[str, datetime] = {}
        self._count = 0

    def post(self, kind: str, tenant: TenantId, subject: str) -> None:
        """Adds a notice."""
        self._count += 1
        ident = str(self._count)
        self._rows[ident] = MemoryNotice(id=ident, kind=kind, tenant=tenant, subject=subject)

    def take(self, limit: int) -> list[MemoryNotice]:
        """Claims the oldest for 30 seconds."""
        now = self._clock.now()
        free = [row for row in self._rows.values() if self._leases.get(row.id, now) <= now]
        for row in free[:limit]:
            self._leases[row.id] = now + _LEASE
        return free[:limit]

    def done(self, ids: Iterable[str]) -> None:
        """Forgets them."""
        for ident in ids:
            self._rows.pop(ident, None)

    def waiting(self) -> int:
        """How many are not yet handled."""
        return len(self._rows)
