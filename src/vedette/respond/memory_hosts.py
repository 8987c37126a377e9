"""A fake of hosts: each is there. For tests of what responds, not for service."""

from datetime import datetime

from vedette.core import Clock, Host, HostId, TenantId

__all__ = ["MemoryHosts"]


class MemoryHosts:
    """They bear their ids as their names."""

    def __init__(self, clock: Clock) -> None:
        self._revoked: dict[HostId, datetime] = {}
        self._clock = clock

    def revoke(self, host: HostId, at: datetime) -> None:
        """Ends the trust in it."""
        self._revoked[host] = at

    def get(self, tenant: TenantId, host: HostId) -> Host:
        """The host as it now stands."""
        return Host(
            tenant=tenant,
            id=host,
            hostname=host,
            status_since=self._clock.now(),
            enrolled_at=self._clock.now(),
            revoked_at=self._revoked.get(host),
        )
