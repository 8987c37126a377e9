"""/v1/sayings: what people said of incidents, as the detector hears it."""

from litestar.di import NamedDependency

from vedette.console.api.query import After, IdFilter, Limit
from vedette.console.api.replies import Sayings
from vedette.console.api.route import reads
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import HostId

__all__ = ["list_sayings"]


@reads("/sayings", tag="sayings", summary="Find what people said, newest first")
def list_sayings(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    host: IdFilter = None,
    limit: Limit = 100,
    after: After = None,
) -> Sayings:
    """Said by closing incidents. A replay that is given them comes to the verdicts that came online."""
    page = console.store.sayings.find(
        person.tenant, host=None if host is None else HostId(host), limit=limit, after=after
    )
    return Sayings(items=page.items, next=page.next)
