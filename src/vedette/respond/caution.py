"""What keeps automation from acting by itself, beyond what counts hosts: an open breaker, a model in doubt."""

from collections.abc import Callable

from vedette.core import Action, scopes_of
from vedette.respond.ports import Guards

__all__ = ["Caution"]


class Caution:
    """`doubt` says why a model must not act by itself; empty when it may."""

    def __init__(self, guards: Guards, doubt: Callable[[Action], str]) -> None:
        self._guards = guards
        self._doubt = doubt

    def against(self, action: Action) -> str:
        """Why a person must decide on what would go on by itself; empty when it may."""
        if not action.disruptive or action.dry_run:
            return ""
        counted = scopes_of(action)
        for breaker in self._guards.breakers(action.tenant, open_only=True):
            if (breaker.scope, breaker.key) in counted:
                return f"a breaker is open ({breaker.words})"
        return self._doubt(action)
