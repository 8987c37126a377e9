"""The keys that snapshots are sealed to: public halves for agents, opening keys for the detector alone.

A key pair is the HPKE KEM MLKEM768-X25519: as safe as the stronger of ML-KEM-768 (FIPS 203) and X25519 (RFC 7748),
so that what is recorded today cannot be opened by tomorrow's quantum computer.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey

from vedette.core import ConfigError, InvalidInput, Record
from vedette.seal.private_file import read_private, write_file
from vedette.seal.text import from_base64url, to_base64url

__all__ = ["IngestPublicKey", "KeyRing", "OpeningKey"]

_PUBLIC_PREFIX = "vik1."
_MLKEM_PUBLIC = 1184
_MLKEM_SEED = 64
_X25519 = 32


class IngestPublicKey:
    """What an agent seals to. `kid` is the base64url SHA-256 of its raw bytes (ML-KEM, then X25519)."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) != _MLKEM_PUBLIC + _X25519:
            raise InvalidInput(
                f"an ingest key has {_MLKEM_PUBLIC + _X25519} bytes, not {len(raw)}", kind="bad-key"
            )
        try:
            mlkem = MLKEM768PublicKey.from_public_bytes(raw[:_MLKEM_PUBLIC])
        except ValueError as error:
            raise InvalidInput("not an ML-KEM-768 public key", kind="bad-key") from error
        self.hpke = MLKEM768X25519PublicKey(
            mlkem, X25519PublicKey.from_public_bytes(raw[_MLKEM_PUBLIC:])
        )
        self.kid = to_base64url(hashlib.sha256(raw).digest())
        self._raw = raw

    def to_text(self) -> str:
        """`vik1.` and the raw bytes in base64url; `from_text` reads it back."""
        return _PUBLIC_PREFIX + to_base64url(self._raw)

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Reads `to_text`'s form.

        Raises:
            InvalidInput: (bad-key) not that form.
        """
        if not text.startswith(_PUBLIC_PREFIX):
            raise InvalidInput(f"an ingest key starts with {_PUBLIC_PREFIX}", kind="bad-key")
        try:
            raw = from_base64url(text.removeprefix(_PUBLIC_PREFIX))
        except ValueError as error:
            raise InvalidInput(
                f"an ingest key's text is damaged: {error}", kind="bad-key"
            ) from error
        return cls(raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IngestPublicKey) and other.kid == self.kid

    def __hash__(self) -> int:
        return hash(self.kid)

    def __repr__(self) -> str:
        return f"IngestPublicKey(kid={self.kid!r})"


class OpeningKey:
    """The private half. Its raw form is the ML-KEM seed (64 bytes) and the X25519 key (32 bytes)."""

    def __init__(self, raw: bytes) -> None:
        if len(raw) != _MLKEM_SEED + _X25519:
            raise ConfigError(f"an opening key has {_MLKEM_SEED + _X25519} bytes, not {len(raw)}")
        mlkem = MLKEM768PrivateKey.from_seed_bytes(raw[:_MLKEM_SEED])
        x25519 = X25519PrivateKey.from_private_bytes(raw[_MLKEM_SEED:])
        self.hpke = MLKEM768X25519PrivateKey(mlkem, x25519)
        self.public = IngestPublicKey(
            mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        )
        self._raw = raw

    @classmethod
    def generate(cls) -> Self:
        """A fresh pair from the system's random source."""
        mlkem = MLKEM768PrivateKey.generate().private_bytes_raw()
        return cls(mlkem + X25519PrivateKey.generate().private_bytes_raw())

    @property
    def kid(self) -> str:
        """Of the public half."""
        return self.public.kid

    def private_bytes(self) -> bytes:
        """The raw form, for the key ring's file."""
        return self._raw

    def __repr__(self) -> str:
        return f"OpeningKey(kid={self.kid!r})"


class _File(Record, frozen=True, kw_only=True):
    format: str
    current: str
    keys: dict[str, bytes]


_FORMAT = "vedette.keyring/1"


class KeyRing:
    """Opening keys by kid. Agents are told `current`; older ones stay so that spooled snapshots still open."""

    def __init__(self, keys: Iterable[OpeningKey], *, current: str | None = None) -> None:
        self._keys = {key.kid: key for key in keys}
        if not self._keys:
            raise ConfigError("a key ring needs at least one opening key")
        chosen = current or next(reversed(self._keys))
        if chosen not in self._keys:
            raise ConfigError(f"the key ring's current key {chosen} is not in it")
        self.current = self._keys[chosen]

    @classmethod
    def generate(cls) -> Self:
        """A ring of one fresh key."""
        return cls([OpeningKey.generate()])

    def rotated(self) -> Self:
        """A ring with a fresh current key; the older ones can still open."""
        return type(self)([*self._keys.values(), OpeningKey.generate()])

    def get(self, kid: str) -> OpeningKey:
        """The key of this id.

        Raises:
            InvalidInput: (unknown-key) it is not in the ring.
        """
        try:
            return self._keys[kid]
        except KeyError:
            raise InvalidInput(
                f"no opening key {kid!r} in the key ring", kind="unknown-key"
            ) from None

    @property
    def kids(self) -> frozenset[str]:
        """The ids that can be opened: public, and all that ingest needs to know of the ring."""
        return frozenset(self._keys)

    def save(self, path: Path) -> None:
        """Writes it atomically with mode 0600."""
        keys = {kid: key.private_bytes() for kid, key in self._keys.items()}
        file = _File(format=_FORMAT, current=self.current.kid, keys=keys)
        write_file(path, msgspec.json.encode(file))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what `save` wrote.

        Raises:
            ConfigError: missing, open to others, damaged, or of another format.
        """
        try:
            file = msgspec.json.decode(read_private(path), type=_File)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path} is not a key ring: {error}") from error
        if file.format != _FORMAT:
            raise ConfigError(f"{path} has the format {file.format!r}, not {_FORMAT}")
        keys = [OpeningKey(raw) for raw in file.keys.values()]
        if [key.kid for key in keys] != list(file.keys):
            raise ConfigError(f"{path} is damaged: a key does not have the id it is filed under")
        return cls(keys, current=file.current)

    def __repr__(self) -> str:
        return f"KeyRing(current={self.current.kid!r}, keys={len(self._keys)})"
