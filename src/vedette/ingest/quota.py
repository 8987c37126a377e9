"""How much a host and a tenant may send in a day: what was accepted is counted, what is over is asked to come tomorrow."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from vedette.core import Record, Throttled
from vedette.ingest.ports import Usage

__all__ = ["QuotaBounds", "Quotas", "day_of"]


class QuotaBounds(Record, frozen=True, kw_only=True):
    """Of one day in UTC; 0 is no bound. Bytes are those of accepted bodies."""

    host_snapshots: int = 0
    host_bytes: int = 0
    tenant_snapshots: int = 0
    tenant_bytes: int = 0


def day_of(now: datetime) -> datetime:
    """When the day began that quotas count for."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


class Quotas:
    """Counts in memory; `used` is what was accepted of this day before the process started. For one event loop.

    Several API processes count each what it accepts itself.
    """

    def __init__(self, bounds: QuotaBounds, used: Iterable[Usage], now: datetime) -> None:
        self._bounds = bounds
        self._day = day_of(now)
        self._snapshots: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()
        for each in used:
            self._add(each)

    def check(self, tenant: str, host: str, size: int, now: datetime) -> None:
        """Passes if one more snapshot of this size is within all bounds.

        Raises:
            Throttled: (quota-exceeded) with `quota`, `used`, `limit` and `renews_at`; `retry_after` is until then.
        """
        self._turn(now)
        lane, bounds = f"{tenant}/{host}", self._bounds
        for quota, counts, key, more, limit in (
            ("host_snapshots", self._snapshots, lane, 1, bounds.host_snapshots),
            ("host_bytes", self._bytes, lane, size, bounds.host_bytes),
            ("tenant_snapshots", self._snapshots, tenant, 1, bounds.tenant_snapshots),
            ("tenant_bytes", self._bytes, tenant, size, bounds.tenant_bytes),
        ):
            if limit and counts[key] + more > limit:
                renews_at = self._day + timedelta(days=1)
                raise Throttled(
                    f"over the quota of {limit} {quota.replace('_', ' ')} a day; keep the snapshot, the quota renews at "
                    f"{renews_at:%Y-%m-%d %H:%M} UTC",
                    kind="quota-exceeded",
                    retry_after=(renews_at - now).total_seconds(),
                    quota=quota,
                    used=counts[key],
                    limit=limit,
                    renews_at=renews_at,
                )

    def count(self, usage: Usage, now: datetime) -> None:
        """So much more was accepted."""
        self._turn(now)
        self._add(usage)

    def _add(self, usage: Usage) -> None:
        # A tenant's name has no slash, so no host's key is a tenant's.
        for key in (usage.tenant, f"{usage.tenant}/{usage.host}"):
            self._snapshots[key] += usage.snapshots
            self._bytes[key] += usage.size

    def _turn(self, now: datetime) -> None:
        day = day_of(now)
        # A clock that is set back must not open the day's quota again: the counts stay. They are of this day from now on,
        # so that what was counted under a clock that ran ahead is renewed at the end of it, not in the year it showed.
        if day > self._day:
            self._snapshots.clear()
            self._bytes.clear()
        self._day = day
