"""Signed commands: round trip, every tampering refused."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vedette.core import (
    ActionId,
    Command,
    CommandId,
    HostId,
    InvalidInput,
    TenantId,
    Unauthenticated,
    VedetteError,
)
from vedette.seal import SigningKey, sign_command, verify_command

KEY = SigningKey(bytes(range(32)))
ISSUED = datetime(2026, 1, 1, tzinfo=UTC)
COMMAND = Command(
    id=CommandId("c-1"),
    tenant=TenantId("default"),
    host=HostId("h-1"),
    action=ActionId("a-1"),
    kind="quarantine",
    parameters={"allow": ["10.0.0.1"], "minutes": 30},
    dry_run=True,
    issued_at=ISSUED,
    expires_at=ISSUED + timedelta(minutes=5),
    nonce="n",
)
BLOB = sign_command(COMMAND, KEY)


def test_a_signed_command_is_read_back() -> None:
    assert verify_command(BLOB, KEY.public) == COMMAND


@settings(deadline=None)
@given(st.integers(0, len(BLOB) - 1), st.integers(1, 255))
def test_any_changed_byte_of_a_command_is_refused(position: int, mask: int) -> None:
    changed = bytearray(BLOB)
    changed[position] ^= mask
    with pytest.raises(VedetteError) as refusal:
        verify_command(bytes(changed), KEY.public)
    assert refusal.value.kind in {"bad-command", "bad-signature"}


@given(st.binary(max_size=100))
def test_random_bytes_are_no_command(junk: bytes) -> None:
    with pytest.raises(InvalidInput) as refusal:
        verify_command(junk, KEY.public)
    assert refusal.value.kind == "bad-command"


def test_a_command_signed_by_another_key_is_refused() -> None:
    with pytest.raises(Unauthenticated, match="signed by key"):
        verify_command(BLOB, SigningKey.generate().public)


def test_a_request_signature_can_not_stand_for_a_command() -> None:
    payload = msgspec.json.encode(COMMAND)
    blob = msgspec.msgpack.encode([1, KEY.kid, payload, KEY.sign(payload)])
    with pytest.raises(Unauthenticated):
        verify_command(blob, KEY.public)


def test_a_rightly_signed_payload_that_is_no_command_is_refused() -> None:
    payload = b'{"id":"c-1"}'
    signature = KEY.sign(b"vedette/1 command\0" + payload)
    with pytest.raises(InvalidInput) as refusal:
        verify_command(msgspec.msgpack.encode([1, KEY.kid, payload, signature]), KEY.public)
    assert refusal.value.kind == "bad-command"


def test_an_oversized_or_unknown_version_of_command_is_refused() -> None:
    with pytest.raises(InvalidInput, match="may have"):
        verify_command(bytes(300_000), KEY.public)
    with pytest.raises(InvalidInput, match="version 2"):
        verify_command(msgspec.msgpack.encode([2, KEY.kid, b"", b""]), KEY.public)
