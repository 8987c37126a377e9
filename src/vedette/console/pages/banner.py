"""What every page says at its top: that something holds actions back or can't be read, and how many wait for somebody."""

from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import Breaker, Record, Switch

__all__ = ["Banner", "banner_of"]


class Banner(Record, frozen=True, kw_only=True):
    """The switch if it is thrown, the breakers that are open, how many actions await approval, and what can't be read of texts applied."""

    switch: Switch | None = None
    breakers: tuple[Breaker, ...] = ()
    waiting: int = 0
    policies_fault: str = ""
    oncall_fault: str = ""


def banner_of(console: Console, person: Person) -> Banner:
    """Of the person's tenant, as it is now."""
    guards = console.store.guards
    return Banner(
        switch=guards.thrown(person.tenant),
        breakers=tuple(guards.breakers(person.tenant, open_only=True)),
        waiting=console.store.actions.waiting(person.tenant),
        policies_fault=console.policies.fault(person.tenant),
        oncall_fault=console.oncall.fault(person.tenant),
    )
