"""The sealed envelope that carries one snapshot.

Wire format, version 1:

    offset  bytes  meaning
    0       2      magic, ASCII "VE"
    2       1      format version, 1
    3       2      length N of the header, unsigned, big-endian, at most 4096
    5       N      header: MessagePack array [v, tenant, host, epoch, seq, taken_at, kid, content_type] in its one
                   canonical form (shortest encodings); taken_at is Unix milliseconds
    5+N     rest   HPKE (RFC 9180) single-shot message in base mode: encapsulated key (1120 bytes) and ciphertext

The suite is MLKEM768-X25519, HKDF-SHA256, AES-256-GCM, with `info` = "vedette/1 snapshot" NUL header. So the header is
readable without a key, but no bit of it can be changed without making the envelope unopenable. The plaintext is one
zstd frame (RFC 8878) that declares its content size; the content is the body in the header's content type.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from vedette.core import (
    MAX_SNAPSHOT_BYTES,
    Epoch,
    HostId,
    Identity,
    InvalidInput,
    Record,
    Snapshot,
    TenantId,
    TooLarge,
)
from vedette.seal.keyring import IngestPublicKey, KeyRing

__all__ = ["MAX_HEADER_BYTES", "Header", "open_envelope", "read_header", "seal_envelope"]

MAX_HEADER_BYTES: Final = 4096
_MAGIC: Final = b"VE\x01"
_PREFIX: Final = len(_MAGIC) + 2
_INFO: Final = b"vedette/1 snapshot\0"
_SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_EPOCH_START: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
# Level 3 is where snapshots of text rows stop shrinking much for the CPU they cost the watched host.
_LEVEL: Final = 3
_LEAST_WINDOW: Final = 1024

# No slash: tenant and host are joined by one into the queue's lane.
_Name = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._-]{1,64}\Z")]
_MediaType = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9.+-]{1,32}/[a-z0-9.+-]{1,64}\Z")]
_Seq = Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]
_Millis = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]


class Header(Record, frozen=True, kw_only=True):
    """What can be read without a key. `taken_at` is kept to the millisecond; `kid` names the ingest key."""

    v: int = 1
    tenant: TenantId
    host: HostId
    epoch: Epoch
    seq: int
    taken_at: datetime
    kid: str
    content_type: str

    @property
    def identity(self) -> Identity:
        """Of the snapshot inside."""
        return Identity(tenant=self.tenant, host=self.host, epoch=self.epoch, seq=self.seq)

    def matches(self, snapshot: Snapshot) -> bool:
        """Whether the snapshot inside says the same host, seq and (to the millisecond) time."""
        return (
            snapshot.host.id == self.host
            and snapshot.seq == self.seq
            and _millis(snapshot.taken_at) == _millis(self.taken_at)
        )


class _Wire(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    v: int
    tenant: _Name
    host: _Name
    epoch: _Name
    seq: _Seq
    taken_at: _Millis
    kid: _Name
    content_type: _MediaType


_DECODER: Final = msgspec.msgpack.Decoder(_Wire)
_ENCODER: Final = msgspec.msgpack.Encoder()


def seal_envelope(header: Header, body: bytes, key: IngestPublicKey) -> bytes:
    """Compresses the body and seals it to the key, bound to the header. Two calls never give the same bytes.

    Raises:
        InvalidInput: (bad-envelope) the header has a field that can't be, or names another key.
        TooLarge: the body is over MAX_SNAPSHOT_BYTES.
    """
    if header.kid != key.kid:
        raise InvalidInput(
            f"the header names key {header.kid}, the key given is {key.kid}", kind="bad-envelope"
        )
    if len(body) > MAX_SNAPSHOT_BYTES:
        raise TooLarge(f"a snapshot may have {MAX_SNAPSHOT_BYTES} bytes; this one has {len(body)}")
    clear = _encode_header(header)
    _decode_header(clear)
    compressed = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True).compress(body)
    sealed = _SUITE.encrypt(compressed, key.hpke, info=_INFO + clear)
    return b"".join((_MAGIC, len(clear).to_bytes(2), clear, sealed))


def read_header(envelope: bytes) -> Header:
    """The clear header; needs no key, and looks at no more than the first 4 KiB or so. Not yet authenticated.

    Raises:
        InvalidInput: (bad-envelope) not an envelope, or a header that is not in its one canonical form.
    """
    return _decode_header(_split(envelope)[0])


def open_envelope(
    envelope: bytes, ring: KeyRing, *, max_bytes: int = MAX_SNAPSHOT_BYTES
) -> tuple[Header, bytes]:
    """The header, now known to be the sealer's, and the body.

    Raises:
        InvalidInput: bad-envelope; unknown-key (not in the ring); unopenable (changed, or sealed to another key).
        TooLarge: the body is, or claims to be, over `max_bytes`; nothing beyond that was put in memory.
    """
    clear, sealed = _split(envelope)
    header = _decode_header(clear)
    key = ring.get(header.kid)
    try:
        compressed = _SUITE.decrypt(sealed, key.hpke, info=_INFO + clear)
    except (InvalidTag, ValueError) as error:
        raise InvalidInput(
            "the envelope does not open: it was changed, cut short or sealed to another key",
            kind="unopenable",
        ) from error
    return header, _decompress(compressed, max_bytes)


def _split(envelope: bytes) -> tuple[bytes, bytes]:
    if envelope[: len(_MAGIC)] != _MAGIC or len(envelope) < _PREFIX:
        raise InvalidInput("not a version 1 envelope", kind="bad-envelope")
    length = int.from_bytes(envelope[len(_MAGIC) : _PREFIX])
    if length > MAX_HEADER_BYTES:
        raise InvalidInput(
            f"an envelope's header may have {MAX_HEADER_BYTES} bytes, not {length}",
            kind="bad-envelope",
        )
    clear = envelope[_PREFIX : _PREFIX + length]
    if len(clear) < length:
        raise InvalidInput("the envelope ends inside its header", kind="bad-envelope")
    return clear, envelope[_PREFIX + length :]


def _encode_header(header: Header) -> bytes:
    try:
        taken_at = _millis(header.taken_at)
    except TypeError as error:
        raise InvalidInput("taken_at must bear a time zone", kind="bad-envelope") from error
    return _ENCODER.encode(
        _Wire(
            header.v,
            header.tenant,
            header.host,
            header.epoch,
            header.seq,
            taken_at,
            header.kid,
            header.content_type,
        )
    )


def _decode_header(clear: bytes) -> Header:
    try:
        wire = _DECODER.decode(clear)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(
            f"the envelope's header is damaged: {error}", kind="bad-envelope"
        ) from error
    if wire.v != 1:
        raise InvalidInput(f"header version {wire.v} is not known", kind="bad-envelope")
    if _ENCODER.encode(wire) != clear:
        raise InvalidInput("the envelope's header is not in canonical form", kind="bad-envelope")
    return Header(
        v=wire.v,
        tenant=TenantId(wire.tenant),
        host=HostId(wire.host),
        epoch=Epoch(wire.epoch),
        seq=wire.seq,
        taken_at=_EPOCH_START + timedelta(milliseconds=wire.taken_at),
        kid=wire.kid,
        content_type=wire.content_type,
    )


def _decompress(compressed: bytes, max_bytes: int) -> bytes:
    try:
        size = zstandard.get_frame_parameters(compressed).content_size
        if size == zstandard.CONTENTSIZE_UNKNOWN:
            raise InvalidInput("the body does not declare its size", kind="unopenable")
        if size > max_bytes:
            raise TooLarge(f"a snapshot may have {max_bytes} bytes; this one declares {size}")
        # The output buffer has exactly the declared size: a frame that lies about it fails instead of growing. No
        # honest frame needs a window larger than what it holds.
        opener = zstandard.ZstdDecompressor(max_window_size=max(max_bytes, _LEAST_WINDOW))
        return opener.decompress(compressed, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise InvalidInput(f"the body is not one zstd frame: {error}", kind="unopenable") from error


def _millis(moment: datetime) -> int:
    return (moment - _EPOCH_START) // _MILLISECOND
