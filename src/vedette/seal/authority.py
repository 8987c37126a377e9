"""A local certificate authority: TLS that is verified from the first start, with nothing bought and nothing turned off."""

import ipaddress
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from vedette.core import Clock, ConfigError, SystemClock
from vedette.seal.private_file import read_private, write_file

__all__ = ["Authority", "fingerprint"]

_CA_DAYS = 3650
# Under the 398 days that common TLS clients accept at most.
_SERVER_DAYS = 180
_RENEW_DAYS = 60
# Machines whose clock is somewhat behind must accept a certificate that was made just now.
_BACKDATE = timedelta(hours=1)
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


def fingerprint(pem: bytes | str) -> str:
    """The hex SHA-256 of the first certificate's DER.

    Raises:
        ConfigError: there is no certificate in it.
    """
    data = pem.encode() if isinstance(pem, str) else pem
    try:
        return x509.load_pem_x509_certificate(data).fingerprint(hashes.SHA256()).hex()
    except ValueError as error:
        raise ConfigError(f"not a certificate in PEM: {error}") from error


class Authority:
    """A folder with `ca.pem`, `ca.key` (0600), `server.pem` (leaf, then CA) and `server.key` (0600)."""

    def __init__(
        self,
        directory: Path,
        certificate: x509.Certificate,
        key: ec.EllipticCurvePrivateKey,
        clock: Clock,
    ) -> None:
        self.directory = directory
        self._certificate = certificate
        self._key = key
        self._clock = clock

    @classmethod
    def create(cls, directory: Path, names: Sequence[str], *, clock: Clock | None = None) -> Self:
        """Makes the CA and a server certificate for these DNS names and IP addresses.

        Raises:
            ConfigError: there is a CA already (it is never overwritten: agents have pinned it), or no name is given.
        """
        clock = clock or SystemClock()
        if (directory / "ca.pem").exists() or (directory / "ca.key").exists():
            raise ConfigError(f"{directory} holds a certificate authority already; load it instead")
        _general_names(names)
        key = ec.generate_private_key(ec.SECP256R1())
        authority = cls(directory, _self_signed(key, clock), key, clock)
        write_file(directory / "ca.key", _pem(key))
        authority.renew(names)
        write_file(authority.ca_path, authority.ca_pem, mode=0o644)
        return authority

    @classmethod
    def load(cls, directory: Path, *, clock: Clock | None = None) -> Self:
        """The CA that `create` made.

        Raises:
            ConfigError: a file is missing, damaged, or does not fit the other.
        """
        try:
            certificate = x509.load_pem_x509_certificate((directory / "ca.pem").read_bytes())
            key = load_pem_private_key(read_private(directory / "ca.key"), password=None)
        except OSError as error:
            raise ConfigError(f"cannot read {directory}/ca.pem: {error.strerror}") from error
        except (ValueError, TypeError) as error:
            raise ConfigError(
                f"the certificate authority in {directory} is damaged: {error}"
            ) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or (
            key.public_key() != certificate.public_key()
        ):
            raise ConfigError(f"ca.key in {directory} is not the key of its ca.pem")
        return cls(directory, certificate, key, clock or SystemClock())

    @property
    def ca_path(self) -> Path:
        """What clients trust."""
        return self.directory / "ca.pem"

    @property
    def server_path(self) -> Path:
        """The server's chain, leaf first."""
        return self.directory / "server.pem"

    @property
    def server_key_path(self) -> Path:
        """The server's private key."""
        return self.directory / "server.key"

    @property
    def ca_pem(self) -> bytes:
        """The CA's certificate."""
        return self._certificate.public_bytes(Encoding.PEM)

    @property
    def fingerprint(self) -> str:
        """What an enrolment token pins: the hex SHA-256 of the CA certificate's DER."""
        return self._certificate.fingerprint(hashes.SHA256()).hex()

    def renew(self, names: Sequence[str]) -> None:
        """Writes a new server key and certificate for these names. The CA stays.

        Raises:
            ConfigError: no name is given, or one that can't stand in a certificate.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        leaf = self._issue(key, names)
        # The key first: a start that falls between the two writes finds a pair that does not fit and renews again.
        write_file(self.server_key_path, _pem(key))
        write_file(self.server_path, leaf.public_bytes(Encoding.PEM) + self.ca_pem, mode=0o644)

    def renew_if_due(self, names: Sequence[str]) -> bool:
        """Renews when under 60 days are left, when a name is missing, or when the files are missing or do not fit."""
        due = not self._serves(names)
        if due:
            self.renew(names)
        return due

    def _serves(self, names: Sequence[str]) -> bool:
        try:
            leaf = x509.load_pem_x509_certificate(self.server_path.read_bytes())
            key = load_pem_private_key(self.server_key_path.read_bytes(), password=None)
        except (OSError, ValueError, TypeError):
            return False
        if key.public_key() != leaf.public_key() or leaf.issuer != self._certificate.subject:
            return False
        held = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        left = leaf.not_valid_after_utc - self._clock.now()
        return left >= timedelta(days=_RENEW_DAYS) and set(_general_names(names)) <= set(held)

    def _issue(self, key: ec.EllipticCurvePrivateKey, names: Sequence[str]) -> x509.Certificate:
        now = self._clock.now()
        ends = min(now + timedelta(days=_SERVER_DAYS), self._certificate.not_valid_after_utc)
        issuer = self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(_name("Vedette server"))
            .issuer_name(self._certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATE)
            .not_valid_after(ends)
            .add_extension(x509.SubjectAlternativeName(_general_names(names)), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage("digital_signature"), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False
            )
            .sign(self._key, hashes.SHA256())
        )


def _self_signed(key: ec.EllipticCurvePrivateKey, clock: Clock) -> x509.Certificate:
    now = clock.now()
    name = _name("Vedette local CA")
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATE)
        .not_valid_after(now + timedelta(days=_CA_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _key_usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in allowed for usage in _USAGES})


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_names(names: Sequence[str]) -> list[x509.GeneralName]:
    if not names:
        raise ConfigError("a server certificate needs at least one DNS name or IP address")
    return [_general_name(name) for name in names]


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return x509.DNSName(name)
    except ValueError as error:
        raise ConfigError(f"{name!r} can't stand in a certificate: {error}") from error


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
