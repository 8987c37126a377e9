"""What a host is told for `kill_process`."""

from typing import Any

from vedette.core import Action
from vedette.respond.actions.kill_process.schema import KillProcessSchema
from vedette.respond.host_command import HostCommand
from vedette.respond.named import processes
from vedette.respond.ports import Commands
from vedette.seal import SigningKey

__all__ = ["KillProcess"]


class KillProcess(HostCommand):
    """Carried out by the host itself, which compares each process with what is told of it first."""

    def __init__(self, commands: Commands, key: SigningKey) -> None:
        super().__init__(KillProcessSchema(), commands, key, _told)


def _told(action: Action) -> dict[str, Any]:
    return {"processes": processes(action), "grace_seconds": action.parameters["grace"]}
