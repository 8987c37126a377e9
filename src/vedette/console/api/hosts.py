"""/v1/hosts: what is watched, how it stands, and what it was like at any past moment."""

from typing import Annotated

from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody, QueryParameter

from vedette.console.api.bodies import Reasoned
from vedette.console.api.query import After, Id, Limit, Since, TextFilter, moment
from vedette.console.api.replies import Facts, Hosts
from vedette.console.api.route import changes, reads
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import Host, HostId, HostStatus
from vedette.store import Role

__all__ = ["get_host", "list_facts", "list_hosts", "revoke_host"]

Table = Annotated[
    str | None,
    QueryParameter(pattern=r"^[a-z][a-z0-9_]{0,62}$", description="Only of this table."),
]


Silent = Annotated[
    bool | None,
    QueryParameter(description="Only those that are silent (true), or are heard (false)."),
]


@reads("/hosts", tag="hosts", summary="Find hosts")
def list_hosts(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    status: FromQuery[HostStatus | None] = None,
    text: TextFilter = None,
    silent: Silent = None,
    limit: Limit = 100,
    after: After = None,
) -> Hosts:
    """By status, by a text in the hostname, and by whether they are silent."""
    page = console.store.hosts.find(
        person.tenant, status=status, text=text, silent=silent, limit=limit, after=after
    )
    return Hosts(items=page.items, next=page.next)


@reads("/hosts/{host_id:str}", tag="hosts", summary="One host", one=True)
def get_host(
    console: NamedDependency[Console], person: NamedDependency[Person], host_id: Id
) -> Host:
    """As it stands now."""
    return console.store.hosts.get(person.tenant, HostId(host_id))


@reads("/hosts/{host_id:str}/facts", tag="hosts", summary="A host's facts at a moment", one=True)
def list_facts(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    host_id: Id,
    at: Since = None,
    table: Table = None,
    limit: Limit = 100,
    after: After = None,
) -> Facts:
    """Without `at`: now."""
    host = console.store.hosts.get(person.tenant, HostId(host_id))
    when = moment(at, "at") or console.clock.now()
    page = console.store.facts.at(
        person.tenant, host.id, when, table=table, limit=limit, after=after
    )
    return Facts(items=page.items, next=page.next)


@changes("/hosts/{host_id:str}/revoke", tag="hosts", summary="Refuse a host's key", role=Role.ADMIN)
def revoke_host(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    host_id: Id,
    data: JSONBody[Reasoned],
) -> Host:
    """It may push no more; its history stays."""
    return console.store.hosts.revoke(person.tenant, HostId(host_id), person.actor, data.reason)
