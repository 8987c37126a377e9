"""Back-tests: policies over the verdicts that the store has."""

from collections.abc import Callable
from datetime import datetime

from vedette.core import Backtest, Clock, Host, HostId, Incident, IncidentId, TenantId, step_of
from vedette.decide import Fleet, PolicySet, Trial
from vedette.store import Store

__all__ = ["backtest"]

_PAGE = 500


def backtest(
    store: Store,
    clock: Clock,
    tenant: TenantId,
    policies: PolicySet,
    *,
    since: datetime,
    until: datetime,
    actor: str,
    progress: Callable[[int], None] = lambda _: None,
) -> Backtest:
    """Tries the policies over verdicts on snapshots taken within `since` and before `until`, and keeps what came of it.

    Incidents that were open before `since` are met as new ones.
    """
    fleet = Fleet(hosts=_hosts(store, tenant), said=_incidents(store, tenant, since, until))
    trial = Trial(policies, fleet, step_seconds=step_of(since, until))
    for number, verdict in enumerate(store.verdicts.history(tenant, since=since, until=until)):
        trial.take(verdict)
        if number % _PAGE == 0:
            progress(number)
    found = Backtest(
        tenant=tenant,
        version=policies.version,
        at=clock.now(),
        by=actor,
        since=since,
        until=until,
        verdicts=trial.verdicts,
        incidents=len(trial.incidents),
        kinds=trial.tried(),
    )
    store.policies.add_backtest(found)
    return found


def _hosts(store: Store, tenant: TenantId) -> dict[HostId, Host]:
    found: dict[HostId, Host] = {}
    after: str | None = None
    while True:
        page = store.hosts.find(tenant, limit=_PAGE, after=after)
        found |= {host.id: host for host in page.items}
        after = page.next
        if after is None:
            return found


def _incidents(
    store: Store, tenant: TenantId, since: datetime, until: datetime
) -> dict[IncidentId, Incident]:
    found: dict[IncidentId, Incident] = {}
    after: str | None = None
    while True:
        page = store.incidents.find(tenant, since=since, until=until, limit=_PAGE, after=after)
        found |= {incident.id: incident for incident in page.items}
        after = page.next
        if after is None:
            return found
