"""Commands to a host, signed as a whole: whoever only holds the door or the database cannot make one."""

from typing import Final

import msgspec

from vedette.core import Command, InvalidInput
from vedette.seal.signed import MAX_SIGNED_BYTES, Signed
from vedette.seal.signing import SigningKey, VerifyKey

__all__ = ["MAX_COMMAND_BYTES", "SIGNED", "sign_command", "verify_command"]

MAX_COMMAND_BYTES: Final = MAX_SIGNED_BYTES
SIGNED: Final = Signed("command")
_COMMAND: Final = msgspec.json.Decoder(Command, strict=True)


def sign_command(command: Command, key: SigningKey) -> bytes:
    """The command as it travels to its host."""
    return SIGNED.sign(command, key)


def verify_command(blob: bytes, key: VerifyKey) -> Command:
    """The command, if this key signed it. Expiry, host and single use are the caller's to check.

    Raises:
        InvalidInput: (bad-command) not a signed command.
        Unauthenticated: (bad-signature) another key signed it, or it was changed.
    """
    try:
        return SIGNED.verify(blob, key, _COMMAND)
    except ValueError as error:
        raise InvalidInput(str(error), kind="bad-command") from error
