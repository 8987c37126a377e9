"""How many of a tenant's hosts have which label."""

from collections.abc import Collection

import sqlalchemy as sa

from vedette.core import HostId, Label, Record, TenantId
from vedette.store.schema import HOSTS

__all__ = ["Labelled", "labelled"]


class Labelled(Record, frozen=True, kw_only=True):
    """A tenant's hosts that are not revoked: how many, on how many of them the last verdict is abnormal, and of some the label."""

    hosts: int
    abnormal: int
    of: dict[HostId, Label | None]


def labelled(connection: sa.Connection, tenant: TenantId, hosts: Collection[HostId]) -> Labelled:
    """What `Hosts.labelled` gives."""
    ours = (HOSTS.c.tenant == tenant, HOSTS.c.revoked_at.is_(None))
    counts = sa.select(HOSTS.c.label, sa.func.count()).where(*ours).group_by(HOSTS.c.label)
    labels = sa.select(HOSTS.c.id, HOSTS.c.label).where(*ours, HOSTS.c.id.in_(sorted(hosts)))
    found = {row[0]: int(row[1]) for row in connection.execute(counts)}
    of = {HostId(row.id): row.label for row in connection.execute(labels)}
    return Labelled(hosts=sum(found.values()), abnormal=found.get(Label.ABNORMAL, 0), of=of)
