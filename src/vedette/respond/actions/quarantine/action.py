"""What a host is told for `quarantine`."""

from typing import Any

from vedette.core import Action
from vedette.respond.actions.quarantine.schema import QuarantineSchema
from vedette.respond.host_command import HostCommand
from vedette.respond.ports import Commands
from vedette.seal import SigningKey

__all__ = ["Quarantine"]


class Quarantine(HostCommand):
    """Carried out by the host itself, which keeps its server in reach and ends the lease by itself."""

    def __init__(self, commands: Commands, key: SigningKey) -> None:
        super().__init__(QuarantineSchema(), commands, key, _told)


def _told(action: Action) -> dict[str, Any]:
    return {
        "lease_seconds": action.parameters["lease"],
        "exceptions": [
            {"address": network, "direction": direction, "protocol": protocol}
            for network in action.parameters["allow"]
            for direction in ("out", "in")
            for protocol in ("tcp", "udp")
        ],
    }
