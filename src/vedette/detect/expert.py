"""What an expert is to the detector."""

from typing import Any, Protocol, TypeVar

from vedette.detect.case import Case
from vedette.detect.view import View

__all__ = ["Expert"]

S = TypeVar("S")


class Expert(Protocol[S]):
    """A scorer of one kind of evidence. It holds only what the model bundle says; all about a host is in its state.

    Judging comes before learning, and neither may depend on anything but the arguments: the same states and
    snapshots give the same cases on every machine, in every batch.
    """

    @property
    def name(self) -> str:
        """`vitals`, `inventory` or `behaviour`."""
        ...

    def fresh(self) -> S:
        """The state of a host that nobody has seen yet."""
        ...

    def judge(self, view: View, state: S) -> tuple[Case, ...]:
        """What speaks for an alarm now. Changes neither argument.

        On a host's first snapshot (`count` 0) everything is new, so nothing is.
        """
        ...

    def doubts(self, view: View, state: S) -> tuple[tuple[str, str], ...]:
        """Why this expert lets nothing be called normal now, as (subject, text). Changes neither argument."""
        ...

    def learn(self, view: View, state: S, *, alarm: bool) -> S:
        """The state after this snapshot; `state` itself may be changed and must not be used again.

        Every number in it is finite. With `alarm`, what was called abnormal is not learned as usual, but what is open stays open.
        """
        ...

    def dump(self, state: S) -> Any:
        """The state as MessagePack's types, without loss: `load(dump(s))` goes on exactly as `s`."""
        ...

    def load(self, raw: Any) -> S:
        """The state that was dumped. Raises ValueError, TypeError or KeyError when it is not one."""
        ...
