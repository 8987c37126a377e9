"""A quiet host's life through the detector's step, for tests to go on with."""

from collections.abc import Sequence
from typing import Any

from tests.fixtures.quiet_host import changed, quiet_snapshots

from vedette.core import Epoch, HostId, Snapshot
from vedette.detect import Arrival, Detector, Scored

__all__ = [
    "ONE",
    "OTHER",
    "THIRD",
    "TWO",
    "arrivals",
    "following",
    "play",
    "subjects",
    "then",
]

ONE, TWO = Epoch("e1"), Epoch("e2")
OTHER = HostId("c0ffee00-3a8b-4f39-9c1b-0d8f5a3c2b10")
THIRD = HostId("decade00-3a8b-4f39-9c1b-0d8f5a3c2b10")


def arrivals(snapshots: Sequence[Snapshot], epoch: Epoch = ONE) -> list[Arrival]:
    return [Arrival(epoch=epoch, snapshot=snapshot) for snapshot in snapshots]


def play(
    detector: Detector,
    some: Sequence[Arrival],
    *,
    batch: int = 1,
    states: dict[HostId, bytes | None] | None = None,
) -> tuple[list[Scored], dict[HostId, bytes | None]]:
    """Steps through the arrivals, every state going through its bytes between batches."""
    kept = dict(states or {})
    answers: list[Scored] = []
    for at in range(0, len(some), batch):
        part = some[at : at + batch]
        for arrival, scored in zip(part, detector.step(part, kept), strict=True):
            if scored.state is not None:
                kept[arrival.snapshot.host.id] = scored.state
            answers.append(scored)
    return answers, kept


def then(detector: Detector, grown: dict[HostId, bytes | None], snapshot: Snapshot) -> Scored:
    return detector.step(arrivals([snapshot]), grown)[0]


def following(**fields: Any) -> Snapshot:
    return changed(next(quiet_snapshots(1, first=41)), **fields)


def subjects(scored: Scored) -> set[str]:
    return {reason.subject for reason in scored.reasons}
