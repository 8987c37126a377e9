"""Errors as pages: in plain words, with a way on. A visitor without a session is led to the sign-in page."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import structlog
from litestar import Response
from litestar.exceptions import HTTPException
from litestar.response import Redirect

from vedette.console.pages.render import FRAGMENT_HEADER, PageRequest, Renderer
from vedette.core import Problem, Unauthenticated, VedetteError

__all__ = ["ErrorPages", "Handler"]

Handler = Callable[[Any, Any], Response[Any]]
_LOG = structlog.get_logger()
_TITLES = {
    400: "That can't be used",
    403: "Not allowed",
    404: "There is no such page",
    405: "Not possible here",
    409: "Too late for that",
    413: "Too large",
    429: "Please wait",
    503: "Not available now",
}
_BACK = {
    "/actions": "Back to the actions",
    "/approvals": "Back to the approvals",
    "/dead-letters": "Back to the dead letters",
    "/guards": "Back to the guards",
    "/hosts": "Back to the hosts",
    "/policies": "Back to the policies",
    "/silences": "Back to the silences",
}


class ErrorPages:
    """Handles errors of the pages; `around` also takes those of unknown addresses, where a browser asks."""

    def __init__(self, renderer: Renderer, extra_headers: Mapping[str, str]) -> None:
        self._renderer = renderer
        self._headers = dict(extra_headers)

    def handlers(self) -> dict[int | type[Exception], Handler]:
        """For the router of the pages."""

        # A plain function, not a method: the framework copies its routers deeply, with whatever a method is bound to.
        def answer(request: PageRequest, error: Exception) -> Response[Any]:
            return self.answer(request, error)

        return {VedetteError: answer, HTTPException: answer, Exception: answer}

    def around(
        self, otherwise: Mapping[int | type[Exception], Handler]
    ) -> dict[int | type[Exception], Handler]:
        """For the app: browsers get pages where they ask for one outside /v1, everybody else what they got before."""

        def choose(handler: Handler) -> Handler:
            def answer(request: PageRequest, error: Exception) -> Response[Any]:
                asked = request.headers.get("accept", "")
                page = "text/html" in asked and not request.url.path.startswith("/v1/")
                return self.answer(request, error) if page else handler(request, error)

            return answer

        return {key: choose(handler) for key, handler in otherwise.items()}

    def answer(self, request: PageRequest, error: Exception) -> Response[Any]:
        """The page of an error."""
        problem = _problem(request, error)
        if isinstance(error, Unauthenticated):
            return self._to_signin(request)
        if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            self._recognise(request)
        signed_in = request.scope.get("user") is not None
        back, words = _way_back(request.url.path) if signed_in else ("/signin", "Sign in")
        response = self._renderer.page(
            request,
            "error.html",
            title=_TITLES.get(problem.status, problem.title),
            code=problem.status,
            status=problem.status,
            detail=problem.detail,
            back=back,
            back_words=words,
        )
        if isinstance(error, VedetteError) and error.retry_after is not None:
            response.headers["retry-after"] = f"{error.retry_after:.0f}"
        response.headers.update(self._headers)
        return response

    def _recognise(self, request: PageRequest) -> None:
        """Who asked, where no guard let them in: they get the page with its menu, and a way back."""
        if request.scope.get("user") is None and (person := self._renderer.known(request)):
            request.scope["user"] = person

    def _to_signin(self, request: PageRequest) -> Response[Any]:
        if FRAGMENT_HEADER in request.headers:
            return Response("", status_code=401, media_type="text/plain")
        if request.headers.get("sec-fetch-site") == "cross-site" and request.method == "GET":
            # Browsers hold a strict cookie back when a link elsewhere led here; asking once more brings it along.
            return self._renderer.page(request, "again.html", title="One moment", code=401)
        path = request.url.path
        query = f"?{request.url.query}" if request.url.query else ""
        following = path + query if request.method == "GET" else "/incidents"
        return Redirect("/signin?" + urlencode({"next": following}), status_code=303)


def _way_back(path: str) -> tuple[str, str]:
    """From a form that failed to the page that it is on, as far as its address tells."""
    section = "/" + path.strip("/").split("/")[0]
    return section if section in _BACK else "/incidents", _BACK.get(
        section, "Back to the incidents"
    )


def _problem(request: PageRequest, error: Exception) -> Problem:
    if isinstance(error, VedetteError):
        return error.problem()
    if isinstance(error, HTTPException):
        phrase = HTTPStatus(error.status_code).phrase
        detail = "Check the address." if error.status_code in {404, 405} else error.detail
        return Problem(type="about:blank", title=phrase, status=error.status_code, detail=detail)
    _LOG.error("console.page_failed", path=request.url.path, exc_info=error)
    return Problem(
        type="/problems/internal",
        title="Something went wrong here",
        status=500,
        detail="Nothing was changed. What happened is in the server's log.",
    )
