"""Short names of things for a host's state: 8 bytes of BLAKE2b, as a whole number."""

import hashlib
from functools import lru_cache

__all__ = ["fingerprint", "known_print"]

_REMEMBERED = 1_024  # letters of a text whose fingerprint is remembered


def fingerprint(*parts: str) -> int:
    """An unsigned number below 2**64, the same on every machine."""
    data = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")


def known_print(text: str) -> int:
    """The fingerprint of one text that is likely to be asked for again."""
    return _print(text) if len(text) <= _REMEMBERED else fingerprint(text)


@lru_cache(maxsize=16384)
def _print(text: str) -> int:
    return fingerprint(text)
