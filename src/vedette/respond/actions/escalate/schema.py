"""The parameters of `escalate`, which policies write as `escalate: CHAIN`."""

from collections.abc import Mapping
from typing import Any, Final

from vedette.core import InvalidInput
from vedette.respond.parameters import known_only

__all__ = ["EscalateSchema"]


class EscalateSchema:
    """Not among `schemas`: it has a word of its own in policies, and no tier may tell people by it."""

    name: Final = "escalate"
    disruptive: Final = False
    on_host: Final = False
    parameters: Final[Mapping[str, str]] = {"chain": "A chain of the on-call document"}

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The chain's name.

        Raises:
            InvalidInput: there is none.
        """
        del dry_run
        known_only(parameters, self.parameters)
        chain = parameters.get("chain")
        if not isinstance(chain, str) or not chain:
            raise InvalidInput("chain must be a chain's name", at=["chain"])
        return {"chain": chain}
