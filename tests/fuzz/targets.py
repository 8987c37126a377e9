"""All targets by name."""

from tests.fuzz.envelopes import ENVELOPES
from tests.fuzz.secrets import SECRETS
from tests.fuzz.signatures import SIGNATURES
from tests.fuzz.snapshots import SNAPSHOTS

__all__ = ["TARGETS"]

TARGETS = {target.name: target for target in (*ENVELOPES, *SIGNATURES, *SECRETS, *SNAPSHOTS)}
