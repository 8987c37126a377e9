"""The parameters of `webhook`: `to`, the names of destinations."""

from collections.abc import Mapping
from typing import Any, Final

from vedette.respond.destinations import ANYWHERE, Destinations, check_destinations

__all__ = ["MISSING", "WebhookSchema"]

MISSING: Final = "set webhook.NAME.url and webhook.NAME.secret"


class WebhookSchema:
    """As policies write it. There is no parameter for a URL: nothing is sent where the settings do not lead."""

    name: Final = "webhook"
    disruptive: Final = False
    on_host: Final = False
    parameters: Final[Mapping[str, str]] = {
        "to": "At least one name of a `[webhook.NAME]` in the settings",
    }

    def __init__(self, destinations: Destinations = ANYWHERE) -> None:
        self._known = destinations.webhooks

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """At least one destination, each in the settings; both dry and real runs.

        Raises:
            InvalidInput: what is wrong, and where.
        """
        del dry_run
        return check_destinations(parameters, self.parameters, self._known, MISSING)
