"""In and out: an API token is exchanged for a browser session, and a session ends."""

from datetime import timedelta
from typing import Literal

import structlog
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.response import Redirect

from vedette.console.form import Form
from vedette.console.pages.params import words
from vedette.console.pages.render import PageRequest, Renderer
from vedette.console.pages.route import takes
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.console.throttle import Throttle
from vedette.core import hash_secret, new_secret
from vedette.store import Role

__all__ = ["signin_form", "signin_page", "signout_form"]

_LOG = structlog.get_logger()
_HOME = "/incidents"


@get("/signin", include_in_schema=False, sync_to_thread=False)
def signin_page(renderer: NamedDependency[Renderer], request: PageRequest) -> Response[str]:
    """Asks for a token."""
    following = safe_next(words(request, "next", bound=2000))
    return renderer.page(request, "signin.html", title="Sign in", next=following, problem="")


@post("/signin", include_in_schema=False, sync_to_thread=True, status_code=200)
def signin_form(
    console: NamedDependency[Console],
    renderer: NamedDependency[Renderer],
    throttle: NamedDependency[Throttle],
    own_form: NamedDependency[Form],
    request: PageRequest,
) -> Response[str] | Redirect:
    """A token that holds opens a session.

    Raises:
        Throttled: too many failures from this address.
    """
    address = request.client.host if request.client else "unknown"
    throttle.check(address)
    following = safe_next(own_form.text("next"))
    token = console.store.tokens.by_hash(hash_secret(own_form.text("token")))
    if token is None:
        throttle.failed(address)
        _LOG.warning("console.signin_failed", address=address)
        return renderer.page(
            request,
            "signin.html",
            title="Sign in",
            code=401,
            next=following,
            problem="This token is not known, has expired or was revoked.",
        )
    throttle.passed(address)
    session = new_secret()
    lifetime = console.settings.session_seconds
    console.store.sessions.create(
        hash_secret(session),
        token,
        expires_at=console.clock.now() + timedelta(seconds=lifetime),
    )
    _LOG.info("console.signed_in", token=token.id)
    return Redirect(following, status_code=303, cookies=[_cookie(console, session, int(lifetime))])


@takes("/signout", role=Role.VIEWER)
def signout_form(console: NamedDependency[Console], person: NamedDependency[Person]) -> Redirect:
    """Ends the session on the server, and in the browser."""
    console.store.sessions.delete(person.session)
    return Redirect("/signin", status_code=303, cookies=[_cookie(console, "", 0)])


def safe_next(path: str) -> str:
    """Where to go after signing in: only to a page of ours, never to another site."""
    inside = path.startswith("/") and not path.startswith(("//", "/\\", "/signin", "/v1/"))
    return path if inside and path.isprintable() and "\\" not in path else _HOME


def _cookie(console: Console, value: str, seconds: int) -> Cookie:
    """Host-only, for TLS only, out of scripts' reach, and never sent along from another site (RFC 6265bis)."""
    strict: Literal["strict"] = "strict"
    return Cookie(
        key=console.settings.cookie_name,
        value=value,
        path="/",
        max_age=seconds,
        secure=True,
        httponly=True,
        samesite=strict,
    )
