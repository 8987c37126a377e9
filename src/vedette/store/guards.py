"""Breakers that tripped, and the switch that stops all disruptive actions: looked at, thrown, lifted, reset."""

import sqlalchemy as sa

from vedette.core import Breaker, Clock, Conflict, NotFound, Scope, Switch, TenantId
from vedette.store.database import Database
from vedette.store.dispatching import EVERYONE
from vedette.store.rows import columns_of, read
from vedette.store.schema import BREAKERS, SWITCHES
from vedette.store.trail import Trail

__all__ = ["Guards"]

_BREAKER = columns_of(BREAKERS, Breaker)


class Guards:
    """What holds actions back beyond their policy."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def thrown(self, tenant: TenantId) -> Switch | None:
        """The switch that stops this tenant's actions, the one for everyone first; None when none is thrown."""
        query = (
            sa.select(SWITCHES)
            .where(SWITCHES.c.tenant.in_([tenant, EVERYONE]))
            .order_by(SWITCHES.c.tenant)
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        return Switch(
            tenant=TenantId(row.tenant) if row.tenant else None,
            thrown_at=row.thrown_at,
            thrown_by=row.thrown_by,
            reason=row.reason,
        )

    def throw(self, tenant: TenantId, *, actor: str, reason: str, everyone: bool = False) -> Switch:
        """Stops disruptive actions of the tenant, or of everyone. What is in force is not renewed; it can be released.

        Raises:
            Conflict: it is thrown already.
        """
        now, whom = self._clock.now(), EVERYONE if everyone else tenant
        row = {"tenant": whom, "thrown_at": now, "thrown_by": actor, "reason": reason}
        with self._database.writing() as connection:
            if not self._database.insert_new(connection, SWITCHES, row):
                raise Conflict("the kill switch is thrown already", kind="thrown-before")
            Trail(connection, tenant, actor, now).audit(
                "switch.thrown", whom or "everyone", reason, {"everyone": everyone}
            )
        return Switch(
            tenant=None if everyone else tenant, thrown_at=now, thrown_by=actor, reason=reason
        )

    def lift(self, tenant: TenantId, *, actor: str, reason: str, everyone: bool = False) -> None:
        """Lets policies act again. What the switch refused stays refused.

        Raises:
            NotFound: it is not thrown.
        """
        whom = EVERYONE if everyone else tenant
        with self._database.writing() as connection:
            gone = connection.execute(sa.delete(SWITCHES).where(SWITCHES.c.tenant == whom))
            if not gone.rowcount:
                raise NotFound("the kill switch is not thrown")
            Trail(connection, tenant, actor, self._clock.now()).audit(
                "switch.lifted", whom or "everyone", reason, {"everyone": everyone}
            )

    def breakers(self, tenant: TenantId, *, open_only: bool = False) -> list[Breaker]:
        """Those that ever tripped, the last tripped first."""
        query = sa.select(*_BREAKER).where(BREAKERS.c.tenant == tenant)
        if open_only:
            query = query.where(BREAKERS.c.reset_at.is_(None))
        with self._database.reading() as connection:
            rows = connection.execute(
                query.order_by(BREAKERS.c.tripped_at.desc(), BREAKERS.c.scope, BREAKERS.c.key)
            )
            return [read(Breaker, row) for row in rows]

    def reset(
        self, tenant: TenantId, scope: Scope, key: str, *, actor: str, reason: str
    ) -> Breaker:
        """Closes it; hosts are counted anew from now on.

        Raises:
            NotFound: no such breaker is open.
        """
        now = self._clock.now()
        which = (BREAKERS.c.tenant == tenant, BREAKERS.c.scope == scope, BREAKERS.c.key == key)
        with self._database.writing() as connection:
            changed = connection.execute(
                sa.update(BREAKERS)
                .where(*which, BREAKERS.c.reset_at.is_(None))
                .values(reset_at=now, reset_by=actor, reset_why=reason)
            )
            if not changed.rowcount:
                raise NotFound(f"no breaker of {scope} {key} is open".replace("  ", " "))
            Trail(connection, tenant, actor, now).audit(
                "breaker.reset", key or scope, reason, {"scope": str(scope), "key": key}
            )
            return read(Breaker, connection.execute(sa.select(*_BREAKER).where(*which)).one())
