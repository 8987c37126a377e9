"""What actions are about: their hosts and incidents, read once for a whole list."""

from collections.abc import Iterable

from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import Action, Host, HostId, Incident, IncidentId, Record

__all__ = ["About", "about", "host_ids"]

_MOST_HOSTS = 200


class About(Record, frozen=True, kw_only=True):
    """By id. What was taken out meanwhile is not there."""

    hosts: dict[HostId, Host]
    incidents: dict[IncidentId, Incident]

    def host(self, action: Action) -> Host | None:
        """Whose it is."""
        return None if action.host is None else self.hosts.get(action.host)

    def incident(self, action: Action) -> Incident | None:
        """What it answers."""
        return None if action.incident is None else self.incidents.get(action.incident)

    def hostname(self, action: Action) -> str:
        """Empty where there is no single host."""
        host = self.host(action)
        return host.hostname if host else ""


def about(console: Console, person: Person, actions: Iterable[Action]) -> About:
    """Of these actions."""
    known = tuple(actions)
    hosts = {action.host for action in known if action.host is not None}
    incidents = {action.incident for action in known if action.incident is not None}
    return About(
        hosts=console.store.hosts.many(person.tenant, hosts),
        incidents=console.store.incidents.many(person.tenant, incidents),
    )


def host_ids(console: Console, person: Person, text: str) -> tuple[HostId, ...] | None:
    """Hosts whose name has this text, 200 at most; None for no text."""
    if not text:
        return None
    page = console.store.hosts.find(person.tenant, text=text, limit=_MOST_HOSTS)
    return tuple(host.id for host in page.items)
