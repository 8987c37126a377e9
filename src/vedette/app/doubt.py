"""Whether a model may act by itself: not while it is on trial, nor while it drifts."""

from datetime import timedelta

from vedette.app.settings import RespondSettings
from vedette.core import Action, Clock
from vedette.store import Store

__all__ = ["Doubt"]

# A share of a small fleet is no alarm: some hosts may well be ill at once.
_LEAST_HOSTS = 3


class Doubt:
    """Says why a person must approve what a policy would do by itself on a model's word; empty when it need not."""

    def __init__(self, store: Store, clock: Clock, settings: RespondSettings) -> None:
        self._store = store
        self._clock = clock
        self._trial = timedelta(days=settings.trial_days)
        self._drift = settings.drift_share

    def __call__(self, action: Action) -> str:
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
