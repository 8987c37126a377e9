"""What people may do about policies: try them over history, and put them in force. The same for the API and the pages."""

from datetime import timedelta

from vedette.console.person import Person
from vedette.console.ports import PolicyText
from vedette.console.reason import needed
from vedette.console.settings import Console
from vedette.core import Backtest

__all__ = ["put_in_force", "try_over_history"]


def put_in_force(console: Console, person: Person, text: str, reason: str) -> PolicyText:
    """Whole or not at all.

    Raises:
        InvalidInput: without a reason, or it is wrong: where, and why.
        Conflict: (needs-backtest) it must be tried over history first.
    """
    why = needed(reason, "change the policies")
    return console.policies.apply(person.tenant, text, actor=person.actor, reason=why)


def try_over_history(console: Console, person: Person, text: str, days: float) -> Backtest:
    """What it would have done in the last days.

    Raises:
        InvalidInput: it is wrong: where, and why.
        Conflict: another is running, or there is too much to go over.
    """
    until = console.clock.now()
    return console.policies.backtest(
        person.tenant, text, since=until - timedelta(days=days), until=until, actor=person.actor
    )
