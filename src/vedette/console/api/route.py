"""How a REST route is declared: with its role, its summary and the problems it may answer with."""

from collections.abc import Sequence
from typing import Any

from litestar import delete, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Components, SecurityScheme

from vedette.core import Record
from vedette.store import Role

__all__ = [
    "ROLE",
    "ApiProblem",
    "changes",
    "downloads",
    "people_components",
    "reads",
    "removes",
]

# The key in a route's `opt` that names the least role; the guard refuses a route that lacks it.
ROLE = "vedette_role"
_SCHEME = "personToken"


class ApiProblem(Record, frozen=True, kw_only=True):
    """RFC 9457 problem details; a kind of problem may add members of its own."""

    type: str
    title: str
    status: int
    detail: str


_WORDS = {
    400: "A parameter or the body can't be used; `detail` says which and why.",
    401: "No token, or one that does not hold.",
    403: "The token's role is too small.",
    404: "No such record.",
    409: "The record is not in a state that allows this.",
    413: "The body is too large.",
    503: "The store can't be reached now; nothing was changed.",
}


def people_components() -> Components:
    """The security scheme that people's routes name, for the application's OpenAPI settings."""
    scheme = SecurityScheme(
        type="http", scheme="bearer", description="An API token: Authorization: Bearer vdt_..."
    )
    return Components(security_schemes={_SCHEME: scheme})


def reads(path: str, *, tag: str, summary: str, role: Role = Role.VIEWER, one: bool = False) -> get:
    """A GET route; `one` record's route may answer 404."""
    return get(path, **_common(tag, summary, role, [404] if one else []))


def downloads(path: str, *, tag: str, summary: str, role: Role, media_type: str) -> get:
    """A GET route that gives bytes as a file; 409 where they are gone."""
    return get(path, media_type=media_type, **_common(tag, summary, role, [404, 409]))


def changes(path: str, *, tag: str, summary: str, role: Role, status: int = 200) -> post:
    """A POST route that changes something, with a JSON body."""
    return post(path, status_code=status, **_common(tag, summary, role, [404, 409, 413]))


def removes(path: str, *, tag: str, summary: str, role: Role) -> delete:
    """A DELETE route; it answers 204."""
    return delete(path, status_code=204, **_common(tag, summary, role, [404, 409]))


def _common(tag: str, summary: str, role: Role, further: Sequence[int]) -> dict[str, Any]:
    statuses = sorted({400, 401, 403, 503, *further})
    return {
        "tags": [tag],
        "summary": summary,
        "description": f"Needs the role `{role.value}` or more.",
        "security": [{_SCHEME: []}],
        "sync_to_thread": True,
        "opt": {ROLE: role},
        "responses": {
            status: ResponseSpec(
                ApiProblem,
                generate_examples=False,
                description=_WORDS[status],
                media_type="application/problem+json",
            )
            for status in statuses
        },
    }
