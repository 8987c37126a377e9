"""Errors as clients see them: RFC 9457 problem details, and never a stack trace."""

import math
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from vedette.core import Problem, VedetteError

__all__ = ["PROBLEM_JSON", "ProblemDetails", "problem_handlers", "problem_response"]

PROBLEM_JSON: Final = "application/problem+json"
_LOG = structlog.get_logger()
_KINDS: Final = {
    400: "invalid-input",
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    429: "throttled",
    503: "unavailable",
}
_UNEXPECTED: Final = (
    "Something went wrong on the server. It has been logged; trying again may help."
)

Handlers = dict[int | type[Exception], Callable[[Request[Any, Any, Any], Any], Response[bytes]]]


class ProblemDetails(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457 problem details; kinds may add members of their own.

    `type` is /problems/ and the kind, as listed in the documentation of the API.
    """

    type: str
    title: str
    status: int
    detail: str


def problem_response(error: VedetteError) -> Response[bytes]:
    """The error as its client is told it, with Retry-After where retrying helps."""
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = str(error.extensions.get("scheme", "Bearer"))
    problem = error.problem()
    if error.status >= 500 and error.status != HTTPStatus.SERVICE_UNAVAILABLE:
        _LOG.error("http.unexpected_error", kind=error.kind, exc_info=error)
        problem = Problem(
            type="/problems/internal", title=problem.title, status=500, detail=_UNEXPECTED
        )
    return _response(problem, headers)


def problem_handlers() -> Handlers:
    """Exception handlers for the whole application: ours, the framework's, and whatever nobody expected."""
    return {
        VedetteError: _ours,
        HTTPException: _frameworks,
        Exception: _unexpected,
    }


def _ours(_request: Request[Any, Any, Any], error: VedetteError) -> Response[bytes]:
    return problem_response(error)


def _frameworks(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    status = error.status_code
    if status >= 500 and status != HTTPStatus.SERVICE_UNAVAILABLE:
        return _unexpected(request, error)
    phrase = HTTPStatus(status).phrase
    problem = Problem(
        type=f"/problems/{_KINDS.get(status, phrase.lower().replace(' ', '-'))}",
        title=phrase,
        status=status,
        detail=error.detail or phrase,
        extensions={"errors": error.extra} if error.extra else {},
    )
    return _response(problem, dict(error.headers or {}))


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    _LOG.error(
        "http.unexpected_error", method=request.method, path=request.url.path, exc_info=error
    )
    return _response(
        Problem(type="/problems/internal", title="Internal error", status=500, detail=_UNEXPECTED),
        {},
    )


def _response(problem: Problem, headers: dict[str, str]) -> Response[bytes]:
    members = {name: value for name, value in problem.extensions.items() if name != "scheme"}
    body = members | {
        "type": problem.type,
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    return Response(
        content=msgspec.json.encode(body, enc_hook=str),
        status_code=problem.status,
        media_type=PROBLEM_JSON,
        # What is wrong now need not be wrong later, and may name what only this client should see.
        headers={"Cache-Control": "no-store"} | headers,
    )
