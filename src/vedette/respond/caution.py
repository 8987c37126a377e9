"""What keeps automation from acting by itself, beyond what counts hosts: an open breaker, a model in doubt, what is fleet-wide."""

from collections.abc import Callable

from vedette.core import Action, Reach, destructive, scopes_of
from vedette.respond.ports import Guards

__all__ = ["Caution"]


class Caution:
    """`doubt` says why a model must not act by itself; empty when it may. `reach`: how far an action reaches now."""

    def __init__(
        self, guards: Guards, doubt: Callable[[Action], str], reach: Callable[[Action], Reach]
    ) -> None:
        self._guards = guards
        self._doubt = doubt
        self._reach = reach

    def against(self, action: Action) -> str:
        """Why a person must decide on what would go on by itself; empty when it may."""
        if not destructive(action):
            return ""
        counted = scopes_of(action)
        for breaker in self._guards.breakers(action.tenant, open_only=True):
            if (breaker.scope, breaker.key) in counted:
                return f"a breaker is open ({breaker.words})"
        return self._doubt(action) or self._reach(action).unasked
