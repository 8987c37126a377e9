"""Query parameters of pages: empty means absent, as a form sends it."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from vedette.console.pages.render import PageRequest
from vedette.core import InvalidInput

__all__ = ["choice", "cursor", "time", "words"]

E = TypeVar("E", bound=StrEnum)


def words(request: PageRequest, name: str, *, bound: int = 200) -> str:
    """A parameter's text without the spaces around it.

    Raises:
        InvalidInput: longer than `bound`, or with control characters.
    """
    value = str(request.query_params.get(name, "")).strip()
    if len(value) > bound or not value.isprintable():
        raise InvalidInput(f"{name} must be at most {bound} printable characters")
    return value


def choice(request: PageRequest, name: str, members: type[E]) -> E | None:
    """A member of a StrEnum, or None when absent.

    Raises:
        InvalidInput: another word.
    """
    value = words(request, name)
    if not value:
        return None
    try:
        return members(value)
    except ValueError:
        allowed = ", ".join(members)
        raise InvalidInput(f"{name} must be one of {allowed}, not {value!r}") from None


def cursor(request: PageRequest) -> str | None:
    """Where the page begins."""
    return words(request, "after", bound=2000) or None


def time(request: PageRequest, name: str) -> datetime | None:
    """A moment as a form's `datetime-local` field sends it, in UTC; or None when absent.

    Raises:
        InvalidInput: it is none.
    """
    value = words(request, name)
    if not value:
        return None
    try:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    except ValueError:
        raise InvalidInput(
            f"{name} must be a time such as 2026-11-22T20:00, not {value!r}"
        ) from None
