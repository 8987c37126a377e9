"""/v1/policies: the rules in force, those before, and putting others in force."""

from litestar.di import NamedDependency
from litestar.params import JSONBody

from vedette.console.api.bodies import CheckingPolicies, NewPolicies, TryingPolicies
from vedette.console.api.query import After, Limit
from vedette.console.api.replies import PolicyHistory
from vedette.console.api.route import changes, reads
from vedette.console.person import Person
from vedette.console.ports import PolicyText
from vedette.console.ruling import put_in_force, try_over_history
from vedette.console.settings import Console
from vedette.core import Backtest
from vedette.store import Role

__all__ = [
    "apply_policies",
    "backtest_policies",
    "check_policies",
    "get_policies",
    "list_policy_history",
]


@reads("/policies", tag="policies", summary="The policies in force")
def get_policies(console: NamedDependency[Console], person: NamedDependency[Person]) -> PolicyText:
    """Their text and version, and their last back-test."""
    return console.policies.current(person.tenant)


@reads("/policies/history", tag="policies", summary="What was applied, newest first")
def list_policy_history(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    limit: Limit = 100,
    after: After = None,
) -> PolicyHistory:
    """Every text with who applied it and when."""
    page = console.store.policies.list(person.tenant, limit=limit, after=after)
    return PolicyHistory(items=page.items, next=page.next)


@changes(
    "/policies/check", tag="policies", summary="What a text would be in force", role=Role.VIEWER
)
def check_policies(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    data: JSONBody[CheckingPolicies],
) -> PolicyText:
    """Changes nothing. An error names line and column; `warnings` say what may contradict and which hosts it can't reach."""
    return console.policies.check(person.tenant, data.text)


@changes(
    "/policies/backtest",
    tag="policies",
    summary="What a text would have done over history",
    role=Role.RESPONDER,
)
def backtest_policies(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    data: JSONBody[TryingPolicies],
) -> Backtest:
    """Puts nothing in force. It is kept by the text's `version`, and the same text can then be applied.

    One at a time, over 100,000 verdicts at most and for a minute at most.
    """
    return try_over_history(console, person, data.text, data.days)


@changes("/policies", tag="policies", summary="Put policies in force", role=Role.ADMIN)
def apply_policies(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    data: JSONBody[NewPolicies],
) -> PolicyText:
    """Whole or not at all; an error names line and column. Needs a reason."""
    return put_in_force(console, person, data.text, data.reason)
