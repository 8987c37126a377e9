"""Whether a policy may act by itself: not while its text is not understood or was not tried, nor while its model is on trial or drifts."""

from collections.abc import Callable
from datetime import timedelta

from vedette.app.settings import RespondSettings
from vedette.core import Action, Clock, TenantId
from vedette.store import Store

__all__ = ["Doubt"]

# A share of a small fleet is no alarm: some hosts may well be ill at once.
_LEAST_HOSTS = 3


class Doubt:
    """Says why a person must approve what a policy would do by itself; empty when it need not.

    `untried` says so of the text that proposed it. `fault`: what is wrong with the policies that the tenant applied last, where this
    version can't read them.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: RespondSettings,
        *,
        untried: Callable[[Action], str],
        fault: Callable[[TenantId], str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._trial = timedelta(days=settings.trial_days)
        self._drift = settings.drift_share
        self._untried = untried
        self._fault = fault

    def __call__(self, action: Action) -> str:
        """All that is against it: people see what to wait for and what to do at once."""
        if fault := self._fault(action.tenant):
            return f"the policies applied last can't be read ({fault})"
        return "; ".join(why for why in (self._of_model(action), self._untried(action)) if why)

    def _of_model(self, action: Action) -> str:
        """Of an action that answers a model's verdict; one of nobody's model is in no doubt."""
        if not action.model:
            return ""
        return self._young(action) or self._drifting(action)

    def _young(self, action: Action) -> str:
        if not self._trial:
            return ""
        since = self._store.models.first_seen(action.tenant, action.model)
        age = timedelta(0) if since is None else self._clock.now() - since
        if age >= self._trial:
            return ""
        return (
            f"the model {action.model[:19]} is on trial: it judges here for {age / timedelta(days=1):.1f} of "
            f"{self._trial / timedelta(days=1):g} days"
        )

    def _drifting(self, action: Action) -> str:
        ill, hosts = self._store.models.ill(action.tenant, action.model)
        if ill < _LEAST_HOSTS or ill <= self._drift * hosts:
            return ""
        return (
            f"the model {action.model[:19]} may drift: {ill} of {hosts} hosts have an open incident by it, "
            f"more than {self._drift:.0%}"
        )
