"""Keys and tokens as text: a prefix that names the kind, then base64url without padding (RFC 4648 section 5)."""

import base64
import binascii

__all__ = ["from_base64url", "to_base64url"]


def to_base64url(data: bytes) -> str:
    """Without padding, so that the text can stand in a URL, a shell and a header."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def from_base64url(text: str) -> bytes:
    """The bytes of the one canonical text form.

    Raises:
        ValueError: a character outside the alphabet, padding, or bits left over.
    """
    try:
        data = base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
        )
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("not base64url") from error
    if to_base64url(data) != text:
        raise ValueError("not the canonical form of base64url")
    return data
