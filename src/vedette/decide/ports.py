"""What decide needs from outside: which actions exist, and how their parameters are checked."""

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["ActionSchema", "Kinds"]


class ActionSchema(Protocol):
    """One kind of action as a policy may name it."""

    @property
    def name(self) -> str:
        """The kind, as written after `action:`."""

    @property
    def disruptive(self) -> bool:
        """Whether it takes something away from the host, so that late evidence may not start it."""

    @property
    def on_host(self) -> bool:
        """Whether it is done to one host; what is not tells people, and may be gathered with what other hosts tell."""

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The parameters with defaults filled in, as plain JSON types.

        A parameter named `lease` is given back in seconds and makes the action a lease of that length, `at_most` bounds
        all its renewals, and `grace` is how long the host waits before what can't be undone.

        Raises:
            InvalidInput: what is wrong; the extension `at` is the path to it inside the parameters, a list of keys
                and indexes (`["allow", 1]`), empty for the parameters as a whole.
        """


Kinds = Mapping[str, ActionSchema]
