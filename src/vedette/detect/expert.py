"""What an expert is to the detector."""

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from vedette.detect.case import Case
from vedette.detect.knowledge import Tells
from vedette.detect.view import View

__all__ = ["Expert"]

S = TypeVar("S")


class Expert(Protocol[S]):
    """A scorer of one kind of evidence. It holds only what the model bundle says; all about a host is in its state.

    It takes a wave of hosts at once: `views` and `states` have one entry for each host, and no host twice. Judging comes
    before learning, and what a host gets may depend on nothing but its own arguments: the same state and snapshot give
    the same cases on every machine, in whatever wave. An expert that fails on one host may fail for the wave; it is
    then asked host by host, with the states made anew from their dumps where it was learning.
    """

    @property
    def name(self) -> str:
        """`vitals`, `inventory` or `behaviour`."""
        ...

    def fresh(self) -> S:
        """The state of a host that nobody has seen yet."""
        ...

    def judge(self, views: Sequence[View], states: Sequence[S]) -> list[tuple[Case, ...]]:
        """What speaks for an alarm now, for each host. Changes no argument.

        On a host's first snapshot (`count` 0) everything is new, so nothing is.
        """
        ...

    def doubts(self, view: View, state: S, /) -> tuple[tuple[str, str], ...]:
        """Why this expert lets nothing be called normal now, as (subject, text). Changes neither argument."""
        ...

    def learn(self, views: Sequence[View], states: Sequence[S], alarms: Sequence[bool]) -> list[S]:
        """The states after these snapshots; those given may be changed and must not be used again.

        Every number in them is finite. With an alarm, what was called abnormal is not learned as usual, but what is open
        stays open.
        """
        ...

    def tells(self, state: S, /) -> Tells:
        """What was learned of this host that is of use to others. Changes nothing."""
        ...

    def dump(self, state: S) -> Any:
        """The state as MessagePack's types, without loss: `load(dump(s))` goes on exactly as `s`."""
        ...

    def load(self, raw: Any) -> S:
        """The state that was dumped. Raises ValueError, TypeError or KeyError when it is not one."""
        ...
