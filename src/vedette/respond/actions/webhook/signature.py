"""Signs requests as Standard Webhooks says: HMAC-SHA256 over id, time and body, with each key that is valid."""

import base64
import hmac
from collections.abc import Sequence
from datetime import datetime

__all__ = ["signed_headers"]


def signed_headers(ident: str, at: datetime, body: bytes, keys: Sequence[bytes]) -> dict[str, str]:
    """`webhook-id`, `webhook-timestamp` (whole seconds) and `webhook-signature`, one for each key, the newest first.

    https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
    """
    seconds = str(int(at.timestamp()))
    signed = b".".join((ident.encode(), seconds.encode(), body))
    marks = (base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys)
    return {
        "webhook-id": ident,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{mark}" for mark in marks),
    }
