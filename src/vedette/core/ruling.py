"""A verdict as its host is told it: by an agent that waits for it, signed, and perhaps with leave to act on it at once."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from vedette.core.action import Command
from vedette.core.ids import Epoch, HostId, TenantId, VerdictId
from vedette.core.record import Record
from vedette.core.snapshot import Identity
from vedette.core.verdict import Confirmation, Label, Severity, Verdict

__all__ = ["OWN_POLICY", "Ruling", "Waiter", "Wish", "unfit"]

OWN_POLICY = "host:self-quarantine"
"""The policy that an action answers which a host does by its own settings."""


class Wish(Record, frozen=True, kw_only=True):
    """What a host would do by itself: quarantine itself on an abnormal verdict of this severity at least.

    `confirmed`: only on one that more than one snapshot or more than one expert stands behind. `lease` is in seconds.
    """

    severity: Severity = Severity.CRITICAL
    confirmed: bool = True
    lease: Annotated[float, Meta(ge=60, le=86_400)] = 600.0


class Waiter(Record, frozen=True, kw_only=True):
    """A snapshot whose verdict is waited for until a moment; `digest` is its envelope's."""

    tenant: TenantId
    host: HostId
    epoch: Epoch
    seq: int
    digest: str
    until: datetime
    wish: Wish | None = None

    @property
    def identity(self) -> Identity:
        """Of the snapshot."""
        return Identity(tenant=self.tenant, host=self.host, epoch=self.epoch, seq=self.seq)


class Ruling(Record, frozen=True, kw_only=True):
    """What is signed: bound to one snapshot of one host by identity and `digest`, and good until `expires_at`.

    `command` is the leave to act on it at once, where the host asked for that and nothing was against it; `withheld` says
    what was. `reasons` are the first few, in words.
    """

    verdict: VerdictId
    tenant: TenantId
    host: HostId
    epoch: Epoch
    seq: int
    digest: str
    label: Label
    severity: Severity
    score: float
    model: str
    confirmation: Confirmation
    late: bool
    reasons: tuple[str, ...]
    signed_at: datetime
    expires_at: datetime
    command: Command | None = None
    withheld: str = ""

    @property
    def identity(self) -> Identity:
        """Of the snapshot."""
        return Identity(tenant=self.tenant, host=self.host, epoch=self.epoch, seq=self.seq)


def unfit(wish: Wish, verdict: Verdict | Ruling) -> str:
    """Why a verdict is not one that the wish is about; empty when it is. Asked by the server, and again by the host."""
    if verdict.label is not Label.ABNORMAL:
        return f"the verdict is {verdict.label}, not abnormal"
    if verdict.late:
        return "the snapshot came late"
    if verdict.severity.rank < wish.severity.rank:
        return f"the verdict is of severity {verdict.severity}, and only {wish.severity} or worse is acted on"
    behind = verdict.confirmation
    if wish.confirmed and behind.abnormal < 2 and behind.experts < 2:
        return (
            "the verdict is not confirmed: one snapshot is abnormal by it, and no two experts agree"
        )
    return ""
