"""A fake of breakers and switch, with the store's rules. For tests of what responds, not for service."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from vedette.core import (
    IN_FORCE,
    REACH_WINDOW,
    Action,
    ActionState,
    Breaker,
    Conflict,
    Limits,
    Reach,
    Scope,
    Switch,
    TenantId,
    destructive,
    reach_of,
    scopes_of,
)

__all__ = ["MemoryGuards"]


class MemoryGuards:
    """`hosts` is how many each scope has, by scope and key; a scope that is not named has one."""

    def __init__(self) -> None:
        self.hosts: dict[tuple[Scope, str], int] = {}
        self.switch: Switch | None = None
        self._open: dict[tuple[TenantId, Scope, str], Breaker] = {}

    def thrown(self, tenant: TenantId) -> Switch | None:
        """The switch, if it is thrown for this tenant."""
        if self.switch is None or self.switch.tenant not in {None, tenant}:
            return None
        return self.switch

    def breakers(self, tenant: TenantId, *, open_only: bool) -> list[Breaker]:
        """Those of the tenant."""
        return [
            one
            for one in self._open.values()
            if one.tenant == tenant and not (open_only and one.reset_at)
        ]

    def reset(self, at: datetime) -> None:
        """Closes all of them."""
        self._open = {
            key: msgspec.structs.replace(one, reset_at=at, reset_by="user:ann")
            for key, one in self._open.items()
        }

    def after_resets(self, action: Action, now: datetime) -> datetime:
        """From when on an action is counted, though the clock was set back since the last reset."""
        found = [self._open.get((action.tenant, *which)) for which in scopes_of(action)]
        resets = [one.reset_at for one in found if one is not None and one.reset_at is not None]
        return max([now, *(at + timedelta(microseconds=1) for at in resets)])

    def reach(self, action: Action, rows: Sequence[Action], now: datetime) -> Reach:
        """How far it would reach now; no incident here is part of another."""
        acted = {
            one.host
            for one in rows
            if destructive(one)
            and one.host is not None
            and (
                one.state is ActionState.APPROVED
                or (one.dispatched_at is not None and one.dispatched_at > now - REACH_WINDOW)
                or (one.leased and one.state in IN_FORCE)
            )
        }
        hosts = self.hosts.get((Scope.TENANT, ""), 1)
        return reach_of(action, storm=False, acted=acted, hosts=hosts)

    def count(
        self, action: Action, others: Sequence[Action], limits: Limits, now: datetime
    ) -> None:
        """Raises Conflict when the action may not begin."""
        if self.thrown(action.tenant) is not None:
            raise Conflict("the kill switch is thrown", kind="switched-off")
        for scope, key in scopes_of(action):
            known = self._open.get((action.tenant, scope, key))
            since = now - timedelta(seconds=limits.per_seconds)
            acted = {
                one.host
                for one in others
                if (one.tenant, one.disruptive, one.dry_run) == (action.tenant, True, False)
                and one.host != action.host
                and (scope, key) in scopes_of(one)
                and one.dispatched_at is not None
                and (one.dispatched_at > since or (one.leased and one.state in IN_FORCE))
                and not (known and known.reset_at and one.dispatched_at <= known.reset_at)
            }
            hosts = self.hosts.get((scope, key), 1)
            most = limits.most(scope, hosts)
            if len(acted) + 1 > most:
                if known is None or known.reset_at is not None:
                    self._open[action.tenant, scope, key] = Breaker(
                        tenant=action.tenant,
                        scope=scope,
                        key=key,
                        tripped_at=now,
                        acted=len(acted),
                        hosts=hosts,
                        most=most,
                        action=action.id,
                    )
                raise Conflict("the breaker tripped", kind="breaker-tripped")
