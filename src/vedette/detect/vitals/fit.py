"""Thresholds of vitals from recordings of normal activity."""

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np

from vedette.core import Snapshot
from vedette.detect.view import View
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.vitals import VitalsExpert, VitalsPart
from vedette.detect.vitals.wave import look

__all__ = ["fit", "loudest"]

_WARM = 30
_LEAST, _MARGIN = 6.5, 1.5


def fit(recordings: Iterable[Iterable[Snapshot]]) -> dict[str, Any]:
    """Each gauge's threshold: the most it says on any host after 30 snapshots of it, and a margin; never under 6.5."""
    most: dict[str, float] = {}
    for recording in recordings:
        for metric, nats in loudest(recording).items():
            most[metric] = max(nats, most.get(metric, 0.0))
    thresholds = {metric: round(max(_LEAST, most[metric] + _MARGIN), 1) for metric in sorted(most)}
    part = VitalsPart(thresholds=thresholds, threshold=max([_LEAST, *thresholds.values()]))
    built: dict[str, Any] = msgspec.to_builtins(part)
    return built


def loudest(recording: Iterable[Snapshot]) -> dict[str, float]:
    """The most nats that each gauge says over one host's recording, judged before learned, from snapshot 30 on."""
    expert = VitalsExpert({})
    state, before = expert.fresh(), None
    most = np.zeros(len(GAUGES))
    for count, snapshot in enumerate(recording):
        elapsed = (snapshot.taken_at - before).total_seconds() if before else None
        view = View(snapshot=snapshot, count=count, elapsed=elapsed)
        before = snapshot.taken_at
        (note,) = look([view], [state])
        if count >= _WARM:
            most = np.maximum(most, note.group.watch.nats[0])
        state.note = note
        (state,) = expert.learn([view], [state], [False])
    return {gauge.metric: float(nats) for gauge, nats in zip(GAUGES, most, strict=True)}
