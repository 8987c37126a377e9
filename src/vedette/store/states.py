"""What the detector knows of each host, read by the batch."""

from collections.abc import Iterable

import sqlalchemy as sa

from vedette.core import HostId, TenantId
from vedette.store.database import Database
from vedette.store.effect import StoredState
from vedette.store.rows import columns_of, read
from vedette.store.schema import STATES

__all__ = ["States"]


class States:
    """Written only by `Store.apply`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def load(self, tenant: TenantId, hosts: Iterable[HostId]) -> dict[HostId, StoredState]:
        """The states of those hosts that have one."""
        query = sa.select(STATES.c.host, *columns_of(STATES, StoredState)).where(
            STATES.c.tenant == tenant, STATES.c.host.in_(sorted(set(hosts)))
        )
        with self._database.reading() as connection:
            return {HostId(row.host): read(StoredState, row) for row in connection.execute(query)}
