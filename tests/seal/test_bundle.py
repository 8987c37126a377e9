"""Sealed bundles of evidence: opened by the ring alone, bound to whose they are, told from snapshots."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core import ActionId, CommandId, Epoch, HostId, InvalidInput, TenantId
from vedette.seal import (
    BundleHeader,
    Header,
    KeyRing,
    open_bundle,
    open_envelope,
    read_bundle_header,
    seal_bundle,
    seal_envelope,
)

RING = KeyRing.generate()
AT = datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC)


def header(**changes: Any) -> BundleHeader:
    fields: dict[str, Any] = {
        "tenant": TenantId("default"),
        "host": HostId("h-1"),
        "action": ActionId("a-1"),
        "command": CommandId("c-1"),
        "kid": RING.current.kid,
        "sealed_at": AT,
    }
    return BundleHeader(**(fields | changes))


def sealed(**changes: Any) -> bytes:
    return seal_bundle(header(**changes), b"archive", RING.current.public)


def test_what_is_sealed_opens_and_its_header_is_read_without_a_key() -> None:
    bundle = sealed()
    assert read_bundle_header(bundle) == header()
    assert open_bundle(bundle, RING) == (header(), b"archive")
    assert b"archive" not in bundle


@given(st.data())
def test_no_byte_can_be_changed(data: st.DataObject) -> None:
    bundle = bytearray(sealed())
    at = data.draw(st.integers(0, len(bundle) - 1))
    bundle[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises(InvalidInput) as error:
        open_bundle(bytes(bundle), RING)
    assert error.value.kind in {"bad-bundle", "unopenable", "unknown-key"}


@pytest.mark.parametrize("field", ["tenant", "host", "action", "command"])
def test_a_header_of_another_host_or_action_does_not_open_it(field: str) -> None:
    bundle, other = sealed(), sealed(**{field: "another"})
    clear = len(header_bytes(bundle))
    swapped = other[: 5 + len(header_bytes(other))] + bundle[5 + clear :]
    assert getattr(read_bundle_header(swapped), field) == "another"
    with pytest.raises(InvalidInput, match="does not open"):
        open_bundle(swapped, RING)


def header_bytes(bundle: bytes) -> bytes:
    return bundle[5 : 5 + int.from_bytes(bundle[3:5])]


def test_another_ring_does_not_open_it_and_a_snapshot_is_no_bundle() -> None:
    with pytest.raises(InvalidInput) as error:
        open_bundle(sealed(), KeyRing.generate())
    assert error.value.kind == "unknown-key"
    snapshot = seal_envelope(
        Header(
            tenant=TenantId("default"),
            host=HostId("h-1"),
            epoch=Epoch("e"),
            seq=1,
            taken_at=AT,
            kid=RING.current.kid,
            content_type="application/json",
        ),
        b"{}",
        RING.current.public,
    )
    for wrong in (snapshot, b"", b"VB\x01", b"VB\x01\xff\xff", sealed()[:40]):
        with pytest.raises(InvalidInput) as error:
            read_bundle_header(wrong)
        assert error.value.kind == "bad-bundle"
    with pytest.raises(InvalidInput):
        open_envelope(sealed(), RING)


def test_a_header_that_can_not_be_is_not_sealed() -> None:
    for changes in ({"action": "a/b"}, {"host": ""}, {"kid": "another"}, {"v": 2}):
        with pytest.raises(InvalidInput):
            sealed(**changes)


def test_a_header_has_one_form() -> None:
    bundle = sealed()
    fields = msgspec.msgpack.decode(header_bytes(bundle))
    longer = msgspec.msgpack.encode([*fields, 1])
    for clear in (longer, b"\x91\x01", b"\xc1"):
        with pytest.raises(InvalidInput, match="header"):
            read_bundle_header(b"VB\x01" + len(clear).to_bytes(2) + clear + bundle)
