"""What people narrow the list of incidents to, as they write it."""

from enum import StrEnum

from vedette.console.person import Person
from vedette.core import InvalidInput

__all__ = ["Sort", "pair", "whose"]

_ME, _NOBODY = "me", "nobody"


class Sort(StrEnum):
    """By when they were opened."""

    NEWEST = "newest"
    OLDEST = "oldest"


def whose(text: str | None, person: Person) -> str | None:
    """The actor that incidents are assigned to: oneself for `me`, empty for `nobody`; None for all."""
    if not text:
        return None
    return {_ME: person.actor, _NOBODY: ""}.get(text, f"user:{text.removeprefix('user:')}")


def pair(text: str | None) -> tuple[str, str] | None:
    """A label's name and value.

    Raises:
        InvalidInput: it is not NAME=VALUE.
    """
    if not text:
        return None
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidInput(f"label must be NAME=VALUE, not {text!r}")
    return name, value
