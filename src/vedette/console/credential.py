"""Secrets people hold: API tokens and session ids. Only their hashes are kept.

Each has 256 random bits, so a plain SHA-256 at rest is enough: there is nothing to guess that a slow password hash
would slow down, and looking one up by its hash leaks no useful timing.
"""

import hashlib
import hmac
import secrets

__all__ = [
    "TOKEN_PREFIX",
    "csrf_token",
    "hash_credential",
    "new_credential",
    "new_token",
    "same",
]

TOKEN_PREFIX = "vdt_"  # noqa: S105 - the public mark of a token, not a secret


def new_token() -> str:
    """A new API token's text, `vdt_` and 43 characters. Shown once, never stored."""
    return TOKEN_PREFIX + new_credential()


def new_credential() -> str:
    """256 random bits as URL-safe text (43 characters)."""
    return secrets.token_urlsafe(32)


def hash_credential(text: str) -> str:
    """What is stored and looked up in its place: SHA-256, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def same(given: str, expected: str) -> bool:
    """Whether two secrets are equal, in time that does not tell how far. Nothing is equal to an empty one."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def csrf_token(session: str) -> str:
    """The token that forms of a session bear: derived from its id, which scripts and other sites can't read."""
    return hmac.new(session.encode(), b"vedette csrf", hashlib.sha256).hexdigest()
