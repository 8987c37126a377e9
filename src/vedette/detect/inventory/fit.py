"""Makes the inventory expert's part of a model bundle from recordings of normal activity."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from vedette.core import Snapshot
from vedette.detect.fingerprint import fingerprint
from vedette.detect.inventory.expert import InventoryExpert
from vedette.detect.inventory.part import InventoryPart
from vedette.detect.odds import DAY
from vedette.detect.recording import views

__all__ = ["Study", "fit", "study"]


class Study(NamedTuple):
    """What one host's recording holds: its snapshots, the bursts of changes by mark, and the facts."""

    snapshots: int
    bursts: Counter[str]
    facts: frozenset[int]


def study(recording: Iterable[Snapshot]) -> Study:
    """One host's recording, all of it normal. Changes of one kind in one snapshot count as one burst."""
    expert, snapshots = InventoryExpert(), 0
    state = expert.fresh()
    bursts: Counter[str] = Counter()
    facts: set[int] = set()
    for view in views(recording):
        seen = expert.look(view, state)
        bursts.update({case.mark for case in seen.opened.values() if not case.explained})
        for reading in seen.readings.values():
            facts |= {
                fingerprint(fact.kind, fact.key, fact.value) for fact in reading.facts.values()
            }
        (state,) = expert.learn([view], [state], [False])
        snapshots += 1
    return Study(snapshots, bursts, frozenset(facts))


def fit(studies: Iterable[Study]) -> Any:
    """The part that comes of these hosts' recordings."""
    days, hosts = 0.0, 0
    bursts: Counter[str] = Counter()
    holders: Counter[int] = Counter()
    for one in studies:
        for _ in range(one.snapshots):
            days += 1.0 / DAY
        hosts += 1
        bursts.update(one.bursts)
        holders.update(one.facts)
    part = InventoryPart(
        days=days,
        bursts=dict(sorted(bursts.items())),
        hosts=hosts,
        holders={fact: many for fact, many in sorted(holders.items()) if many > 1},
    )
    return msgspec.to_builtins(part)
