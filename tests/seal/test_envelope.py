"""The sealed envelope: what it keeps, what it refuses, and how little it costs to refuse."""

import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import zstandard
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.core import (
    MAX_SNAPSHOT_BYTES,
    Epoch,
    HostDescription,
    HostId,
    InvalidInput,
    Snapshot,
    TenantId,
    TooLarge,
)
from vedette.seal import (
    MAX_HEADER_BYTES,
    Header,
    KeyRing,
    open_envelope,
    read_header,
    seal_envelope,
)

RING = KeyRing.generate()
TAKEN_AT = datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC)
HEADER = Header(
    tenant=TenantId("default"),
    host=HostId("01890a5d-ac96-774b-bcce-b302099a8057"),
    epoch=Epoch("ab" * 16),
    seq=17,
    taken_at=TAKEN_AT,
    kid=RING.current.kid,
    content_type="application/json",
)
BODY = b'{"schema":"vedette.snapshot/1"}' * 20
ENVELOPE = seal_envelope(HEADER, BODY, RING.current.public)
INFO = b"vedette/1 snapshot\0"

names = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
headers = st.builds(
    Header,
    tenant=names,
    host=names,
    epoch=names,
    seq=st.integers(1, 2**63 - 1),
    taken_at=st.integers(0, 253_402_300_799_999).map(
        lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
    ),
    kid=st.just(RING.current.kid),
    content_type=st.sampled_from(["application/json", "application/msgpack"]),
)


def with_header(raw: bytes, *, length: int | None = None) -> bytes:
    return b"VE\x01" + (len(raw) if length is None else length).to_bytes(2) + raw + b"sealed"


def with_plaintext(compressed: bytes) -> bytes:
    """An envelope whose seal is right and whose compressed content is the given one."""
    clear = ENVELOPE[5 : 5 + int.from_bytes(ENVELOPE[3:5])]
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    sealed = suite.encrypt(compressed, RING.current.public.hpke, info=INFO + clear)
    return b"VE\x01" + len(clear).to_bytes(2) + clear + sealed


def fields(**changes: Any) -> list[Any]:
    values: dict[str, Any] = {
        "v": 1,
        "tenant": "default",
        "host": "h",
        "epoch": "e",
        "seq": 1,
        "taken_at": 1,
        "kid": "k",
        "content_type": "application/json",
    }
    return list((values | changes).values())


@settings(deadline=None)
@given(headers, st.binary(max_size=2000))
def test_what_is_sealed_opens_to_the_same_header_and_body(header: Header, body: bytes) -> None:
    envelope = seal_envelope(header, body, RING.current.public)
    assert read_header(envelope) == header
    assert open_envelope(envelope, RING) == (header, body)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(ENVELOPE) - 1), st.integers(1, 255))
def test_any_changed_byte_makes_the_envelope_unusable(position: int, mask: int) -> None:
    changed = bytearray(ENVELOPE)
    changed[position] ^= mask
    with pytest.raises(InvalidInput) as refusal:
        open_envelope(bytes(changed), RING)
    assert refusal.value.kind in {"bad-envelope", "unknown-key", "unopenable"}


@settings(deadline=None)
@given(st.integers(0, len(ENVELOPE) - 1))
def test_an_envelope_cut_short_anywhere_is_refused(length: int) -> None:
    with pytest.raises(InvalidInput) as refusal:
        open_envelope(ENVELOPE[:length], RING)
    assert refusal.value.kind in {"bad-envelope", "unopenable"}


@settings(deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_random_bytes_are_refused_as_a_bad_envelope(junk: bytes, framed: bool) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_header(with_header(junk) if framed else junk)
    assert refusal.value.kind == "bad-envelope"


def test_a_header_moved_onto_another_seal_does_not_open() -> None:
    other = seal_envelope(msgspec.structs.replace(HEADER, seq=18), BODY, RING.current.public)
    cut = 5 + int.from_bytes(ENVELOPE[3:5])
    assert cut == 5 + int.from_bytes(other[3:5])
    with pytest.raises(InvalidInput) as refusal:
        open_envelope(other[:cut] + ENVELOPE[cut:], RING)
    assert refusal.value.kind == "unopenable"


def test_another_rings_envelope_names_an_unknown_key() -> None:
    with pytest.raises(InvalidInput) as refusal:
        open_envelope(ENVELOPE, KeyRing.generate())
    assert refusal.value.kind == "unknown-key"


def test_a_rotated_ring_still_opens_what_was_sealed_before() -> None:
    rotated = RING.rotated()
    assert rotated.current.kid != RING.current.kid
    assert open_envelope(ENVELOPE, rotated) == (HEADER, BODY)


def test_two_seals_of_the_same_snapshot_differ() -> None:
    assert seal_envelope(HEADER, BODY, RING.current.public) != ENVELOPE


def test_the_wire_form_is_the_documented_one() -> None:
    length = int.from_bytes(ENVELOPE[3:5])
    assert ENVELOPE[:3] == b"VE\x01"
    assert msgspec.msgpack.decode(ENVELOPE[5 : 5 + length]) == [
        1,
        "default",
        HEADER.host,
        HEADER.epoch,
        17,
        int(TAKEN_AT.timestamp() * 1000),
        RING.current.kid,
        "application/json",
    ]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(msgspec.msgpack.encode(fields(v=2)), id="version"),
        pytest.param(msgspec.msgpack.encode(fields(tenant="")), id="empty tenant"),
        pytest.param(msgspec.msgpack.encode(fields(tenant="a/b")), id="slash in tenant"),
        pytest.param(msgspec.msgpack.encode(fields(host="h\n")), id="line break in host"),
        pytest.param(msgspec.msgpack.encode(fields(host="é")), id="non-ASCII host"),
        pytest.param(msgspec.msgpack.encode(fields(host="h" * 65)), id="long host"),
        pytest.param(msgspec.msgpack.encode(fields(seq=0)), id="seq 0"),
        pytest.param(msgspec.msgpack.encode(fields(seq=2**63)), id="seq over 63 bits"),
        pytest.param(msgspec.msgpack.encode(fields(seq=1.0)), id="seq a float"),
        pytest.param(msgspec.msgpack.encode(fields(taken_at=-1)), id="before 1970"),
        pytest.param(msgspec.msgpack.encode(fields(taken_at=2**60)), id="after 9999"),
        pytest.param(msgspec.msgpack.encode(fields(content_type="x")), id="content type"),
        pytest.param(msgspec.msgpack.encode([*fields(), 1]), id="one field more"),
        pytest.param(msgspec.msgpack.encode(fields()[:-1]), id="one field less"),
        pytest.param(msgspec.msgpack.encode(fields()) + b"\x00", id="trailing byte"),
        pytest.param(
            msgspec.msgpack.encode(fields()).replace(b"\xa1h", b"\xd9\x01h"), id="longer encoding"
        ),
        pytest.param(b"\x91" * 4000, id="deep nesting"),
        pytest.param(b"\xdd\xff\xff\xff\xff", id="huge array claimed"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_header_not_in_its_one_form_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidInput) as refusal:
        read_header(with_header(raw))
    assert refusal.value.kind == "bad-envelope"


def test_the_plain_header_of_the_refusals_is_itself_accepted() -> None:
    assert read_header(with_header(msgspec.msgpack.encode(fields()))).seq == 1


def test_an_oversized_header_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidInput, match=str(MAX_HEADER_BYTES)):
        read_header(with_header(b"\x00" * 5000, length=5000))


