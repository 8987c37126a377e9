"""The parameters of `shutdown`: `grace` and `message`."""

from collections.abc import Mapping
from typing import Any, Final

from vedette.respond.power import POWER_PARAMETERS, power

__all__ = ["ShutdownSchema"]


class ShutdownSchema:
    """As policies write it."""

    name: Final = "shutdown"
    disruptive: Final = True
    on_host: Final = True
    parameters: Final[Mapping[str, str]] = POWER_PARAMETERS

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The grace in seconds.

        Raises:
            InvalidInput: what is wrong and where.
        """
        del dry_run
        return power(parameters)
