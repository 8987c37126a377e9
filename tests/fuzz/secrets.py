"""Targets: enrolment tokens, keys as text, and signed commands."""

import hashlib
from datetime import UTC, datetime, timedelta
from random import Random

import msgspec
from tests.fuzz.alter import as_json, as_msgpack
from tests.fuzz.target import Target, refusing

from vedette.core import (
    ActionId,
    Command,
    CommandId,
    Confirmation,
    Epoch,
    HostId,
    Label,
    Ruling,
    Severity,
    TenantId,
    VerdictId,
)
from vedette.core.record import canonical_json
from vedette.seal import (
    EnrolmentToken,
    IngestPublicKey,
    KeyRing,
    SigningKey,
    VerifyKey,
    sign_command,
    sign_ruling,
    verify_command,
    verify_ruling,
)
from vedette.seal.command import SIGNED as COMMANDS
from vedette.seal.ruling import SIGNED as RULINGS
from vedette.seal.text import to_base64url

__all__ = ["SECRETS"]

_NOW = datetime(2026, 3, 1, tzinfo=UTC)
_KEY = SigningKey.generate()
_TOKEN = EnrolmentToken.issue(
    tenant=TenantId("default"), server="https://vedette.test:8443", ca_fingerprint="ab" * 32
)
_COMMAND = Command(
    id=CommandId("c-1"),
    tenant=TenantId("default"),
    host=HostId("h-1"),
    action=ActionId("a-1"),
    kind="quarantine",
    parameters={"allow": ["192.0.2.1"], "seconds": 60},
    dry_run=True,
    issued_at=_NOW,
    expires_at=_NOW + timedelta(minutes=5),
    nonce="n-1",
)
_PAYLOAD = canonical_json(_COMMAND)
_RULING = Ruling(
    verdict=VerdictId("v-1"),
    tenant=TenantId("default"),
    host=HostId("h-1"),
    epoch=Epoch("e" * 32),
    seq=7,
    digest="sha256:" + "ab" * 32,
    label=Label.ABNORMAL,
    severity=Severity.CRITICAL,
    score=0.99,
    model="sha256:m",
    confirmation=Confirmation(abnormal=2, of=3, experts=2),
    late=False,
    reasons=("A new cron job",),
    signed_at=_NOW,
    expires_at=_NOW + timedelta(minutes=1),
    command=_COMMAND,
)


def _check_token(data: bytes) -> None:
    """Even inputs are the text itself, odd ones the bytes under a right checksum."""
    framed = data[1:] + hashlib.sha256(data[1:]).digest()[:4]
    text = (
        "vde1." + to_base64url(framed)
        if data[:1] == b"\x01"
        else data[1:].decode("utf-8", "replace")
    )
    with refusing({"bad-token"}):
        token = EnrolmentToken.decode(text)
        assert EnrolmentToken.decode(token.encode()) == token
        hidden = msgspec.structs.replace(token, secret="another")
        assert repr(token) == repr(hidden), "the secret shows"


def _check_keys(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    with refusing({"bad-key"}):
        assert VerifyKey.from_text(text).to_text() == text.strip()
    with refusing({"bad-key"}):
        assert IngestPublicKey.from_text(text).to_text() == text.strip()


def _check_command(data: bytes) -> None:
    """The first byte says whether the rest is the whole, or what was signed."""
    blob, signed = data[1:], data[:1] == b"\x01"
    if signed:
        wire = (1, _KEY.kid, data[1:], _KEY.sign(COMMANDS.context + data[1:]))
        blob = msgspec.msgpack.encode(wire)
    with refusing({"bad-command", "bad-signature"}):
        command = verify_command(blob, _KEY.public)
        assert signed or command == _COMMAND, "a forgery passed"
        assert verify_command(sign_command(command, _KEY), _KEY.public) == command


def _check_ruling(data: bytes) -> None:
    """As for commands; and no command passes for one."""
    blob, signed = data[1:], data[:1] == b"\x01"
    if signed:
        wire = (1, _KEY.kid, data[1:], _KEY.sign(RULINGS.context + data[1:]))
        blob = msgspec.msgpack.encode(wire)
    with refusing({"bad-ruling", "bad-signature"}):
        ruling = verify_ruling(blob, _KEY.public)
        assert signed or ruling == _RULING, "a forgery passed"
        assert verify_ruling(sign_ruling(ruling, _KEY), _KEY.public) == ruling


def _alter(data: bytes, random: Random) -> bytes:
    inside = as_json if data[:1] == b"\x01" else as_msgpack
    return data[:1] + inside(data[1:], random)


def _alter_token(data: bytes, random: Random) -> bytes:
    return b"\x01" + as_msgpack(data[1:], random)


_FIELDS = ("default", "s" * 43, "https://vedette.test:8443", "ab" * 32)
SECRETS = (
    Target(
        "token",
        _check_token,
        (
            b"\x00" + _TOKEN.encode().encode(),
            b"\x01" + msgspec.msgpack.encode(_FIELDS),
            b"\x01" + msgspec.msgpack.encode((*_FIELDS[:2], "https://[::1]:0", _FIELDS[3])),
        ),
        (b"vde1.", b"https://", b":65536", b"[::", b"]", b"\x94"),
        _alter_token,
        max_len=9000,
    ),
    Target(
        "keys",
        _check_keys,
        (_KEY.public.to_text().encode(), KeyRing.generate().current.public.to_text().encode()),
        (b"vvk1.", b"vik1."),
    ),
    Target(
        "command",
        _check_command,
        (b"\x00" + sign_command(_COMMAND, _KEY), b"\x01" + _PAYLOAD),
        (b'"parameters":', b'"dry_run":', b"\xc4", b"\x94"),
        _alter,
        max_len=16_000,
    ),
    Target(
        "ruling",
        _check_ruling,
        (
            b"\x00" + sign_ruling(_RULING, _KEY),
            b"\x00" + sign_command(_COMMAND, _KEY),
            b"\x01" + canonical_json(_RULING),
        ),
        (b'"confirmation":', b'"withheld":', b"\xc4", b"\x94"),
        _alter,
        max_len=16_000,
    ),
)
