"""The sealed envelope that carries one snapshot.

The frame is that of `framed`, with the magic "VE", version 1, and `info` = "vedette/1 snapshot" NUL header. The header is the
array [v, tenant, host, epoch, seq, taken_at, kid, content_type]; taken_at is Unix milliseconds. The plaintext is one
zstd frame (RFC 8878) that declares its content size; the content is the body in the header's content type.
"""

from datetime import datetime
from typing import Annotated, Final

import msgspec
import zstandard

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
from vedette.seal.framed import MAX_HEADER_BYTES, Framed, from_millis, to_millis
from vedette.seal.keyring import IngestPublicKey, KeyRing

__all__ = ["MAX_HEADER_BYTES", "Header", "open_envelope", "read_header", "seal_envelope"]

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
            and to_millis(snapshot.taken_at) == to_millis(self.taken_at)
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


def _wrong(words: str) -> InvalidInput:
    return InvalidInput(words, kind="bad-envelope")


_ENVELOPE: Final = Framed(
    b"VE\x01",
    b"vedette/1 snapshot",
    _Wire,
    a_thing="an envelope",
    thing="envelope",
    wrong=_wrong,
)


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
    wire = _to_wire(header)
    compressed = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True).compress(body)
    return _ENVELOPE.seal(wire, compressed, key)


def read_header(envelope: bytes) -> Header:
    """The clear header; needs no key, and looks at no more than the first 4 KiB or so. Not yet authenticated.

    Raises:
        InvalidInput: (bad-envelope) not an envelope, or a header that is not in its one canonical form.
    """
    return _from_wire(_ENVELOPE.header(envelope))


def open_envelope(
    envelope: bytes, ring: KeyRing, *, max_bytes: int = MAX_SNAPSHOT_BYTES
) -> tuple[Header, bytes]:
    """The header, now known to be the sealer's, and the body.

    Raises:
        InvalidInput: bad-envelope; unknown-key (not in the ring); unopenable (changed, or sealed to another key).
        TooLarge: the body is, or claims to be, over `max_bytes`; nothing beyond that was put in memory.
    """
    header = read_header(envelope)
    compressed = _ENVELOPE.open(envelope, ring.get(header.kid))
    return header, _decompress(compressed, max_bytes)


def _to_wire(header: Header) -> _Wire:
    try:
        taken_at = to_millis(header.taken_at)
    except TypeError as error:
        raise _wrong("taken_at must bear a time zone") from error
    return _Wire(
        header.v,
        header.tenant,
        header.host,
        header.epoch,
        header.seq,
        taken_at,
        header.kid,
        header.content_type,
    )


def _from_wire(wire: _Wire) -> Header:
    return Header(
        v=wire.v,
        tenant=TenantId(wire.tenant),
        host=HostId(wire.host),
        epoch=Epoch(wire.epoch),
        seq=wire.seq,
        taken_at=from_millis(wire.taken_at),
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
