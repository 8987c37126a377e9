"""The way to the server, broken for real: the doctor says where and what to do."""

import socket
import threading
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.agent.proxy import Proxy
from tests.agent.server import Reply, Seen
from tests.agent.sick import Sick, _script

from vedette.agent import Enrolment, Outcome, examine
from vedette.core import ManualClock, SystemClock
from vedette.seal import Authority


def test_an_authority_that_is_missing_damaged_or_expired(sick: Sick, tmp_path: Path) -> None:
    old = ManualClock(SystemClock().now() - timedelta(days=3660))
    ended = Authority.create(tmp_path / "old", ["localhost"], clock=old)
    sick.save(ended.ca_pem)
    assert "has expired" in sick.says("authority", Outcome.PROBLEM)
    sick.save(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert "is no certificate" in sick.says("authority", Outcome.PROBLEM)
    Enrolment.ca_path(sick.state).unlink()
    assert "is missing" in sick.says("authority", Outcome.PROBLEM)
    assert "see authority" in sick.says("tls", Outcome.PROBLEM)


def test_a_name_that_leads_nowhere(sick: Sick) -> None:
    sick.save(server="https://vedette.invalid:8443")
    told = sick.says("name", Outcome.PROBLEM)
    assert "vedette.invalid can't be resolved" in told
    assert "/etc/resolv.conf" in told
    assert "see name" in sick.says("connection", Outcome.PROBLEM)


def test_a_server_that_does_not_listen(sick: Sick) -> None:
    sick.server.stop()
    told = sick.says("connection", Outcome.PROBLEM)
    assert "Connection refused" in told
    assert "see that the server runs" in told


def _serve_with(sick: Sick, authority: Authority) -> None:
    """The same port answers with another certificate."""
    sick.server.stop()
    sick.server.authority = authority
    sick.server.start()


def test_a_server_of_another_authority(sick: Sick, tmp_path: Path) -> None:
    _serve_with(sick, Authority.create(tmp_path / "other", ["localhost"]))
    told = sick.says("tls", Outcome.PROBLEM)
    assert "another certificate authority than the one pinned" in told
    assert "enroll --again" in told


def test_a_certificate_that_has_expired(sick: Sick, tmp_path: Path) -> None:
    old = ManualClock(SystemClock().now() - timedelta(days=200))
    authority = Authority.create(tmp_path / "old", ["localhost"], clock=old)
    sick.save(authority.ca_pem)
    _serve_with(sick, authority)
    assert "has expired by this host's clock" in sick.says("tls", Outcome.PROBLEM)


def test_a_certificate_that_expires_soon(sick: Sick, tmp_path: Path) -> None:
    old = ManualClock(SystemClock().now() - timedelta(days=170))
    authority = Authority.create(tmp_path / "old", ["localhost"], clock=old)
    sick.save(authority.ca_pem)
    _serve_with(sick, authority)
    assert "expires soon" in sick.says("tls", Outcome.WARNING)


def test_a_certificate_for_another_name(sick: Sick, tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "named", ["vedette.example"])
    sick.save(authority.ca_pem)
    _serve_with(sick, authority)
    told = sick.says("tls", Outcome.PROBLEM)
    assert "is not for localhost" in told
    assert "server.names" in told


def test_somebody_between_who_opens_tls(sick: Sick, tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "corporate", ["localhost"])
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Corporate inspection")])
    now = SystemClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    authority.server_path.write_bytes(certificate.public_bytes(Encoding.PEM))
    authority.server_key_path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    _serve_with(sick, authority)
    told = sick.says("tls", Outcome.PROBLEM)
    assert "issued by 'Corporate inspection', not by the pinned authority" in told


def test_something_else_on_the_servers_port(sick: Sick) -> None:
    def talk(listener: socket.socket) -> None:
        while True:
            try:
                one, _ = listener.accept()
            except OSError:
                return
            with one:
                one.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=talk, args=(listener,), daemon=True).start()
        sick.save(server=f"https://localhost:{listener.getsockname()[1]}")
        assert "does not speak TLS" in sick.says("tls", Outcome.PROBLEM)
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("status", "kind", "outcome", "words"),
    [
        (403, "revoked-host", Outcome.PROBLEM, "was revoked on purpose"),
        (401, "unknown-signer", Outcome.PROBLEM, "does not know this host's key"),
        (429, "throttled", Outcome.WARNING, "two machines"),
        (503, "unavailable", Outcome.PROBLEM, "the server's log"),
        (404, "not-found", Outcome.PROBLEM, "compare the versions"),
    ],
)
def test_what_the_server_says_to_a_signed_request(
    sick: Sick, status: int, kind: str, outcome: Outcome, words: str
) -> None:
    sick.server.script = lambda _: Reply(status, {"type": f"/problems/{kind}", "detail": "so"})
    told = sick.says("request", outcome)
    assert f"the server says: {status} so" in told
    assert words in told


@pytest.mark.parametrize(
    ("ahead", "outcome", "words"),
    [
        (-3600, Outcome.WARNING, "it is 3600 s behind the server's; requests are corrected"),
        (3600, Outcome.WARNING, "it is 3600 s ahead of the server's; requests are corrected"),
        (90000, Outcome.PROBLEM, "refuses snapshots of a time more than a day ahead"),
    ],
)
def test_a_clock_that_is_off(sick: Sick, ahead: int, outcome: Outcome, words: str) -> None:
    sick.clock = ManualClock(SystemClock().now() + timedelta(seconds=ahead))

    def script(seen: Seen) -> Reply:
        now = SystemClock().now().timestamp()
        if abs(seen.signature.created - now) > 300:
            return Reply(401, {"type": "/problems/stale-signature", "server_time": now})
        return _script(seen)

    sick.server.script = script
    told = sick.says("clock", outcome)
    assert words in told.replace("3599", "3600").replace("3601", "3600")
    assert "timedatectl" in told
    assert "takes what this host signs" in sick.says("request", Outcome.FINE)


def test_a_clock_that_is_a_little_off_is_seen_by_the_answers_date(sick: Sick) -> None:
    sick.clock = ManualClock(SystemClock().now() - timedelta(seconds=100))
    told = sick.says("clock", Outcome.WARNING)
    assert " s behind the server's" in told
    assert "requests are corrected" not in told


def test_a_proxy_that_refuses_the_password_which_is_not_told(sick: Sick) -> None:
    with Proxy(credentials="ana:s3cret") as proxy:
        good = f"http://ana:s3cret@127.0.0.1:{proxy.port}"
        assert "connects to localhost" in sick.says("proxy", Outcome.FINE, proxy=good)
        assert "verified against the pinned" in sick.says("tls", Outcome.FINE, proxy=good)
        bad = f"http://ana:wr0ng@127.0.0.1:{proxy.port}"
        told = sick.says("proxy", Outcome.PROBLEM, proxy=bad)
        assert f"http://127.0.0.1:{proxy.port} does not take the name and password" in told
        everything = str(sick.examine(proxy=bad))
    assert "wr0ng" not in everything
    assert "ana" not in everything
    assert "does not connect to localhost" in sick.says("proxy", Outcome.PROBLEM, proxy=good)


def test_a_proxys_password_that_everybody_can_read(sick: Sick, tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text("x")
    config.chmod(0o644)
    settings = msgspec.structs.replace(sick.settings, proxy="http://a:b@127.0.0.1:1")
    found = examine(lambda: settings, sick.clock, config=config).findings
    assert f"chmod 600 {config}" in [one.advice for one in found if one.check == "proxy"]
