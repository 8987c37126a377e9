"""What goes into the detector, and what comes out."""

from vedette.core import (
    Confirmation,
    Epoch,
    FactChange,
    Label,
    Reason,
    Record,
    Saying,
    Severity,
    Snapshot,
)
from vedette.detect.knowledge import Contribution, Knowledge

__all__ = ["Arrival", "Scored"]


class Arrival(Record, frozen=True, kw_only=True):
    """A snapshot, opened and checked, and the epoch of the journal it was taken under.

    `replayed`: it comes back from the dead letters, after its time, whatever came since. `contested`: lately a number of
    its epoch came a second time with other content, so two agents have this identity. `knowledge` is the version that this
    snapshot may see of its cohort and fleet. `sayings` are what people said of this host or its cohort lately.
    """

    epoch: Epoch
    snapshot: Snapshot
    replayed: bool = False
    contested: bool = False
    knowledge: Knowledge = Knowledge()
    sayings: tuple[Saying, ...] = ()


class Scored(Record, frozen=True, kw_only=True):
    """The detector's answer to one arrival.

    `score` is the sigmoid of the judge's log odds (0.5 is the threshold); `experts` each expert's own part, 0..1.
    `confirmation` is what stands behind an alarm. `facts` are what this snapshot changed. `state` is the host's next state;
    it is None when the snapshot came late and nothing may be touched. Of a late one that shows a former epoch to go on, that alone is in it. `needed` names tables
    that the host should send in full. `shared` marks the first snapshot by which two agents are seen to have this identity.
    `told` is what others learn from this snapshot.
    """

    label: Label
    score: float
    severity: Severity
    experts: dict[str, float] = {}
    reasons: tuple[Reason, ...] = ()
    confirmation: Confirmation = Confirmation()
    facts: tuple[FactChange, ...] = ()
    late: bool = False
    state: bytes | None = None
    needed: tuple[str, ...] = ()
    shared: bool = False
    told: Contribution = Contribution()
