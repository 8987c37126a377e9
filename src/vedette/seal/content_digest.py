"""The Content-Digest field (RFC 9530): binds a request's body to its signed header fields."""

import hashlib
import hmac
from typing import Final

from vedette.core import Unauthenticated
from vedette.seal.fields import FieldError, parse_dictionary, serialize_bytes

__all__ = ["check_content_digest", "content_digest"]

_ALGORITHMS: Final = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}


def content_digest(body: bytes) -> str:
    """The field's value with sha-256; an empty body has a digest too."""
    return "sha-256=" + serialize_bytes(hashlib.sha256(body).digest())


def check_content_digest(field: str, body: bytes) -> None:
    """Every digest of a known algorithm must fit, and there must be one; insecure algorithms are not looked at.

    Raises:
        Unauthenticated: (bad-digest) missing, malformed, or of another body.
    """
    try:
        digests = parse_dictionary(field)
    except FieldError as error:
        raise Unauthenticated(f"Content-Digest is malformed: {error}", kind="bad-digest") from error
    known = [(name, member.value) for name, member in digests.items() if name in _ALGORITHMS]
    if not known:
        raise Unauthenticated("Content-Digest has neither sha-256 nor sha-512", kind="bad-digest")
    for name, value in known:
        expected = _ALGORITHMS[name](body).digest()
        if not isinstance(value, bytes) or not hmac.compare_digest(value, expected):
            raise Unauthenticated(
                f"the body does not have the {name} that Content-Digest says", kind="bad-digest"
            )
