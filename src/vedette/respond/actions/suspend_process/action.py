"""What a host is told for `suspend_process`."""

from typing import Any

from vedette.core import Action
from vedette.respond.actions.suspend_process.schema import SuspendProcessSchema
from vedette.respond.host_command import HostCommand
from vedette.respond.named import processes
from vedette.respond.ports import Commands
from vedette.seal import SigningKey

__all__ = ["SuspendProcess"]


class SuspendProcess(HostCommand):
    """Carried out by the host itself, which lets them go on when the lease ends."""

    def __init__(self, commands: Commands, key: SigningKey) -> None:
        super().__init__(SuspendProcessSchema(), commands, key, _told)


def _told(action: Action) -> dict[str, Any]:
    return {"processes": processes(action), "lease_seconds": action.parameters["lease"]}
