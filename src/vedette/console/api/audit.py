"""/v1/audit: who changed what, when and why."""

from litestar.di import NamedDependency

from vedette.console.api.query import After, Limit, Since, TextFilter, Until, moment
from vedette.console.api.replies import Audit
from vedette.console.api.route import reads
from vedette.console.person import Person
from vedette.console.settings import Console

__all__ = ["list_audit"]


@reads("/audit", tag="audit", summary="Find audit entries, newest first")
def list_audit(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    actor: TextFilter = None,
    action: TextFilter = None,
    subject: TextFilter = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 100,
    after: After = None,
) -> Audit:
    """By actor, action, subject and time, each exactly."""
    page = console.store.audit.find(
        person.tenant,
        actor=actor,
        action=action,
        subject=subject,
        since=moment(since, "since"),
        until=moment(until, "until"),
        limit=limit,
        after=after,
    )
    return Audit(items=page.items, next=page.next)
