"""The parameters of `quarantine`: `lease` and `at_most` (durations) and `allow` (networks that stay reachable, both ways)."""

import ipaddress
from collections.abc import Mapping
from typing import Any, Final

from vedette.core import MOST_OPENINGS, InvalidInput, Network, too_much, too_wide
from vedette.respond.parameters import known_only, lease, texts

__all__ = ["QuarantineSchema"]


class QuarantineSchema:
    """As policies write it.

    `allow` can only add to what stays reachable: the host itself always keeps the server it was enrolled with, and
    there is no parameter that takes it away.
    """

    name: Final = "quarantine"
    disruptive: Final = True
    on_host: Final = True
    parameters: Final[Mapping[str, str]] = {
        "lease": "How long it lasts from each renewal; without one the host ends it by itself: 60s to 1d, such as 30m",
        "at_most": "How long it lasts in all, renewals included; at least the lease, at most 30d; 1d if not given, or the lease",
        "allow": "Networks that stay reachable both ways, besides the server; at most 64, that cover no more than two /8 (IPv6: two /16), such as 10.1.0.0/16",
    }

    def check(self, parameters: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The lease in seconds and the networks in their canonical form.

        Raises:
            InvalidInput: what is wrong and where.
        """
        del dry_run
        known_only(parameters, self.parameters)
        term = lease(parameters)
        allow: list[Network] = []
        for index, text in enumerate(texts(parameters, "allow", most=MOST_OPENINGS)):
            allow.append(_network(text, index))
            if why := too_much(allow):
                raise InvalidInput(why, at=["allow", index])
        return {**term, "allow": list(dict.fromkeys(map(str, allow)))}


def _network(text: str, index: int) -> Network:
    try:
        network = ipaddress.ip_network(text, strict=True)
    except ValueError as error:
        raise InvalidInput(
            f"{text!r} is no network such as 10.1.0.0/16: {error}", at=["allow", index]
        ) from error
    if why := too_wide(network):
        raise InvalidInput(why, at=["allow", index])
    return network
