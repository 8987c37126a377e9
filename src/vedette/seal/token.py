"""The enrolment token: all that a new agent needs to find its server, trust it, and be let in once."""

import hashlib
import re
from typing import Self
from urllib.parse import urlsplit

import msgspec

from vedette.core import InvalidInput, Record, TenantId, hash_secret, new_secret
from vedette.seal.text import from_base64url, to_base64url

__all__ = ["EnrolmentToken"]

_PREFIX = "vde1."
_CHECK = 4
_MAX_TEXT = 4096
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


class EnrolmentToken(Record, frozen=True, kw_only=True):
    """`server` is an https URL; `ca_fingerprint` the hex SHA-256 of its CA certificate's DER.

    As text: `vde1.` and base64url of a MessagePack array [tenant, secret, server, ca_fingerprint] followed by the first
    four bytes of its SHA-256, so that a paste that was cut or mistyped is told from a token that is not accepted.
    """

    tenant: TenantId
    secret: str
    server: str
    ca_fingerprint: str

    @classmethod
    def issue(cls, *, tenant: TenantId, server: str, ca_fingerprint: str) -> Self:
        """A token with a fresh secret."""
        token = cls(
            tenant=tenant, secret=new_secret(), server=server, ca_fingerprint=ca_fingerprint
        )
        token.check()
        return token

    def encode(self) -> str:
        """The text to paste."""
        fields = (self.tenant, self.secret, self.server, self.ca_fingerprint)
        payload = msgspec.msgpack.encode(fields)
        return _PREFIX + to_base64url(payload + _checksum(payload))

    @classmethod
    def decode(cls, text: str) -> Self:
        """Reads the pasted text; white space and line breaks around and within it are forgiven.

        Raises:
            InvalidInput: (bad-token) not a token, cut short, or mistyped; the detail says which.
        """
        text = "".join(text[: 2 * _MAX_TEXT].split())
        if not text.startswith(_PREFIX):
            raise InvalidInput(
                f"an enrolment token starts with {_PREFIX}; copy the whole line", kind="bad-token"
            )
        try:
            payload = _payload(text.removeprefix(_PREFIX))
            tenant, secret, server, pin = msgspec.msgpack.decode(
                payload, type=tuple[str, str, str, str]
            )
        except (ValueError, msgspec.MsgspecError) as error:
            raise InvalidInput(
                f"the enrolment token is damaged ({error}); it was probably cut short when copied: copy it again, whole",
                kind="bad-token",
            ) from error
        token = cls(tenant=TenantId(tenant), secret=secret, server=server, ca_fingerprint=pin)
        token.check()
        return token

    def secret_hash(self) -> str:
        """What the server keeps of it."""
        return hash_secret(self.secret)

    def check(self) -> None:
        """Raises InvalidInput (bad-token) when a field can't be used."""
        if not _is_https(self.server):
            raise InvalidInput(
                f"the server must be an https URL, not {self.server!r}", kind="bad-token"
            )
        if not _FINGERPRINT.fullmatch(self.ca_fingerprint):
            raise InvalidInput("the CA's fingerprint must be 64 hex digits", kind="bad-token")
        if not self.tenant or not self.secret:
            raise InvalidInput("the enrolment token lacks its tenant or secret", kind="bad-token")

    def __repr__(self) -> str:
        return f"EnrolmentToken(tenant={self.tenant!r}, server={self.server!r})"


def _is_https(server: str) -> bool:
    try:
        url = urlsplit(server)
        return url.scheme == "https" and bool(url.hostname) and url.port != 0
    except ValueError:
        return False


def _payload(text: str) -> bytes:
    if len(text) > _MAX_TEXT:
        raise ValueError(f"longer than {_MAX_TEXT} characters")
    raw = from_base64url(text)
    payload, check = raw[:-_CHECK], raw[-_CHECK:]
    if _checksum(payload) != check:
        raise ValueError("its checksum does not fit")
    return payload


def _checksum(payload: bytes) -> bytes:
    return hashlib.sha256(payload).digest()[:_CHECK]
