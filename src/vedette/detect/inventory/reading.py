"""A kind of facts as one view has it."""

from typing import NamedTuple

from vedette.detect.inventory.fact import Fact

__all__ = ["Reading"]


class Reading(NamedTuple):
    """A kind that was read: its facts by the fingerprint of key and value; whether this was its first reading.

    `wider` says that the agent looks at more than when it was last read: keys never seen are not new then. Where it is not
    `whole`, what it lacks is not gone.
    """

    facts: dict[tuple[int, int], Fact]
    first: bool
    wider: bool = False
    whole: bool = True
