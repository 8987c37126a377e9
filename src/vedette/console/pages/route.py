"""How a page's route is declared: with the least role it needs, and out of the API's description."""

from litestar import get, post

from vedette.console.api.route import ROLE
from vedette.store import Role

__all__ = ["shows", "takes"]


def shows(path: str, *, role: Role = Role.VIEWER) -> get:
    """A page."""
    return get(path, sync_to_thread=True, include_in_schema=False, opt={ROLE: role})


def takes(path: str, *, role: Role = Role.RESPONDER) -> post:
    """A form of a page; it answers with a redirect to a page (303), so that a reload does not send it again."""
    return post(
        path, sync_to_thread=True, include_in_schema=False, status_code=200, opt={ROLE: role}
    )
