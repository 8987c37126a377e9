"""Commands to a host, signed as a whole: whoever only holds the door or the database cannot make one.

Wire format: MessagePack array [1, kid, payload, signature]. The payload is the Command in canonical JSON; the Ed25519
signature is over "vedette/1 command" NUL payload.
"""

from typing import Final

import msgspec

from vedette.core import Command, InvalidInput, Unauthenticated, canonical_json
from vedette.seal.signing import SigningKey, VerifyKey

__all__ = ["MAX_COMMAND_BYTES", "sign_command", "verify_command"]

MAX_COMMAND_BYTES: Final = 256 * 1024
_CONTEXT: Final = b"vedette/1 command\0"


class _Wire(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    v: int
    kid: str
    payload: bytes
    signature: bytes


_WIRE: Final = msgspec.msgpack.Decoder(_Wire)
_COMMAND: Final = msgspec.json.Decoder(Command, strict=True)


def sign_command(command: Command, key: SigningKey) -> bytes:
    """The command as it travels to its host."""
    payload = canonical_json(command)
    return msgspec.msgpack.encode(_Wire(1, key.kid, payload, key.sign(_CONTEXT + payload)))


def verify_command(blob: bytes, key: VerifyKey) -> Command:
    """The command, if this key signed it. Expiry, host and single use are the caller's to check.

    Raises:
        InvalidInput: (bad-command) not a signed command.
        Unauthenticated: (bad-signature) another key signed it, or it was changed.
    """
    if len(blob) > MAX_COMMAND_BYTES:
        raise InvalidInput(f"a command may have {MAX_COMMAND_BYTES} bytes", kind="bad-command")
    try:
        wire = _WIRE.decode(blob)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"not a signed command: {error}", kind="bad-command") from error
    if wire.v != 1:
        raise InvalidInput(f"command version {wire.v} is not known", kind="bad-command")
    if wire.kid != key.kid:
        raise Unauthenticated(
            f"the command was signed by key {wire.kid[:64]!r}, not by {key.kid!r}",
            kind="bad-signature",
        )
    if not key.verify(wire.signature, _CONTEXT + wire.payload):
        raise Unauthenticated("the command's signature does not hold", kind="bad-signature")
    try:
        return _COMMAND.decode(wire.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"the command can't be read: {error}", kind="bad-command") from error
