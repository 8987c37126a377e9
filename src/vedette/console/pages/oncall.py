"""The page of who is on call: now and next by schedule, the chains, and the escalations on their way."""

from datetime import datetime
from zoneinfo import ZoneInfo

from litestar import Response
from litestar.di import NamedDependency

from vedette.console.pages.render import PageRequest, Renderer
from vedette.console.pages.route import shows
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import Escalation, Record

__all__ = ["oncall_page"]

_MOST = 50


class _Running(Record, frozen=True, kw_only=True):
    run: Escalation
    title: str


@shows("/oncall")
def oncall_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
) -> Response[str]:
    """Times of a schedule are in its own zone."""
    now = console.clock.now()
    text = console.oncall.current(person.tenant)
    page = console.store.escalations.find(person.tenant, running=True, limit=_MOST)
    running = [
        _Running(run=run, title=console.store.incidents.get(person.tenant, run.incident).title)
        for run in page.items
    ]
    return renderer.page(
        request,
        "oncall.html",
        title="On call",
        duties=console.oncall.duties(person.tenant, now),
        openings=console.oncall.openings(person.tenant, now),
        text=text,
        running=running,
        local=_local,
        now=now,
    )


def _local(moment: datetime, zone: str) -> str:
    """As clocks in the zone show it."""
    return f"{moment.astimezone(ZoneInfo(zone)):%a %d %b, %H:%M}"
