"""What a host is told for `disable_account`."""

from typing import Any

from vedette.core import Action
from vedette.respond.actions.disable_account.schema import DisableAccountSchema
from vedette.respond.host_command import HostCommand
from vedette.respond.named import accounts
from vedette.respond.ports import Commands
from vedette.seal import SigningKey

__all__ = ["DisableAccount"]


class DisableAccount(HostCommand):
    """Carried out by the host itself, which opens the accounts again when the lease ends."""

    def __init__(self, commands: Commands, key: SigningKey) -> None:
        super().__init__(DisableAccountSchema(), commands, key, _told)


def _told(action: Action) -> dict[str, Any]:
    return {
        "accounts": accounts(action),
        "end_sessions": action.parameters["end_sessions"],
        "lease_seconds": action.parameters["lease"],
    }
