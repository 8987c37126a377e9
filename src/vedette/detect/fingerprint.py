"""Short names of things for a host's state: 8 bytes of BLAKE2b, as a whole number."""

import hashlib

__all__ = ["fingerprint"]


def fingerprint(*parts: str) -> int:
    """An unsigned number below 2**64, the same on every machine."""
    data = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
