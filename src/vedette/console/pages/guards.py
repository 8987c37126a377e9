"""The guards' page: the kill switch, the breakers, and how far policies may go."""

from litestar import Response
from litestar.di import NamedDependency
from litestar.response import Redirect

from vedette.console.form import Form
from vedette.console.guarding import lift, look, reset, throw
from vedette.console.pages.render import PageRequest, Renderer
from vedette.console.pages.route import shows, takes
from vedette.console.pages.said import back_to, said
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import InvalidInput, Scope
from vedette.store import Role

__all__ = ["guards_page", "lift_form", "reset_form", "throw_form"]

_PATH = "/guards"


@shows(_PATH)
def guards_page(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    renderer: NamedDependency[Renderer],
    request: PageRequest,
) -> Response[str]:
    """How they stand."""
    return renderer.page(
        request,
        "guards.html",
        title="Guards",
        guards=look(console, person),
        said=said(request),
    )


@takes("/guards/throw")
def throw_form(
    console: NamedDependency[Console], person: NamedDependency[Person], form: NamedDependency[Form]
) -> Redirect:
    """The Stop form; it asks for a reason."""
    throw(console, person, form.text("reason", bound=1000))
    return back_to(_PATH, "thrown")


@takes("/guards/lift", role=Role.ADMIN)
def lift_form(
    console: NamedDependency[Console], person: NamedDependency[Person], form: NamedDependency[Form]
) -> Redirect:
    """The Lift form; it asks for a reason."""
    lift(console, person, form.text("reason", bound=1000))
    return back_to(_PATH, "lifted")


@takes("/guards/reset", role=Role.ADMIN)
def reset_form(
    console: NamedDependency[Console], person: NamedDependency[Person], form: NamedDependency[Form]
) -> Redirect:
    """The Reset form of one breaker; it asks for a reason."""
    try:
        scope = Scope(form.text("scope"))
    except ValueError:
        raise InvalidInput("there is no such breaker") from None
    reset(console, person, scope, form.text("key", bound=1000), form.text("reason", bound=1000))
    return back_to(_PATH, "reset")
