"""The parameters of `quarantine`: `lease` and `at_most` (durations) and `allow` (networks that stay reachable, both ways)."""

import ipaddress
from collections.abc import Mapping
from typing import Any, Final

from vedette.core import InvalidInput
from vedette.respond.parameters import known_only, lease, texts

__all__ = ["QuarantineSchema"]

_MAX_NETWORKS = 64
# A wider network would make the quarantine an open door.
_WIDEST = {4: 8, 6: 16}


class QuarantineSchema:
    """As policies write it.

    `allow` can only add to what stays reachable: the host itself always keeps the server it was enrolled with, and
    there is no parameter that takes it away.
    """

    name: Final = "quarantine"
    disruptive: Final = True
    parameters: Final[Mapping[str, str]] = {
        "lease": "How long it lasts from each renewal; without one the host ends it by itself: 60s to 1d, such as 30m",
        "at_most": "How long it lasts in all, renewals included; at least the lease, at most 30d; 1d if not given, or the lease",
        "allow": "Networks that stay reachable both ways, besides the server; at most 64, such as 10.1.0.0/16",
    }

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The lease in seconds and the networks in their canonical form.

        Raises:
            InvalidInput: what is wrong and where.
        """
        del dry_run
        known_only(parameters, self.parameters)
        term = lease(parameters)
        allow = [
            _network(text, index)
            for index, text in enumerate(texts(parameters, "allow", most=_MAX_NETWORKS))
        ]
        return {**term, "allow": list(dict.fromkeys(allow))}


def _network(text: str, index: int) -> str:
    try:
        network = ipaddress.ip_network(text, strict=True)
    except ValueError as error:
        raise InvalidInput(
            f"{text!r} is no network such as 10.1.0.0/16: {error}", at=["allow", index]
        ) from error
    if network.prefixlen < _WIDEST[network.version]:
        raise InvalidInput(
            f"{text} is too wide to be an exception; at most a /{_WIDEST[network.version]}",
            at=["allow", index],
        )
    return str(network)