@pytest.mark.parametrize(
    "change",
    [{"taken_at": TAKEN_AT.replace(tzinfo=None)}, {"seq": 0}, {"kid": "other"}, {"tenant": "a b"}],
)
def test_a_header_that_could_not_be_read_is_not_sealed(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        seal_envelope(msgspec.structs.replace(HEADER, **change), BODY, RING.current.public)
    assert refusal.value.kind == "bad-envelope"


def _declares_ten_gigabytes() -> bytes:
    frame = bytearray(zstandard.compress(bytes(10 << 20)))
    return bytes(frame[:4] + b"\xe0" + (10 << 30).to_bytes(8, "little") + frame[9:])


def _declares_too_little() -> bytes:
    frame = bytearray(zstandard.compress(bytes(100 << 20)))
    assert frame[4] & 0xC0 == 0x80, "four bytes of declared size"
    position = 5 if frame[4] & 0x20 else 6
    frame[position : position + 4] = (100).to_bytes(4, "little")
    return bytes(frame)


def _declares_nothing() -> bytes:
    return zstandard.ZstdCompressor(write_content_size=False).compress(bytes(100 << 20))


def _two_frames() -> bytes:
    return zstandard.compress(BODY) + zstandard.compress(bytes(100 << 20))


@pytest.mark.parametrize(
    ("bomb", "error", "kind"),
    [
        (_declares_ten_gigabytes, TooLarge, "too-large"),
        (_declares_too_little, InvalidInput, "unopenable"),
        (_declares_nothing, InvalidInput, "unopenable"),
        (_two_frames, InvalidInput, "unopenable"),
        (lambda: b"not zstd at all", InvalidInput, "unopenable"),
        (lambda: b"", InvalidInput, "unopenable"),
    ],
)
def test_a_decompression_bomb_is_refused_within_bounded_memory(
    bomb: Callable[[], bytes], error: type[InvalidInput], kind: str
) -> None:
    envelope = with_plaintext(bomb())
    tracemalloc.start()
    try:
        with pytest.raises(error) as refusal:
            open_envelope(envelope, RING)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert refusal.value.kind == kind
    assert peak < 2 << 20


def test_a_body_over_the_readers_bound_is_too_large() -> None:
    envelope = seal_envelope(HEADER, b"x" * 1001, RING.current.public)
    with pytest.raises(TooLarge):
        open_envelope(envelope, RING, max_bytes=1000)
    assert open_envelope(envelope, RING, max_bytes=1001)[1] == b"x" * 1001


def test_a_header_matches_only_the_snapshot_it_was_made_for() -> None:
    snapshot = Snapshot(
        schema="vedette.snapshot/1",
        host=HostDescription(id=HEADER.host, hostname="web-1"),
        seq=17,
        taken_at=TAKEN_AT + timedelta(microseconds=999),
    )
    assert HEADER.matches(snapshot)
    assert not HEADER.matches(msgspec.structs.replace(snapshot, seq=18))
    later = TAKEN_AT + timedelta(milliseconds=1)
    assert not HEADER.matches(msgspec.structs.replace(snapshot, taken_at=later))
    stranger = HostDescription(id=HostId("other"), hostname="web-1")
    assert not HEADER.matches(msgspec.structs.replace(snapshot, host=stranger))
    assert HEADER.identity.seq == 17


def test_a_body_too_large_to_be_read_back_is_not_sealed() -> None:
    with pytest.raises(TooLarge):
        seal_envelope(HEADER, bytes(MAX_SNAPSHOT_BYTES + 1), RING.current.public)
