"""Makes the inventory expert's part of a model bundle from recordings of normal activity."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import msgspec

from vedette.core import Snapshot
from vedette.detect.fingerprint import fingerprint
from vedette.detect.inventory.expert import InventoryExpert
from vedette.detect.inventory.part import InventoryPart
from vedette.detect.odds import DAY
from vedette.detect.recording import views

__all__ = ["fit"]


def fit(recordings: Iterable[Iterable[Snapshot]]) -> Any:
    """One recording for each host, all of it normal. Changes of one kind in one snapshot count as one burst."""
    days, hosts = 0.0, 0
    bursts: Counter[str] = Counter()
    holders: Counter[int] = Counter()
    for recording in recordings:
        expert = InventoryExpert()
        state = expert.fresh()
        facts: set[int] = set()
        for view in views(recording):
            seen = expert.look(view, state)
            bursts.update({case.mark for case in seen.opened.values() if not case.explained})
            for reading in seen.readings.values():
                facts |= {
                    fingerprint(fact.kind, fact.key, fact.value) for fact in reading.facts.values()
                }
            (state,) = expert.learn([view], [state], [False])
            days += 1.0 / DAY
        hosts += 1
        holders.update(facts)
    part = InventoryPart(
        days=days,
        bursts=dict(sorted(bursts.items())),
        hosts=hosts,
        holders={fact: many for fact, many in sorted(holders.items()) if many > 1},
    )
    return msgspec.to_builtins(part)
