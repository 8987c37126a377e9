"""Back-tests: policies over the verdicts that the store has."""

from collections.abc import Callable, Sequence
from datetime import datetime

from vedette.app.enough import Enough
from vedette.app.untried import acting_alone, names_of
from vedette.core import (
    Backtest,
    Clock,
    Host,
    HostId,
    IncidentId,
    Resolution,
    TenantId,
    Valueless,
    step_of,
)
from vedette.decide import Fleet, PolicySet, Trial, Word
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
    enough: Enough,
    progress: Callable[[int], None] = lambda _: None,
) -> Backtest:
    """Tries the policies over verdicts on snapshots taken within `since` and before `until`, and keeps what came of it.

    `enough` is what it must have met to let them act by themselves.
    `progress` is called after each verdict with its number from 0.
    Incidents that were open before `since` are met as new ones.
    """
    fleet = Fleet(
        hosts=_hosts(store, tenant),
        said=_said(store, tenant, since),
        silences=store.silences.holding(tenant, since),
    )
    trial = Trial(policies, fleet, step_seconds=step_of(since, until))
    met: tuple[datetime, datetime] | None = None
    for number, verdict in enumerate(store.verdicts.history(tenant, since=since, until=until)):
        met = (met[0] if met else verdict.taken_at, verdict.taken_at)
        trial.take(verdict)
        # At each of them: how long one takes is the policies' matter, and whoever counts the time may end it.
        progress(number)
    now = clock.now()
    valueless = trial.valueless()
    found = Backtest(
        tenant=tenant,
        version=policies.version,
        at=now,
        by=actor,
        since=since,
        until=until,
        verdicts=trial.verdicts,
        incidents=len(trial.incidents),
        kinds=trial.tried(),
        lacks=enough.lacks(
            since=since,
            until=until,
            at=now,
            met=met,
            begins=store.verdicts.begins(tenant),
            verdicts=trial.verdicts,
        )
        or _unknown(policies, valueless),
        valueless=valueless,
    )
    store.policies.add_backtest(found)
    return found


def _unknown(policies: PolicySet, valueless: Sequence[Valueless]) -> str:
    """Of what acts on hosts by itself: why nothing is known of what it would do, however much history was met; empty where something is."""
    alone = names_of(acting_alone(policies))
    whys = [one.words for one in valueless if one.untold and one.policy in alone]
    return f"{'; '.join(whys)}; mend the condition, and try it again" if whys else ""


def _hosts(store: Store, tenant: TenantId) -> dict[HostId, Host]:
    found: dict[HostId, Host] = {}
    after: str | None = None
    while True:
        page = store.hosts.find(tenant, limit=_PAGE, after=after)
        found |= {host.id: host for host in page.items}
        after = page.next
        if after is None:
            return found


def _said(store: Store, tenant: TenantId, since: datetime) -> dict[IncidentId, tuple[Word, ...]]:
    """What people closed and re-opened from then on, by the audit: an incident itself knows the last word alone."""
    found: dict[IncidentId, tuple[Word, ...]] = {}
    for entry in store.audit.of_incidents(tenant, since):
        said = entry.data["resolution"]
        word = Word(at=entry.at, by=entry.actor, resolution=Resolution(said) if said else None)
        ident = IncidentId(entry.subject)
        found[ident] = (*found.get(ident, ()), word)
    return found
