"""/v1/guards: what holds actions back beyond their policy."""

from litestar.di import NamedDependency
from litestar.params import JSONBody

from vedette.console.api.bodies import BreakerReset, Reasoned
from vedette.console.api.route import changes, reads
from vedette.console.guarding import GuardsView, lift, look, reset, throw
from vedette.console.person import Person
from vedette.console.settings import Console
from vedette.core import Breaker, Switch
from vedette.store import Role

__all__ = ["get_guards", "lift_switch", "reset_breaker", "throw_switch"]


@reads("/guards", tag="guards", summary="The kill switch, the breakers and their limits")
def get_guards(console: NamedDependency[Console], person: NamedDependency[Person]) -> GuardsView:
    """`switch` is null while it is not thrown. A breaker is open while `reset_at` is null."""
    return look(console, person)


@changes("/guards/throw", tag="guards", summary="Throw the kill switch", role=Role.RESPONDER)
def throw_switch(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    data: JSONBody[Reasoned],
) -> Switch:
    """Nothing disruptive begins or is renewed until it is lifted; what is in force can be released. Needs a reason."""
    return throw(console, person, data.reason)


@changes("/guards/lift", tag="guards", summary="Lift the kill switch", role=Role.ADMIN)
def lift_switch(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    data: JSONBody[Reasoned],
) -> GuardsView:
    """What it refused stays refused. Needs a reason."""
    lift(console, person, data.reason)
    return look(console, person)


@changes("/guards/reset", tag="guards", summary="Reset a breaker", role=Role.ADMIN)
def reset_breaker(
    console: NamedDependency[Console],
    person: NamedDependency[Person],
    data: JSONBody[BreakerReset],
) -> Breaker:
    """Hosts are counted anew from then on. Needs a reason."""
    return reset(console, person, data.scope, data.key, data.reason)
