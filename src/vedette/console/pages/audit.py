"""The audit, newest first."""

from litestar import Response
from litestar.di import NamedDependency

from vedette.console.pages.params import cursor, words
from vedette.console.pages.render import Here, PageRequest, Renderer
from vedette.console.pages.route import shows
from vedette.console.person import Person
from vedette.console.settings import Console

__all__ = ["audit_page"]

PAGE_SIZE = 50


@shows("/audit")
def audit_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
) -> Response[str]:
    """Filters by actor, action and subject."""
    filters = {name: words(request, name) for name in ("actor", "action", "subject")}
    after = cursor(request)
    page = console.store.audit.find(
        person.tenant,
        actor=filters["actor"] or None,
        action=filters["action"] or None,
        subject=filters["subject"] or None,
        limit=PAGE_SIZE,
        after=after,
    )
    return renderer.page(
        request,
        "audit.html",
        title="Audit",
        items=page.items,
        next=page.next,
        first=after is None,
        here=Here("/audit", **filters),
        actor=filters["actor"],
        action=filters["action"],
        subject=filters["subject"],
    )
