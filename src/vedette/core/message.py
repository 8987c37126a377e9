"""What the queue carries: one sealed snapshot on its way from the door to the detector."""

from datetime import datetime

from vedette.core.record import Record
from vedette.core.snapshot import Identity

__all__ = ["Message"]


class Message(Record, frozen=True, kw_only=True):
    """`body` is the sealed envelope as it came; `digest` its SHA-256 (`sha256:<hex>`).

    `behind` when it was taken long before it came: it waits until live snapshots of other hosts are served.
    """

    identity: Identity
    digest: str
    body: bytes
    received_at: datetime
    behind: bool = False

    @property
    def lane(self) -> str:
        """What order is kept within: the tenant and the host."""
        return f"{self.identity.tenant}/{self.identity.host}"
