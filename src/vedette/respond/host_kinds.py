"""Which actions hosts carry out by themselves: their schemas, and what tells hosts of them."""

from vedette.respond.actions.kill_process import KillProcess, KillProcessSchema
from vedette.respond.actions.quarantine import Quarantine, QuarantineSchema
from vedette.respond.actions.suspend_process import SuspendProcess, SuspendProcessSchema
from vedette.respond.host_command import HostCommand
from vedette.respond.kind import Schema
from vedette.respond.ports import Commands
from vedette.seal import SigningKey

__all__ = ["host_kinds", "host_schemas"]


def host_schemas() -> tuple[Schema, ...]:
    """Of each."""
    return QuarantineSchema(), SuspendProcessSchema(), KillProcessSchema()


def host_kinds(commands: Commands, key: SigningKey) -> tuple[HostCommand, ...]:
    """Each of them, for the process that signs."""
    return Quarantine(commands, key), SuspendProcess(commands, key), KillProcess(commands, key)
