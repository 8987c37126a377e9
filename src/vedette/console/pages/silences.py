"""The silences' page: what is held, what is to come, what is over, and a form for another."""

from datetime import timedelta

from litestar import Response
from litestar.di import NamedDependency
from litestar.response import Redirect

from vedette.console.api.query import Id
from vedette.console.form import Form
from vedette.console.pages.params import cursor
from vedette.console.pages.render import Here, PageRequest, Renderer
from vedette.console.pages.route import shows, takes
from vedette.console.pages.said import back_to, said
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.console.silencing import NewSilence, end_silence, silence
from vedette.core import HostId, InvalidInput, Severity, SilenceKind, SilenceScope

__all__ = ["end_silence_form", "silence_form", "silences_page"]

_PATH = "/silences"
_PAGE = 25
_HOURS = {"1": "an hour", "4": "4 hours", "24": "a day", "168": "7 days", "720": "30 days"}


@shows(_PATH)
def silences_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
) -> Response[str]:
    """Newest first."""
    after = cursor(request)
    found = console.store.silences.find(person.tenant, limit=_PAGE, after=after)
    hosts = [one.scope.host for one in found.items if one.scope.host is not None]
    return renderer.page(
        request,
        "silences.html",
        title="Silences",
        items=found.items,
        next=found.next,
        first=after is None,
        now=console.clock.now(),
        hosts=console.store.hosts.many(person.tenant, hosts),
        hours=_HOURS,
        severities=[one.value for one in reversed(Severity) if one is not Severity.NONE],
        here=Here(_PATH),
        said=said(request),
    )


@takes("/silences/create")
def silence_form(
    console: NamedDependency[Console], person: NamedDependency[Person], form: NamedDependency[Form]
) -> Redirect:
    """From now on, for a chosen time."""
    hours = form.text("hours", bound=4)
    if hours not in _HOURS:
        raise InvalidInput("choose for how long")
    try:
        kind = SilenceKind(form.text("kind"))
        severity = Severity(form.text("severity") or Severity.CRITICAL)
    except ValueError:
        raise InvalidInput("choose what it is to do, and up to which severity") from None
    request = form.text("request", bound=80)
    role, host = form.text("role", bound=200), form.text("host", bound=80)
    causes = [line.strip() for line in form.text("causes").split("\n") if line.strip()]
    asked = NewSilence(
        kind=kind,
        scope=SilenceScope(
            host=HostId(host) if host else None,
            labels={"role": role} if role else {},
            causes=tuple(causes),
            severity=severity,
        ),
        starts_at=None,
        ends_at=console.clock.now() + timedelta(hours=int(hours)),
        reason=form.text("reason", bound=1000),
        request=f"{request}/{hours}" if request else "",
    )
    silence(console, person, asked)
    return back_to(_PATH, "silenced")


@takes("/silences/{silence_id:str}/end")
def end_silence_form(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    form: NamedDependency[Form],
    silence_id: Id,
) -> Redirect:
    """Before its time."""
    end_silence(console, person, silence_id, form.text("reason", bound=1000))
    return back_to(_PATH, "unsilenced")
