"""What a kind of action is to the agent. To add one: a file here with a class of this shape, and its line in `ACTIONS`.

What can be undone is a lease: write a `Measure` and wrap it in `Leased`, which does the verbs, the journal, reboots and the
end. What can't be undone (shutdown, kill) is a `Deed`, wrapped in `Graced`, with the verbs apply and cancel.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import msgspec

from vedette.agent.actions.scene import Check, Outcome, Scene
from vedette.agent.ledger import Ledger
from vedette.core import (
    NOTHING_IN_FORCE,
    ActionState,
    Command,
    Conflict,
    InvalidInput,
    Record,
    Unavailable,
    Verb,
)

__all__ = [
    "CannotDo",
    "Declined",
    "Deed",
    "Gone",
    "Kind",
    "Measure",
    "Nothing",
    "Plan",
    "answered",
    "parameters_of",
    "simulated",
]


T = TypeVar("T")


class CannotDo(Unavailable):
    """The host did not do it; the detail is what people are told."""


class Gone(CannotDo):
    """What the measure holds is not on this host any more, so there is nothing left to hold or to undo."""


class Declined(Conflict):
    """The host will not do it; the detail is why, for people. `data` goes with it."""

    def __init__(self, detail: str, **data: Any) -> None:
        super().__init__(detail)
        self.data = data


class Nothing(Declined):
    """The host looked: nothing of the action is in force or on its way. The server takes it for over by this alone."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail, **{NOTHING_IN_FORCE: True})


def answered(work: Callable[[], Outcome]) -> Outcome:
    """What comes of it; where the host will not or can't do it, that."""
    try:
        return work()
    except Declined as error:
        return Outcome(state=ActionState.REFUSED, detail=error.detail, data=error.data)
    except (msgspec.ValidationError, InvalidInput) as error:
        words = f"the parameters can't be used: {error}"
        return Outcome(state=ActionState.REFUSED, detail=words)
    except CannotDo as error:
        return Outcome(state=ActionState.FAILED, detail=error.detail)


def parameters_of(command: Command, shape: type[T]) -> T:
    """The parameters of a command.

    Raises:
        InvalidInput: they can't be used.
    """
    try:
        return msgspec.convert(command.parameters, shape)
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error)) from error


class Plan(Record, frozen=True, kw_only=True):
    """`data` is all that carrying it out needs (JSON), `text` the exact thing that would be carried out, for people.

    Where one of the checks failed it is not carried out. `would` says in words what it does.
    """

    data: dict[str, Any]
    text: str
    checks: tuple[Check, ...]
    would: str


def simulated(plan: Plan, objection: str) -> Outcome:
    """What a dry run comes to. `objection`: why this host does not allow it; empty where it does."""
    allowed = Check(name="allowed", ok=not objection, detail=objection or "the host allows it")
    checks = (*plan.checks, allowed)
    failed = [check.name for check in checks if not check.ok]
    words = f"failed checks: {', '.join(failed)}" if failed else "all checks passed"
    return Outcome(
        state=ActionState.SIMULATED,
        detail=f"planned; {words}",
        data={"plan": plan.text, "checks": msgspec.to_builtins(checks), "would": plan.would},
    )


class Kind(Protocol):
    """One thing that a host can be told to do, whatever it takes to do it."""

    @property
    def name(self) -> str:
        """As commands name it."""

    @property
    def verbs(self) -> frozenset[Verb]:
        """What can be told about it; the rest is refused before it comes here."""

    @property
    def by_default(self) -> bool:
        """Whether a host does it whose settings name no kinds."""

    @property
    def disruptive(self) -> bool:
        """Whether the host's rate limit counts it."""

    def carry_out(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome:
        """Does what a verified command says. What it raises is told as failed."""

    def own_up(self, command: Command, scene: Scene, ledger: Ledger) -> Outcome | None:
        """What came of a command that the agent was stopped in, by what is on the host now; None where that shows nothing.

        After a renewal, `until` of a failure is the end of what is in force for sure; without it that is not known.
        """

    def tend(self, scene: Scene, ledger: Ledger, *, first: bool) -> None:
        """Called every few seconds, and once (`first`) at the agent's start before anything else."""

    def let_go(self, scene: Scene, ledger: Ledger, why: str) -> Outcome | None:
        """Ends what is in force, told by an operator at this host; None when nothing is."""


class Measure(Protocol):
    """Something that can be done to the host and undone, with a dead man's switch of its own.

    Every method may be called again, also after a crash or a reboot: doing it twice is doing it once. All raise CannotDo.
    """

    @property
    def name(self) -> str:
        """As commands name it."""

    @property
    def by_default(self) -> bool:
        """Whether a host does it whose settings name no kinds."""

    def plan(self, command: Command, scene: Scene) -> Plan:
        """What would be done. Changes nothing. Raises InvalidInput for parameters that can't be used."""

    def former(self, scene: Scene) -> str:
        """The state of what it changes, as text: equal before and after means that all is as it was."""

    def put(self, data: dict[str, Any], seconds: float, scene: Scene) -> str:
        """Does it, for so long at most even if this process dies. Gives a mark by which `stands` knows it again.

        Raises:
            Gone: there is nothing to do it to.
            Declined: what it would be done to is another by now, and nothing was done.
        """

    def still_meant(
        self, data: dict[str, Any], scene: Scene
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The plan of a lease in force without what is another by now, which is let go; and that, for people.

        Raises:
            Declined: nothing is left.
        """

    def extend(self, data: dict[str, Any], seconds: float, scene: Scene) -> None:
        """Sets the dead man's switch to so many seconds from now, without a gap."""

    def stands(self, mark: str, scene: Scene) -> bool:
        """Whether it is in force as it was put."""

    def stray(self, scene: Scene) -> bool | None:
        """Whether something of it is there and in force; False: there, but over; None: nothing is there."""

    def probe(self, data: dict[str, Any], scene: Scene) -> tuple[Check, ...]:
        """What a test of its effect saw, and of what must go on working."""

    def undo(self, data: dict[str, Any] | None, scene: Scene) -> None:
        """Takes it away. `data` is the plan's; None where no journal knows of one."""


class Deed(Protocol):
    """Something that can't be undone: begun with a grace, in which it can be called off.

    Every method may be called again, also after a crash: doing it twice is doing it once. All raise CannotDo.
    """

    @property
    def name(self) -> str:
        """As commands name it."""

    @property
    def patience(self) -> float:
        """Seconds after the grace in which its effect must be seen; then it has failed."""

    def plan(self, command: Command, scene: Scene) -> Plan:
        """What would be done. Changes nothing. Raises InvalidInput for parameters that can't be used."""

    def grace(self, data: dict[str, Any]) -> float:
        """Seconds in which it can be called off."""

    def begin(self, data: dict[str, Any], scene: Scene) -> str:
        """Begins it; says so in words. Raises Declined where what it is about is another by now."""

    def call_off(self, data: dict[str, Any], scene: Scene) -> str:
        """Leaves undone what is not done yet; says so in words. Raises Declined when that is too late."""

    def finish(self, data: dict[str, Any], scene: Scene) -> None:
        """What is yet to do when the grace is over. Raises Declined where what it is about is another by now."""

    def seen(self, data: dict[str, Any], scene: Scene, *, rebooted: bool) -> Check | None:
        """What shows that it took effect, or None while nothing does. `rebooted`: the machine was, since it began."""
