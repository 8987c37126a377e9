"""The parameters of `reboot`: `grace` and `message`."""

from collections.abc import Mapping
from typing import Any, Final

from vedette.respond.power import POWER_PARAMETERS, power

__all__ = ["RebootSchema"]


class RebootSchema:
    """As policies write it."""

    name: Final = "reboot"
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
