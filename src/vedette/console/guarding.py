"""What people may do about the guards: throw and lift the kill switch, reset a breaker. The same for the API and the pages."""

from vedette.console.person import Person
from vedette.console.reason import needed
from vedette.console.settings import Console
from vedette.core import Breaker, Conflict, Limits, Record, Scope, Switch

__all__ = ["GuardsView", "lift", "look", "reset", "throw"]


class GuardsView(Record, frozen=True, kw_only=True):
    """The switch if it is thrown, the breakers that ever tripped (open ones first), and the limits they go by."""

    switch: Switch | None
    breakers: tuple[Breaker, ...]
    limits: Limits


def look(console: Console, person: Person) -> GuardsView:
    """How the tenant's guards stand."""
    breakers = console.store.guards.breakers(person.tenant)
    return GuardsView(
        switch=console.store.guards.thrown(person.tenant),
        breakers=tuple(sorted(breakers, key=lambda one: one.reset_at is not None)),
        limits=console.policies.current(person.tenant).limits,
    )


def throw(console: Console, person: Person, reason: str) -> Switch:
    """Stops everything disruptive of the tenant.

    Raises:
        InvalidInput: without a reason.
        Conflict: it is thrown already.
    """
    return console.store.guards.throw(
        person.tenant, actor=person.actor, reason=needed(reason, "throw the kill switch")
    )


def lift(console: Console, person: Person, reason: str) -> None:
    """Lets policies act again.

    Raises:
        InvalidInput: without a reason.
        NotFound: it is not thrown.
        Conflict: it is thrown for everyone, which only the server's own command line lifts.
    """
    words = needed(reason, "lift the kill switch")
    thrown = console.store.guards.thrown(person.tenant)
    if thrown is not None and thrown.tenant is None:
        raise Conflict(
            "the kill switch is thrown for everyone; lift it on the server: vedette guards lift --everyone",
            kind="thrown-for-everyone",
        )
    console.store.guards.lift(person.tenant, actor=person.actor, reason=words)


def reset(console: Console, person: Person, scope: Scope, key: str, reason: str) -> Breaker:
    """Closes a breaker; hosts are counted anew.

    Raises:
        InvalidInput: without a reason.
        NotFound: no such breaker is open.
    """
    return console.store.guards.reset(
        person.tenant, scope, key, actor=person.actor, reason=needed(reason, "reset a breaker")
    )
