"""Secrets people hold: API tokens and session ids. Only their hashes are kept.

Each has 256 random bits, so a plain SHA-256 at rest is enough: there is nothing to guess that a slow password hash
would slow down, and looking one up by its hash leaks no useful timing.
"""

import hashlib
import hmac

from vedette.core import new_secret

__all__ = [
    "TOKEN_PREFIX",
    "csrf_token",
    "new_token",
    "same",
]

TOKEN_PREFIX = "vdt_"  # noqa: S105 - the public mark of a token, not a secret


def new_token() -> str:
    """A new API token's text, `vdt_` and 43 characters. Shown once, never stored."""
    return TOKEN_PREFIX + new_secret()


def same(given: str, expected: str) -> bool:
    """Whether two secrets are equal, in time that does not tell how far. Nothing is equal to an empty one."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def csrf_token(session: str) -> str:
    """The token that forms of a session bear: derived from its id, which scripts and other sites can't read."""
    return hmac.new(session.encode(), b"vedette csrf", hashlib.sha256).hexdigest()
