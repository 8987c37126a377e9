"""What Vedette thinks of one snapshot, and why."""

from datetime import datetime
from enum import StrEnum

from vedette.core.ids import Epoch, HostId, TenantId, VerdictId, derived_id
from vedette.core.record import Record
from vedette.core.snapshot import Identity

__all__ = ["Confirmation", "Label", "Reason", "Severity", "Verdict", "replayed_id", "verdict_id"]


class Label(StrEnum):
    """`abnormal` counts as an alarm at any severity; `unknown` is said when blind or too young."""

    NORMAL = "normal"
    ABNORMAL = "abnormal"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """From least to most; `rank` orders them."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for none to 4 for critical."""
        return list(Severity).index(self)


class Reason(Record, frozen=True, kw_only=True):
    """One ground of a verdict, in words a tired person understands.

    `expert` is vitals, inventory, behaviour or judge; `subject` the thing itself (`cron:/etc/cron.d/x`), stable over
    snapshots so that it can name a cause; `attack` a MITRE ATT&CK technique id; `share` the part of the score, 0..1.
    """

    expert: str
    subject: str
    text: str
    attack: str | None = None
    observed: str = ""
    expected: str = ""
    since: datetime | None = None
    share: float = 0.0


class Confirmation(Record, frozen=True, kw_only=True):
    """What stands behind an alarm, for those who would act on it by themselves.

    Of the last `of` snapshots (this one counts, ten at most) `abnormal` were abnormal by a thing that this one is abnormal
    by too; `experts` agree now, each at least half sure. All 0 when the snapshot is not abnormal.
    """

    abnormal: int = 0
    of: int = 0
    experts: int = 0


class Verdict(Record, frozen=True, kw_only=True):
    """One per snapshot. `score` is 0..1; `experts` each expert's own calibrated part, 0..1.

    `model` is the bundle's digest, `knowledge` the cohort-knowledge version it saw, `input_digest` the SHA-256 of the
    envelope's bytes, `budget` the incidents per host-month that were asked for (0: not recorded). A `late` verdict did not touch the host's state; `of` links a replayed dead letter's verdict to
    the first one.
    """

    id: VerdictId
    tenant: TenantId
    host: HostId
    epoch: Epoch
    seq: int
    taken_at: datetime
    decided_at: datetime
    label: Label
    score: float
    severity: Severity
    reasons: tuple[Reason, ...] = ()
    experts: dict[str, float] = {}
    model: str = ""
    knowledge: int = 0
    input_digest: str = ""
    budget: float = 0.0
    confirmation: Confirmation = Confirmation()
    late: bool = False
    of: VerdictId | None = None

    @property
    def identity(self) -> Identity:
        """Of the snapshot it judges."""
        return Identity(tenant=self.tenant, host=self.host, epoch=self.epoch, seq=self.seq)


def verdict_id(identity: Identity) -> VerdictId:
    """The id of the first verdict on this snapshot: derived, so that a repeat can't make a second."""
    return VerdictId(
        derived_id("verdict", identity.tenant, identity.host, identity.epoch, identity.seq)
    )


def replayed_id(first: VerdictId) -> VerdictId:
    """The id of the verdict on a replayed dead letter, linked to the first one: derived, so that there is only one."""
    return VerdictId(derived_id("verdict-replayed", first))
