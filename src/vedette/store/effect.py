"""What one snapshot does to the store, and what became of it."""

from datetime import datetime
from enum import StrEnum

import msgspec

from vedette.core import (
    Action,
    Epoch,
    FactChange,
    HostDescription,
    Incident,
    IncidentEvent,
    Record,
    Verdict,
)
from vedette.store.cohorts import Telling

__all__ = ["Applied", "Effect", "StoredState"]


class StoredState(Record, frozen=True, kw_only=True):
    """What the detector knows of a host. `(epoch, last_seq, version)` tells two states of one host apart."""

    epoch: Epoch
    last_seq: int
    version: int
    blob: bytes
    last_taken_at: datetime

    @property
    def mark(self) -> tuple[Epoch, int, int]:
        """What compare-and-set compares."""
        return (self.epoch, self.last_seq, self.version)


class Effect(Record, frozen=True, kw_only=True):
    """What one snapshot leads to, all of it or nothing.

    `description` is None for a snapshot that could not be opened. `state` is the host's new state, None to leave it as it is;
    `expected` the state that all of this was decided on, None when there was none (or, with no new state, when none was
    looked at). `read` names every table that this snapshot showed in full, changed or not (those in `facts` are counted
    in anyhow). `needed` names the tables that the agent should send in full; None leaves what was named before. `heard` is
    the state after a late snapshot that made something known without being followed: it keeps its place in `(epoch, last_seq)`.
    `shared` marks the first snapshot by which two agents are seen to have this host's identity. `stale` says that the snapshot
    was taken too long ago to tell that the host is normal now; its verdict is of then, and stays. `told` is what
    other hosts learn from it.
    """

    verdict: Verdict
    description: HostDescription | None = None
    state: bytes | None = None
    expected: StoredState | None = None
    facts: tuple[FactChange, ...] = ()
    read: tuple[str, ...] = ()
    needed: tuple[str, ...] | None = None
    heard: bytes | None = None
    shared: bool = False
    stale: bool = False
    incidents: tuple[Incident, ...] = ()
    events: tuple[IncidentEvent, ...] = ()
    actions: tuple[Action, ...] = ()
    told: Telling | None = None

    @property
    def blind(self) -> bool:
        """Whether nothing but the verdict came of the snapshot, because it could not be read."""
        return self.description is None and self.state is None

    @property
    def result(self) -> StoredState | None:
        """The host's state once this is applied: what the next effect of the host in the same batch must expect."""
        if self.state is None:
            return self._after_hearing()
        return StoredState(
            epoch=self.verdict.epoch,
            last_seq=self.verdict.seq,
            version=self.expected.version + 1 if self.expected else 1,
            blob=self.state,
            last_taken_at=self.verdict.taken_at,
        )

    def _after_hearing(self) -> StoredState | None:
        if self.heard is None or self.expected is None:
            return self.expected
        return msgspec.structs.replace(
            self.expected, version=self.expected.version + 1, blob=self.heard
        )


class Applied(StrEnum):
    """`duplicate`: this snapshot has its verdict already. `lost`: the host's state is not the one expected: decide anew."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    LOST = "lost"
