"""The parameters of `page`: `to`, the names of destinations that are marked urgent."""

from collections.abc import Mapping
from typing import Any, Final

from vedette.respond.destinations import ANYWHERE, Destinations, check_destinations

__all__ = ["MISSING", "PageSchema"]

MISSING: Final = "set chat.NAME.url and chat.NAME.urgent = true"


class PageSchema:
    """As policies write it. A destination that is not marked urgent can't be paged: nobody would wake up by it."""

    name: Final = "page"
    disruptive: Final = False
    on_host: Final = False
    parameters: Final[Mapping[str, str]] = {
        "to": "At least one name of a `[chat.NAME]` in the settings that is marked `urgent`",
    }

    def __init__(self, destinations: Destinations = ANYWHERE) -> None:
        self._known = destinations.urgent

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """At least one urgent destination, each in the settings; both dry and real runs.

        Raises:
            InvalidInput: what is wrong, and where.
        """
        del dry_run
        return check_destinations(parameters, self.parameters, self._known, MISSING)
