"""What a host is told for `reboot`, and until when its next life is waited for."""

from collections.abc import Mapping
from datetime import datetime

from vedette.core import ActionState, Command, CommandResult
from vedette.respond.actions.reboot.schema import RebootSchema
from vedette.respond.host_command import HostCommand
from vedette.respond.kind import Job
from vedette.respond.ports import Commands
from vedette.respond.power import PATIENCE, due_at, told_power
from vedette.seal import SigningKey

__all__ = ["Reboot"]


class Reboot(HostCommand):
    """Verified by the host alone, in its next life: its agent finds another boot id than the one it noted."""

    def __init__(self, commands: Commands, key: SigningKey) -> None:
        super().__init__(RebootSchema(), commands, key, told_power)

    def _over_at(
        self, job: Job, command: Command, said: Mapping[ActionState, CommandResult]
    ) -> datetime:
        due = due_at(job.action, said)
        return super()._over_at(job, command, said) if due is None else due + PATIENCE
