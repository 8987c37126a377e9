"""Secrets that people and agents paste: made by the system's random source, kept only as hashes."""

import hashlib
import secrets

__all__ = ["hash_secret", "new_secret"]


def new_secret() -> str:
    """256 bits of entropy in base64url."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """SHA-256 in hex: what is stored in the secret's place, and looked up by.

    A slow, salted hash protects guessable passwords. These secrets are random with 128 bits or more, so there is
    nothing to guess or to tabulate; a plain hash is as strong, and a stored one still can't be used to sign in.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
