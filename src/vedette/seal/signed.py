"""What the response key signs for hosts: a record in canonical JSON, under a context of its own so that none passes for another.

Wire format: MessagePack array [1, kid, payload, signature]. The Ed25519 signature is over context NUL payload.
"""

from typing import Final, TypeVar

import msgspec

from vedette.core import Record, Unauthenticated, canonical_json
from vedette.seal.signing import SigningKey, VerifyKey

__all__ = ["MAX_SIGNED_BYTES", "Signed"]

MAX_SIGNED_BYTES: Final = 256 * 1024
R = TypeVar("R", bound=Record)


class _Wire(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    v: int
    kid: str
    payload: bytes
    signature: bytes


_WIRE: Final = msgspec.msgpack.Decoder(_Wire)


class Signed:
    """One sort of signed record.

    `name` stands in its errors. The signature is over `context` and the payload.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.context = f"vedette/1 {name}\0".encode()

    def sign(self, record: Record, key: SigningKey) -> bytes:
        """The record as it travels."""
        payload = canonical_json(record)
        return msgspec.msgpack.encode(_Wire(1, key.kid, payload, key.sign(self.context + payload)))

    def verify(self, blob: bytes, key: VerifyKey, decoder: msgspec.json.Decoder[R]) -> R:
        """The record, if this key signed it.

        Raises:
            ValueError: it is not one; in words for people.
            Unauthenticated: (bad-signature) another key signed it, or it was changed.
        """
        name = self._name
        if len(blob) > MAX_SIGNED_BYTES:
            raise ValueError(f"a {name} may have {MAX_SIGNED_BYTES} bytes")
        try:
            wire = _WIRE.decode(blob)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"not a signed {name}: {error}") from error
        if wire.v != 1:
            raise ValueError(f"{name} version {wire.v} is not known")
        if wire.kid != key.kid:
            raise Unauthenticated(
                f"the {name} was signed by key {wire.kid[:64]!r}, not by {key.kid!r}",
                kind="bad-signature",
            )
        if not key.verify(wire.signature, self.context + wire.payload):
            raise Unauthenticated(f"the {name}'s signature does not hold", kind="bad-signature")
        try:
            return decoder.decode(wire.payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"the {name} can't be read: {error}") from error
