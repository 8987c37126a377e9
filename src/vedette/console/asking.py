"""Requests that name themselves: sent twice, by a double click or a retry, they ask for one thing once."""

from vedette.console.person import Person
from vedette.core import derived_id

__all__ = ["named"]


def named(person: Person, request: str, *content: object) -> str:
    """The id of what a person asks for by a request of this name; empty where the request has none.

    What is asked for is part of it, so that a form which is sent again with another content asks for another thing.
    """
    return derived_id("asked", person.tenant, person.actor, request, *content) if request else ""
