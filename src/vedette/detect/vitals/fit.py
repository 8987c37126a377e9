"""Thresholds of vitals from recordings of normal activity."""

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from vedette.core import Snapshot
from vedette.detect.view import View
from vedette.detect.vitals.fast import KINDS
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.vitals import VitalsExpert, VitalsPart
from vedette.detect.vitals.wave import look

__all__ = ["fit", "study"]

_WARM = 30
_LEAST, _MARGIN = 6.5, 1.5


def fit(studies: Iterable[dict[str, float]]) -> dict[str, Any]:
    """Each gauge's threshold: the most it says on any host after 30 snapshots of it, and a margin; never under 6.5.

    So it is with each kind of the quick voice.
    """
    most: dict[str, float] = {}
    for loudest in studies:
        for metric, nats in loudest.items():
            most[metric] = max(nats, most.get(metric, 0.0))
    thresholds = {metric: round(max(_LEAST, most[metric] + _MARGIN), 1) for metric in sorted(most)}
    slow = {name: nats for name, nats in thresholds.items() if ":" not in name}
    part = VitalsPart(
        thresholds=slow,
        threshold=max([_LEAST, *slow.values()]),
        fast={name: nats for name, nats in thresholds.items() if ":" in name and nats > _LEAST},
        quickly=_LEAST,
    )
    built: dict[str, Any] = msgspec.to_builtins(part)
    return built


def study(recording: Iterable[Snapshot]) -> dict[str, float]:
    """The most nats that each gauge says, by itself and by kind of the quick voice (`trend:...`), over one host's recording, judged before learned, from snapshot 30 on."""
    expert = VitalsExpert({})
    state, before = expert.fresh(), None
    most, quickest = np.zeros(len(GAUGES)), np.zeros((len(KINDS), len(GAUGES)))
    for count, snapshot in enumerate(recording):
        elapsed = (snapshot.taken_at - before).total_seconds() if before else None
        view = View(snapshot=snapshot, count=count, elapsed=elapsed)
        before = snapshot.taken_at
        (note,) = look([view], [state])
        if count >= _WARM:
            most = np.maximum(most, note.group.watch.nats[0])
            quickest = np.maximum(quickest, note.group.fast.nats[0])
        state.note = note
        (state,) = expert.learn([view], [state], [False])
    names = [gauge.metric for gauge in GAUGES]
    found = dict(zip(names, most.tolist(), strict=True))
    for kind, row in zip(KINDS, quickest.tolist(), strict=True):
        found |= {f"{kind}:{name}": nats for name, nats in zip(names, row, strict=True)}
    return found
