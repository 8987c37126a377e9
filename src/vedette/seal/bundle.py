"""The sealed bundle that carries what a host collected as evidence.

The frame is that of `framed`, with the magic "VB", version 1, and `info` = "vedette/1 evidence" NUL header. The header is the
array [v, tenant, host, action, command, kid, sealed_at]; sealed_at is Unix milliseconds. The plaintext is a tar archive
in one zstd frame (RFC 8878), as the agent made it.
"""

from datetime import datetime
from typing import Annotated, Final

import msgspec

from vedette.core import ActionId, CommandId, HostId, InvalidInput, Record, TenantId
from vedette.seal.framed import Framed, from_millis, to_millis
from vedette.seal.keyring import IngestPublicKey, KeyRing

__all__ = ["BundleHeader", "open_bundle", "read_bundle_header", "seal_bundle"]

_Name = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9._-]{1,64}\Z")]
_Millis = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]


class BundleHeader(Record, frozen=True, kw_only=True):
    """What can be read without a key: whose it is, and what asked for it. `kid` names the ingest key."""

    v: int = 1
    tenant: TenantId
    host: HostId
    action: ActionId
    command: CommandId
    kid: str
    sealed_at: datetime


class _Wire(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    v: int
    tenant: _Name
    host: _Name
    action: _Name
    command: _Name
    kid: _Name
    sealed_at: _Millis


def _wrong(words: str) -> InvalidInput:
    return InvalidInput(words, kind="bad-bundle")


_BUNDLE: Final = Framed(
    b"VB\x01",
    b"vedette/1 evidence",
    _Wire,
    a_thing="a bundle",
    thing="bundle",
    wrong=_wrong,
)


def seal_bundle(header: BundleHeader, content: bytes, key: IngestPublicKey) -> bytes:
    """Seals the archive to the key, bound to the header. Two calls never give the same bytes.

    Raises:
        InvalidInput: (bad-bundle) the header has a field that can't be, or names another key.
    """
    if header.kid != key.kid:
        raise InvalidInput(
            f"the header names key {header.kid}, the key given is {key.kid}", kind="bad-bundle"
        )
    wire = _Wire(
        header.v,
        header.tenant,
        header.host,
        header.action,
        header.command,
        header.kid,
        to_millis(header.sealed_at),
    )
    return _BUNDLE.seal(wire, content, key)


def read_bundle_header(bundle: bytes) -> BundleHeader:
    """The clear header; needs no key. Not yet authenticated.

    Raises:
        InvalidInput: (bad-bundle) not a bundle, or a header that is not in its one canonical form.
    """
    wire = _BUNDLE.header(bundle)
    return BundleHeader(
        v=wire.v,
        tenant=TenantId(wire.tenant),
        host=HostId(wire.host),
        action=ActionId(wire.action),
        command=CommandId(wire.command),
        kid=wire.kid,
        sealed_at=from_millis(wire.sealed_at),
    )


def open_bundle(bundle: bytes, ring: KeyRing) -> tuple[BundleHeader, bytes]:
    """The header, now known to be the sealer's, and the archive, which its host may have made to harm who unpacks it.

    Raises:
        InvalidInput: bad-bundle; unknown-key (not in the ring); unopenable (changed, or sealed to another key).
    """
    header = read_bundle_header(bundle)
    return header, _BUNDLE.open(bundle, ring.get(header.kid))
