"""Verdicts for hosts that wait for them, signed by the key that signs commands: the door only hands them on."""

from typing import Final

import msgspec

from vedette.core import InvalidInput, Ruling
from vedette.seal.signed import Signed
from vedette.seal.signing import SigningKey, VerifyKey

__all__ = ["SIGNED", "sign_ruling", "verify_ruling"]

SIGNED: Final = Signed("ruling")
_RULING: Final = msgspec.json.Decoder(Ruling, strict=True)


def sign_ruling(ruling: Ruling, key: SigningKey) -> bytes:
    """The verdict as it travels to its host."""
    return SIGNED.sign(ruling, key)


def verify_ruling(blob: bytes, key: VerifyKey) -> Ruling:
    """The verdict, if this key signed it. Whose it is, of which snapshot and how old is the caller's to check.

    Raises:
        InvalidInput: (bad-ruling) not a signed verdict.
        Unauthenticated: (bad-signature) another key signed it, or it was changed.
    """
    try:
        return SIGNED.verify(blob, key, _RULING)
    except ValueError as error:
        raise InvalidInput(str(error), kind="bad-ruling") from error
