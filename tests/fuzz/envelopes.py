"""Targets: the envelope's clear header, and opening an envelope."""

from datetime import UTC, datetime

import msgspec
import zstandard
from tests.fixtures.sealed import clear_of, sealed_frame
from tests.fuzz.target import Target, refusing

from vedette.core import Epoch, HostId, TenantId
from vedette.seal import Header, KeyRing, open_envelope, read_header, seal_envelope

__all__ = ["ENVELOPES"]

_MAX_BODY = 1024 * 1024
_RING = KeyRing.generate()
_PUBLIC = _RING.current.public
_BODY = b'{"schema":"vedette.snapshot/1"}' * 20
_HEADER = Header(
    tenant=TenantId("default"),
    host=HostId("01890a5d-ac96-774b-bcce-b302099a8057"),
    epoch=Epoch("ab" * 16),
    seq=17,
    taken_at=datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC),
    kid=_RING.current.kid,
    content_type="application/json",
)
_CLEAR = clear_of(_HEADER)
_ENVELOPE = seal_envelope(_HEADER, _BODY, _RING.current.public)
_FRAME = zstandard.ZstdCompressor(level=3, write_content_size=True).compress(_BODY)
_UNSIZED = zstandard.ZstdCompressor(level=3, write_content_size=False).compress(_BODY)
_BOMB = zstandard.ZstdCompressor(level=3).compress(bytes(64 * 1024 * 1024))
_WIDE = zstandard.ZstdCompressor(
    compression_params=zstandard.ZstdCompressionParameters(window_log=27)
).compress(bytes(2000))
_RAW, _FRAMED, _HEADED, _PATCHED = range(4)


def _check_header(data: bytes) -> None:
    framed = b"VE\x01" + min(len(data), 0xFFFF).to_bytes(2) + data
    for envelope in (data, framed):
        with refusing({"bad-envelope"}):
            header = read_header(envelope)
            length = int.from_bytes(envelope[3:5])
            # One header has one form, so what is signed and sealed is what is read.
            assert clear_of(header) == envelope[5 : 5 + length]


def _check_envelope(data: bytes) -> None:
    kind, rest = data[0] % 4 if data else _RAW, data[1:]
    envelope = {
        _RAW: lambda: rest,
        _FRAMED: lambda: sealed_frame(_CLEAR, rest, _PUBLIC),
        _HEADED: lambda: sealed_frame(rest[:0xFFFF], _FRAME, _PUBLIC),
        _PATCHED: lambda: _patched(rest),
    }[kind]()
    with refusing({"bad-envelope", "unknown-key", "unopenable", "too-large"}):
        header, body = open_envelope(envelope, _RING, max_bytes=_MAX_BODY)
        assert header == read_header(envelope)
        assert len(body) <= _MAX_BODY
        if kind == _PATCHED:
            assert envelope == _ENVELOPE, "a changed envelope opened"


def _patched(rest: bytes) -> bytes:
    """The good envelope with bytes changed: two of position and one that is laid over it, for each."""
    changed = bytearray(_ENVELOPE)
    for at in range(0, len(rest) - 2, 3):
        changed[int.from_bytes(rest[at : at + 2]) % len(changed)] ^= rest[at + 2]
    return bytes(changed)


_WORDS = (
    b"VE\x01",
    b"\x98",
    b"\xcf",
    b"\xd9\x20",
    b"\x28\xb5\x2f\xfd",
    b"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff",
    _RING.current.kid.encode(),
)
_FIELDS = [1, "default", "h", "e", 1, 1, "k", "application/json"]
ENVELOPES = (
    Target(
        "header",
        _check_header,
        (_ENVELOPE[: 5 + len(_CLEAR)], _CLEAR, msgspec.msgpack.encode(_FIELDS)),
        _WORDS,
    ),
    Target(
        "envelope",
        _check_envelope,
        (
            bytes([_RAW]) + _ENVELOPE,
            *(bytes([_FRAMED]) + frame for frame in (_FRAME, _FRAME * 2, _UNSIZED, _BOMB, _WIDE)),
            bytes([_HEADED]) + _CLEAR,
            bytes([_PATCHED]) + b"\x00\x00\x00",
        ),
        _WORDS,
        max_len=8192,
    ),
)
