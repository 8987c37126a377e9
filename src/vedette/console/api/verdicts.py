"""/v1/verdicts: what was thought of each snapshot."""

from litestar.di import NamedDependency
from litestar.params import FromQuery

from vedette.console.api.query import After, Id, IdFilter, Limit, Since, Until, moment
from vedette.console.api.replies import Verdicts
from vedette.console.api.route import reads
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import HostId, Label, Verdict, VerdictId

__all__ = ["get_verdict", "list_verdicts"]


@reads("/verdicts", tag="verdicts", summary="Find verdicts, newest first")
def list_verdicts(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    host: IdFilter = None,
    label: FromQuery[Label | None] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    after: After = None,
) -> Verdicts:
    """By host, label and the snapshot's time."""
    page = console.store.verdicts.find(
        person.tenant,
        host=None if host is None else HostId(host),
        label=label,
        since=moment(since, "since"),
        until=moment(until, "until"),
        limit=limit,
        after=after,
    )
    return Verdicts(items=page.items, next=page.next)


@reads("/verdicts/{verdict_id:str}", tag="verdicts", summary="One verdict", one=True)
def get_verdict(
    console: NamedDependency[Console], person: NamedDependency[Person], verdict_id: Id
) -> Verdict:
    """With its reasons."""
    return console.store.verdicts.get(person.tenant, VerdictId(verdict_id))
