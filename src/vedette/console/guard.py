"""Who may use a route. What names no role is refused to everybody."""

from typing import Any

from anyio.to_thread import run_sync
from litestar.connection import ASGIConnection, Request
from litestar.enums import RequestEncodingType
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from vedette.console.api.route import ROLE
from vedette.console.credential import same
from vedette.console.form import Form, check_origin
from vedette.console.person import Person, by_bearer, by_session
from vedette.console.settings import Console
from vedette.core import Forbidden, InvalidInput
from vedette.store import Role

__all__ = ["api_guard", "page_guard", "read_form"]

Connection = ASGIConnection[Any, Any, Any, Any]
_SAFE = frozenset({"GET", "HEAD"})


# Both guards are functions: the framework copies its routers deeply, and functions are kept as they are.
def api_guard(console: Console) -> Guard:
    """For REST: a bearer token. For looking at JSON in a browser its session does too, but it changes nothing."""

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        request = _http(connection)
        authorization = request.headers.get("authorization", "")
        cookie = request.cookies.get(console.settings.cookie_name, "")
        if not authorization and cookie and request.method in _SAFE:
            person = await run_sync(by_session, console, cookie)
        else:
            person = await run_sync(by_bearer, console, authorization)
        _admit(request, handler, person)

    return guard


def page_guard(console: Console) -> Guard:
    """For pages: a browser session; a form also needs our own origin and the session's CSRF token."""

    async def guard(connection: Connection, handler: BaseRouteHandler) -> None:
        request = _http(connection)
        cookie = request.cookies.get(console.settings.cookie_name, "")
        person = await run_sync(by_session, console, cookie)
        if request.method not in _SAFE:
            check_origin(request.headers, str(request.base_url))
            form = await read_form(request)
            if not same(form.text("csrf"), person.csrf):
                raise Forbidden(
                    "this form is of another session; go back, reload the page and send it again",
                    kind="bad-csrf-token",
                )
        _admit(request, handler, person)

    return guard


async def read_form(request: Request[Any, Any, Any]) -> Form:
    """The form of a POST.

    Raises:
        InvalidInput: the body is not a URL-encoded form.
    """
    if request.content_type[0] != RequestEncodingType.URL_ENCODED:
        raise InvalidInput(f"a form is sent as {RequestEncodingType.URL_ENCODED.value}")
    fields = await request.form()
    return Form({name: value for name, value in fields.items() if isinstance(value, str)})


def _http(connection: Connection) -> Request[Any, Any, Any]:
    """Guards are typed for sockets too, which no route of ours has."""
    if not isinstance(connection, Request):
        raise Forbidden("only HTTP is served here")
    return connection


def _admit(request: Request[Any, Any, Any], handler: BaseRouteHandler, person: Person) -> None:
    needed = handler.opt.get(ROLE)
    if not isinstance(needed, Role):
        raise Forbidden("this route names no role, so nobody may use it", kind="no-role")
    if not person.may(needed):
        raise Forbidden(
            f"this needs the role {needed.value}; {person.name} is {person.role.value}",
            kind="role-too-small",
            needed=needed.value,
        )
    request.scope["user"] = person
