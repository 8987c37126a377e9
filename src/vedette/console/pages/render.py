"""Templates made into pages, with what every page has: who is asking, the time, our own assets."""

import secrets
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import jinja2
import msgspec
from litestar import MediaType, Request, Response
from markupsafe import Markup

from vedette.console.pages.assets import Assets
from vedette.console.pages.banner import Banner, banner_of
from vedette.console.pages.words import (
    absolute,
    actor_name,
    deadline,
    plain,
    share,
    size,
    span,
    stamp,
)
from vedette.console.person import Person, by_session
from vedette.console.settings import Console
from vedette.core import VedetteError
from vedette.store import Role

__all__ = ["FRAGMENT_HEADER", "Here", "PageRequest", "Renderer"]

PageRequest = Request[Any, Any, Any]
FRAGMENT_HEADER = "vedette-fragment"


class Here:
    """Links to this list with other filters: `here(state="closed", after=None)`; None takes a filter away."""

    def __init__(self, path: str, **filters: str) -> None:
        self._path = path
        self._filters = filters

    def __call__(self, **changes: str | None) -> str:
        """The path with its query. The cursor belongs to one place of a list, so it is only there when named."""
        merged: dict[str, str | None] = {**self._filters, **changes}
        query = urlencode({name: value for name, value in merged.items() if value})
        return f"{self._path}?{query}" if query else self._path


class Renderer:
    """Renders `templates/*.html`; whatever is put into a page is escaped."""

    def __init__(self, console: Console, assets: Assets) -> None:
        self._console = console
        self._environment = jinja2.Environment(
            loader=jinja2.PackageLoader("vedette.console", "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "absolute": absolute,
            "person": actor_name,
            "plain": plain,
            "pretty": _pretty,
            "share": share,
            "size": size,
            "span": span,
        }
        self._environment.globals |= {
            "static": assets.path,
            "version": console.settings.version,
        }

    def known(self, request: PageRequest) -> Person | None:
        """Whose browser session it is, if it is of somebody and nothing stands in the way of asking."""
        cookie = request.cookies.get(self._console.settings.cookie_name, "")
        try:
            return by_session(self._console, cookie)
        except VedetteError:
            return None

    def page(
        self, request: PageRequest, template: str, *, title: str, code: int = 200, **values: Any
    ) -> Response[str]:
        """The page, or only its changing regions where the page's own module asks for them."""
        person = request.scope.get("user")
        known = person if isinstance(person, Person) else None
        now = self._console.clock.now()

        def when(moment: datetime | None, *, both: bool = False) -> Markup:
            return stamp(moment, now, both=both)

        def until(moment: datetime) -> Markup:
            return deadline(moment, now)

        def csrf() -> Markup:
            token = known.csrf if known else ""
            return Markup('<input type="hidden" name="csrf" value="{}">').format(token)

        def once() -> Markup:
            """Names the form, so that a second click asks for nothing else."""
            field = Markup('<input type="hidden" name="request" value="{}">')
            return field.format(secrets.token_urlsafe(12))

        text = self._environment.get_template(template).render(
            title=title,
            person=known,
            may_respond=known is not None and known.may(Role.RESPONDER),
            may_admin=known is not None and known.may(Role.ADMIN),
            section=_section(request.url.path),
            fragment=FRAGMENT_HEADER in request.headers,
            # What answers a form, or an error, has no address at which it could be looked at again.
            refresh=self._console.settings.refresh_seconds
            if request.method == "GET" and code < 400
            else 0,
            # What tells of an error must not meet it again.
            banner=banner_of(self._console, known) if known and code < 500 else Banner(),
            when=when,
            until=until,
            csrf=csrf,
            once=once,
            **values,
        )
        return Response(
            text,
            status_code=code,
            media_type=MediaType.HTML,
            headers={"vary": f"{FRAGMENT_HEADER}, cookie"},
        )


def _section(path: str) -> str:
    return "/" + path.strip("/").split("/")[0]


def _pretty(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2).decode()
