"""What is sealed with HPKE (RFC 9180) beside a clear header that it is bound to: the frame that all such things share.

    offset  bytes  meaning
    0       3      magic: two letters and the format's version
    3       2      length N of the header, unsigned, big-endian, at most 4096
    5       N      header: MessagePack array in its one canonical form (shortest encodings)
    5+N     rest   HPKE single-shot message in base mode: encapsulated key (1120 bytes) and ciphertext

The suite is MLKEM768-X25519, HKDF-SHA256, AES-256-GCM; `info` is the kind's own words, NUL, and the header. So the header
is readable without a key, but no bit of it can be changed without making the whole unopenable.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, Generic, TypeVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from vedette.core import InvalidInput
from vedette.seal.keyring import IngestPublicKey, OpeningKey

__all__ = ["MAX_HEADER_BYTES", "Framed", "from_millis", "to_millis"]

MAX_HEADER_BYTES: Final = 4096
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_EPOCH_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_ENCODER: Final = msgspec.msgpack.Encoder()
W = TypeVar("W", bound=msgspec.Struct)


class Framed(Generic[W]):
    """One kind of sealed thing: its magic, the words of its `info`, the header as it stands on the wire, and its names.

    `wrong` makes the error for what is not of this form.
    """

    def __init__(
        self,
        magic: bytes,
        info: bytes,
        wire: type[W],
        *,
        a_thing: str,
        thing: str,
        wrong: Callable[[str], InvalidInput],
    ) -> None:
        self._magic = magic
        self._prefix = len(magic) + 2
        self._info = info + b"\0"
        self._decoder = msgspec.msgpack.Decoder(wire)
        self._a_thing = a_thing
        self._thing = thing
        self._wrong = wrong

    def seal(self, header: W, content: bytes, key: IngestPublicKey) -> bytes:
        """Seals the content, bound to the header. Raises InvalidInput for a header that could not be read back."""
        clear = self.encode(header)
        self._decode(clear)
        return self.around(clear, content, key)

    def encode(self, header: W) -> bytes:
        """The header as it stands in the clear."""
        return _ENCODER.encode(header)

    def around(self, clear: bytes, content: bytes, key: IngestPublicKey) -> bytes:
        """Seals the content, bound to an encoded header, whatever that says."""
        sealed = _SUITE.encrypt(content, key.hpke, info=self._info + clear)
        return b"".join((self._magic, len(clear).to_bytes(2), clear, sealed))

    def header(self, blob: bytes) -> W:
        """The clear header; needs no key, and looks at no more than the first 4 KiB or so. Not yet authenticated.

        Raises:
            InvalidInput: not of this form, or a header that is not in its one canonical form.
        """
        return self._decode(self._split(blob)[0])

    def open(self, blob: bytes, key: OpeningKey) -> bytes:
        """The content.

        Raises:
            InvalidInput: unopenable: it was changed, cut short, or sealed to another key.
        """
        clear, sealed = self._split(blob)
        try:
            return _SUITE.decrypt(sealed, key.hpke, info=self._info + clear)
        except (InvalidTag, ValueError) as error:
            raise InvalidInput(
                f"the {self._thing} does not open: it was changed, cut short or sealed to another key",
                kind="unopenable",
            ) from error

    def _split(self, blob: bytes) -> tuple[bytes, bytes]:
        if blob[: len(self._magic)] != self._magic or len(blob) < self._prefix:
            raise self._wrong(f"not a version 1 {self._thing}")
        length = int.from_bytes(blob[len(self._magic) : self._prefix])
        if length > MAX_HEADER_BYTES:
            raise self._wrong(
                f"{self._a_thing}'s header may have {MAX_HEADER_BYTES} bytes, not {length}"
            )
        clear = blob[self._prefix : self._prefix + length]
        if len(clear) < length:
            raise self._wrong(f"the {self._thing} ends inside its header")
        return clear, blob[self._prefix + length :]

    def _decode(self, clear: bytes) -> W:
        try:
            wire = self._decoder.decode(clear)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise self._wrong(f"the {self._thing}'s header is damaged: {error}") from error
        if (version := getattr(wire, "v", None)) != 1:
            raise self._wrong(f"header version {version} is not known")
        if _ENCODER.encode(wire) != clear:
            raise self._wrong(f"the {self._thing}'s header is not in canonical form")
        return wire


def to_millis(moment: datetime) -> int:
    """Unix milliseconds. Raises TypeError for one without a time zone."""
    return (moment - _EPOCH_START) // _MILLISECOND


def from_millis(millis: int) -> datetime:
    """The moment, in UTC."""
    return _EPOCH_START + timedelta(milliseconds=millis)
