"""The local CA: real TLS handshakes against what it makes, in memory."""

import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from vedette.core import ConfigError, ManualClock, SystemClock
from vedette.seal import Authority, fingerprint

NAMES = ("localhost", "127.0.0.1", "::1")


def handshake(authority: Authority, name: str) -> ssl.SSLObject:
    """A TLS handshake between a client that trusts only this CA and the server's certificate."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(authority.server_path, authority.server_key_path)
    client_context = ssl.create_default_context(cafile=str(authority.ca_path))
    client_context.verify_flags |= ssl.VERIFY_X509_STRICT
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = server_context.wrap_bio(up, down, server_side=True)
    client = client_context.wrap_bio(down, up, server_hostname=name)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client


def leaf_of(authority: Authority) -> x509.Certificate:
    return x509.load_pem_x509_certificate(authority.server_path.read_bytes())


@pytest.mark.parametrize("name", NAMES)
def test_a_strict_client_that_trusts_the_ca_accepts_the_server(tmp_path: Path, name: str) -> None:
    authority = Authority.create(tmp_path, NAMES)
    assert handshake(authority, name).version() == "TLSv1.3"


def test_a_name_that_was_not_asked_for_is_not_accepted(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path, ["localhost"])
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(authority, "other.example")


def test_private_keys_are_for_their_owner_and_certificates_for_all(tmp_path: Path) -> None:
    Authority.create(tmp_path, NAMES)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert modes == {"ca.pem": 0o644, "ca.key": 0o600, "server.pem": 0o644, "server.key": 0o600}


def test_the_fingerprint_is_the_ca_certificates(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path, NAMES)
    der = ssl.PEM_cert_to_DER_cert(authority.ca_path.read_text())
    import hashlib

    assert authority.fingerprint == hashlib.sha256(der).hexdigest()
    assert fingerprint(authority.ca_pem) == fingerprint(authority.ca_path.read_text())
    assert fingerprint(authority.ca_pem) == authority.fingerprint
    with pytest.raises(ConfigError):
        fingerprint("no certificate")


def test_a_ca_is_never_overwritten(tmp_path: Path) -> None:
    before = Authority.create(tmp_path, NAMES).fingerprint
    with pytest.raises(ConfigError, match="already"):
        Authority.create(tmp_path, NAMES)
    assert Authority.load(tmp_path).fingerprint == before


def test_a_renewed_server_certificate_is_of_the_same_ca(tmp_path: Path) -> None:
    authority = Authority.create(tmp_path, NAMES)
    before = leaf_of(authority).serial_number
    Authority.load(tmp_path).renew(["vedette.example"])
    assert leaf_of(authority).serial_number != before
    assert handshake(authority, "vedette.example").version() == "TLSv1.3"


def test_renewal_is_due_by_time_by_name_and_by_damage(tmp_path: Path) -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    authority = Authority.create(tmp_path, NAMES, clock=clock)
    assert not authority.renew_if_due(NAMES)
    assert not authority.renew_if_due(NAMES[:1])
    assert authority.renew_if_due([*NAMES, "new.example"])
    clock.advance(timedelta(days=121).total_seconds())
    assert authority.renew_if_due(NAMES)
    assert not authority.renew_if_due(NAMES)
    authority.server_path.unlink()
    assert authority.renew_if_due(NAMES)
    authority.server_key_path.write_bytes((tmp_path / "ca.key").read_bytes())
    assert authority.renew_if_due(NAMES)
    assert not authority.renew_if_due(NAMES)


def test_a_server_certificate_does_not_outlive_its_ca(tmp_path: Path) -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    authority = Authority.create(tmp_path, NAMES, clock=clock)
    clock.advance(timedelta(days=3600).total_seconds())
    authority.renew(NAMES)
    ca = x509.load_pem_x509_certificate(authority.ca_pem)
    assert leaf_of(authority).not_valid_after_utc == ca.not_valid_after_utc


@pytest.mark.parametrize("names", [[], ["bücher.example"]])
def test_names_that_can_not_stand_in_a_certificate_leave_nothing_behind(
    tmp_path: Path, names: list[str]
) -> None:
    with pytest.raises(ConfigError):
        Authority.create(tmp_path, names)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_ca_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        Authority.load(tmp_path)
    Authority.create(tmp_path / "a", NAMES, clock=SystemClock())
    Authority.create(tmp_path / "b", NAMES)
    (tmp_path / "a" / "ca.pem").write_bytes((tmp_path / "b" / "ca.pem").read_bytes())
    with pytest.raises(ConfigError, match="not the key"):
        Authority.load(tmp_path / "a")
    (tmp_path / "a" / "ca.pem").write_bytes(b"junk")
    with pytest.raises(ConfigError, match="damaged"):
        Authority.load(tmp_path / "a")
