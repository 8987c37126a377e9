"""Identifiers: strings that carry their type, made time-ordered or derived from what they identify."""

import hashlib
import os
import uuid
from typing import NewType

from vedette.core.clock import Clock

__all__ = [
    "ActionId",
    "CommandId",
    "Epoch",
    "HostId",
    "IncidentId",
    "TenantId",
    "VerdictId",
    "derived_id",
    "digest",
    "new_epoch",
    "new_id",
]

TenantId = NewType("TenantId", str)
HostId = NewType("HostId", str)
Epoch = NewType("Epoch", str)
VerdictId = NewType("VerdictId", str)
IncidentId = NewType("IncidentId", str)
ActionId = NewType("ActionId", str)
CommandId = NewType("CommandId", str)

_NAMESPACE = uuid.UUID("6f1c6d0e-7c4e-5b0a-9a55-5e3f0c8f4e6d")


def new_id(clock: Clock) -> str:
    """A UUID version 7 (RFC 9562): its text sorts by time of making, to the millisecond."""
    millis = int(clock.now().timestamp() * 1000)
    bits = (millis << 80) | int.from_bytes(os.urandom(10))
    bits = (bits & ~(0xF << 76)) | (0x7 << 76)
    bits = (bits & ~(0x3 << 62)) | (0x2 << 62)
    return str(uuid.UUID(int=bits))


def derived_id(*parts: object) -> str:
    """A UUID version 5 of the parts: the same parts give the same id on every machine and in every replay."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts)))


def new_epoch() -> Epoch:
    """A random epoch of 128 bits: the life of one agent's journal."""
    return Epoch(os.urandom(16).hex())


def digest(data: bytes) -> str:
    """SHA-256 of the bytes, as `sha256:<hex>`."""
    return "sha256:" + hashlib.sha256(data).hexdigest()
