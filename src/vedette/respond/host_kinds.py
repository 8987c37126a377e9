"""Which actions hosts carry out by themselves: their schemas, and what tells hosts of them."""

from vedette.respond.actions.collect import Collect, CollectSchema
from vedette.respond.actions.disable_account import DisableAccount, DisableAccountSchema
from vedette.respond.actions.kill_process import KillProcess, KillProcessSchema
from vedette.respond.actions.quarantine import Quarantine, QuarantineSchema
from vedette.respond.actions.reboot import Reboot, RebootSchema
from vedette.respond.actions.shutdown import Shutdown, ShutdownSchema
from vedette.respond.actions.suspend_process import SuspendProcess, SuspendProcessSchema
from vedette.respond.host_command import HostCommand
from vedette.respond.kind import Schema
from vedette.respond.ports import Commands, Evidences, Hosts
from vedette.seal import SigningKey

__all__ = ["host_kinds", "host_schemas"]


def host_schemas() -> tuple[Schema, ...]:
    """Of each."""
    return (
        QuarantineSchema(),
        SuspendProcessSchema(),
        DisableAccountSchema(),
        KillProcessSchema(),
        ShutdownSchema(),
        RebootSchema(),
        CollectSchema(),
    )


def host_kinds(
    commands: Commands, key: SigningKey, hosts: Hosts, evidence: Evidences
) -> tuple[HostCommand, ...]:
    """Each of them, for the process that signs."""
    return (
        Quarantine(commands, key),
        SuspendProcess(commands, key),
        DisableAccount(commands, key),
        KillProcess(commands, key),
        Shutdown(commands, key, hosts),
        Reboot(commands, key),
        Collect(commands, key, evidence),
    )
