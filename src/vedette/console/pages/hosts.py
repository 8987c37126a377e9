"""The hosts: how they stand, one of them closely, and how a new one joins."""

from enum import StrEnum

from litestar import Response
from litestar.di import NamedDependency

from vedette.console.api.query import Id
from vedette.console.commands import enrol
from vedette.console.form import Form
from vedette.console.pages.action import look_at
from vedette.console.pages.chart import strip
from vedette.console.pages.params import choice, cursor, words
from vedette.console.pages.render import Here, PageRequest, Renderer
from vedette.console.pages.route import shows, takes
from vedette.console.pages.said import said
from vedette.console.person import Person
from vedette.console.proposing import able
from vedette.console.settings import Console
from vedette.core import HostId, HostStatus, InvalidInput
from vedette.store import Role

__all__ = ["enrol_page", "host_page", "hosts_page"]

PAGE_SIZE = 50


class Standing(StrEnum):
    """What the list may be narrowed to beside a status."""

    SILENT = "silent"


_STRIP = 90
_TOLD = 20
_MAX_MINUTES = 7 * 24 * 60


@shows("/hosts")
def hosts_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
) -> Response[str]:
    """Filters by status and name."""
    status = choice(request, "status", HostStatus)
    text, after = words(request, "text"), cursor(request)
    standing = choice(request, "standing", Standing)
    page = console.store.hosts.find(
        person.tenant,
        status=status,
        text=text or None,
        silent=True if standing else None,
        limit=PAGE_SIZE,
        after=after,
    )
    counts = console.store.hosts.counts_by_status(person.tenant)
    order = (HostStatus.ABNORMAL, HostStatus.UNKNOWN, HostStatus.NORMAL)
    total = sum(counts.values())
    tabs = [(value.value, value.value.capitalize(), counts.get(value, 0)) for value in order]
    named = status.value if status else ""
    return renderer.page(
        request,
        "hosts.html",
        title="Hosts",
        items=page.items,
        next=page.next,
        first=after is None,
        total=total,
        tabs=[("", "All", total), *tabs],
        silent=console.store.hosts.silent(person.tenant),
        standing=standing.value if standing else "",
        status=named,
        text=text,
        here=Here("/hosts", status=named, text=text, standing=standing.value if standing else ""),
    )


@shows("/hosts/{host_id:str}")
def host_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
    host_id: Id,
) -> Response[str]:
    """Status, system, last verdicts and incidents."""
    host = console.store.hosts.get(person.tenant, HostId(host_id))
    verdicts = console.store.verdicts.find(person.tenant, host=host.id, limit=_STRIP).items
    incidents = console.store.incidents.find(person.tenant, host=host.id, limit=10).items
    told = console.store.actions.find(person.tenant, host=host.id, limit=_TOLD).items
    return renderer.page(
        request,
        "host.html",
        title=host.hostname,
        host=host,
        able=able(console, host),
        verdicts=verdicts,
        bars=strip(verdicts),
        incidents=incidents,
        told=[look_at(console, person, one, host.hostname) for one in told if one.incident is None],
        said=said(request),
    )


@takes("/hosts/enrol", role=Role.ADMIN)
def enrol_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    form: NamedDependency[Form],
    request: PageRequest,
) -> Response[str]:
    """Makes an enrolment token and shows it, this once."""
    role = form.text("role", bound=60)
    enrolment, text = enrol(
        console,
        person,
        uses=_number(form, "uses", 100),
        seconds=60.0 * _number(form, "minutes", _MAX_MINUTES),
        labels={"role": role} if role else {},
    )
    return renderer.page(
        request, "enrolled.html", title="Enrolment token", enrolment=enrolment, text=text
    )


def _number(form: Form, name: str, most: int) -> int:
    text = form.text(name, bound=10)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= most):
        raise InvalidInput(f"{name} must be a whole number from 1 to {most}, not {text!r}")
    return int(text)
