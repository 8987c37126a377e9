"""Which hosts policies can't reach, because their agents' own allow-lists lack the action. Those that allow nothing only observe."""

from collections.abc import Iterator

from vedette.core import Host, TenantId
from vedette.decide import PolicySet
from vedette.store import Store

__all__ = ["unreached"]

_PAGE = 500
_NAMED = 10


def unreached(store: Store, tenant: TenantId, policies: PolicySet) -> tuple[str, ...]:
    """A sentence for each kind of action that an agent carries out and some hosts' agents don't let be done."""
    # Not with the module: the API's process needs nothing else of the agent.
    from vedette.agent import ACTIONS

    asked: dict[str, list[str]] = {}
    for policy in policies.policies:
        for step in policy.then:
            if step.kind in ACTIONS:
                asked.setdefault(step.kind, []).append(policy.name)
    if not asked:
        return ()
    hosts = list(_hosts(store, tenant))
    return tuple(
        _words(kind, sorted(set(names)), missing, len(hosts))
        for kind, names in sorted(asked.items())
        if (missing := [host for host in hosts if kind not in host.can_act])
    )


def _words(kind: str, policies: list[str], missing: list[Host], known: int) -> str:
    names = sorted(host.hostname for host in missing)
    more = len(names) - _NAMED
    shown = ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
    return f"{kind} (policy {', '.join(policies)}) can't reach {len(missing)} of {known} hosts, whose allow-lists lack it: {shown}"


def _hosts(store: Store, tenant: TenantId) -> Iterator[Host]:
    after: str | None = None
    while True:
        page = store.hosts.find(tenant, limit=_PAGE, after=after)
        yield from (host for host in page.items if host.revoked_at is None)
        after = page.next
        if after is None:
            return
