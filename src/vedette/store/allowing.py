"""What a host lets be done to it, as its agent says."""

from datetime import datetime

import sqlalchemy as sa

from vedette.core import AuditEntry, HostId, TenantId
from vedette.store.audit import write_audit
from vedette.store.schema import HOSTS

__all__ = ["allow"]


def allow(
    connection: sa.Connection, tenant: TenantId, host: HostId, kinds: tuple[str, ...], now: datetime
) -> bool:
    """What `Hosts.allow` does."""
    of_host = (HOSTS.c.tenant == tenant, HOSTS.c.id == host)
    before = connection.execute(sa.select(HOSTS.c.can_act).where(*of_host)).scalar()
    if before is None or before == kinds:
        return False
    connection.execute(sa.update(HOSTS).where(*of_host).values(can_act=kinds))
    said = ", ".join(kinds) or "nothing"
    write_audit(
        connection,
        [
            AuditEntry(
                tenant=tenant,
                at=now,
                actor=f"host:{host}",
                action="host.allows",
                subject=host,
                reason=f"its agent lets {said} be done",
                data={"before": list(before), "now": list(kinds)},
            )
        ],
    )
    return True
