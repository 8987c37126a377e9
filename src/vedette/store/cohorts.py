"""What hosts tell each other: gathered by `Store.apply`, published here in numbered versions."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from vedette.core import Record, TenantId
from vedette.store.database import Database
from vedette.store.schema import TELLINGS, VERSION_HEADS, VERSIONS

__all__ = ["Cohorts", "Cut", "Telling"]

_MOST_AT_ONCE = 4_000  # tellings that one closing takes
_KEPT = 2_880  # intervals whose versions are kept


class Telling(Record, frozen=True, kw_only=True):
    """What was told in an interval by a cohort; or what a version, whose number the interval is, adds."""

    cohort: str
    interval: int
    blob: bytes


Cut = Callable[[Sequence[Telling], int, int], Sequence[Telling]]
"""From tellings, the last closed interval and the one to close to what the versions add, in order."""


class Cohorts:
    """A version is never changed once it is published, and each telling goes into one version."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def close(self, tenant: TenantId, upto: int, cut: Cut) -> int:
        """Closes the intervals up to one, unless somebody did; the last that is closed then.

        Several at once do it once: each waits for whoever holds the tenant's head. What can't be taken at once goes into
        the next version.
        """
        with self._database.writing() as connection:
            closed = self._held_head(connection, tenant)
            if closed >= upto:
                return closed
            rows = connection.execute(
                sa.select(TELLINGS)
                .where(TELLINGS.c.tenant == tenant, TELLINGS.c.interval <= upto)
                .order_by(TELLINGS.c.interval, TELLINGS.c.number)
                .limit(_MOST_AT_ONCE)
            ).all()
            told = [Telling(cohort=r.cohort, interval=r.interval, blob=r.blob) for r in rows]
            self._publish(connection, tenant, cut(told, closed, upto))
            self._drop(connection, [row.number for row in rows])
            connection.execute(
                sa.delete(VERSIONS).where(
                    VERSIONS.c.tenant == tenant, VERSIONS.c.version < upto - _KEPT
                )
            )
            head = sa.update(VERSION_HEADS).where(VERSION_HEADS.c.tenant == tenant)
            connection.execute(head.values(closed=upto))
        return upto

    def added(self, tenant: TenantId, cohort: str, *, after: int, upto: int) -> list[Telling]:
        """What the versions after one and up to another added to what is known of a cohort, in order."""
        query = (
            sa.select(VERSIONS.c.version, VERSIONS.c.blob)
            .where(
                VERSIONS.c.tenant == tenant,
                VERSIONS.c.cohort == cohort,
                VERSIONS.c.version > after,
                VERSIONS.c.version <= upto,
            )
            .order_by(VERSIONS.c.version)
        )
        with self._database.reading() as connection:
            return [
                Telling(cohort=cohort, interval=row.version, blob=row.blob)
                for row in connection.execute(query)
            ]

    def _held_head(self, connection: sa.Connection, tenant: TenantId) -> int:
        self._database.insert_new(connection, VERSION_HEADS, {"tenant": tenant, "closed": 0})
        query = sa.select(VERSION_HEADS.c.closed).where(VERSION_HEADS.c.tenant == tenant)
        return int(connection.execute(self._database.locking(query, VERSION_HEADS)).scalar_one())

    @staticmethod
    def _publish(connection: sa.Connection, tenant: TenantId, added: Sequence[Telling]) -> None:
        rows = [
            {"tenant": tenant, "cohort": one.cohort, "version": one.interval, "blob": one.blob}
            for one in added
        ]
        if rows:
            connection.execute(sa.insert(VERSIONS), rows)

    @staticmethod
    def _drop(connection: sa.Connection, numbers: Sequence[int]) -> None:
        if numbers:
            which = [{"b_number": number} for number in numbers]
            connection.execute(_DROP, which)


_DROP = sa.delete(TELLINGS).where(TELLINGS.c.number == sa.bindparam("b_number"))
