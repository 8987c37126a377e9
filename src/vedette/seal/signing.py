"""Ed25519 keys (RFC 8032): hosts sign requests with them, the responder signs commands."""

import hashlib
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from vedette.core import ConfigError, InvalidInput
from vedette.seal.private_file import read_private, write_file
from vedette.seal.text import from_base64url, to_base64url

__all__ = ["SigningKey", "VerifyKey"]

_PREFIX = "vvk1."


class VerifyKey:
    """The public half. `kid` is the base64url SHA-256 of its 32 raw bytes."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) != 32:
            raise InvalidInput(f"a verify key has 32 bytes, not {len(raw)}", kind="bad-key")
        self._key = Ed25519PublicKey.from_public_bytes(raw)
        self._raw = raw
        self.kid = to_base64url(hashlib.sha256(raw).digest())

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether the signature is this key's over the data."""
        try:
            self._key.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def to_text(self) -> str:
        """`vvk1.` and the raw bytes in base64url; `from_text` reads it back."""
        return _PREFIX + to_base64url(self._raw)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Reads `to_text`'s form.

        Raises:
            InvalidInput: (bad-key) not that form.
        """
        if not text.startswith(_PREFIX):
            raise InvalidInput(f"a verify key starts with {_PREFIX}", kind="bad-key")
        try:
            raw = from_base64url(text.removeprefix(_PREFIX))
        except ValueError as error:
            raise InvalidInput(
                f"a verify key's text is damaged: {error}", kind="bad-key"
            ) from error
        return cls(raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyKey) and other.kid == self.kid

    def __hash__(self) -> int:
        return hash(self.kid)

    def __repr__(self) -> str:
        return f"VerifyKey(kid={self.kid!r})"


class SigningKey:
    """The private half. Its file is PKCS #8 in PEM, mode 0600."""

    def __init__(self, raw: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(raw)
        self.public = VerifyKey(self._key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> Self:
        """A fresh key from the system's random source."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @property
    def kid(self) -> str:
        """Of the public half."""
        return self.public.kid

    def sign(self, data: bytes) -> bytes:
        """64 bytes; the same data gives the same signature."""
        return self._key.sign(data)

    def save(self, path: Path) -> None:
        """Writes it atomically with mode 0600."""
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_file(path, pem)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what `save` wrote.

        Raises:
            ConfigError: missing, open to others, damaged, or not an Ed25519 key.
        """
        try:
            key = load_pem_private_key(read_private(path), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise ConfigError(f"{path} is not a private key in PEM: {error}") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigError(f"{path} is not an Ed25519 key")
        return cls(key.private_bytes_raw())

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid!r})"
