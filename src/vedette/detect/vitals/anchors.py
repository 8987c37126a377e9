"""An absolute memory of each gauge: a baseline of weeks, so that a rise in a thousand small steps is told once it is large.

The watch of a gauge compares with the last days, and what creeps in slowly enough is part of them. The anchor moves by

    a += k clip(x - a, 3 d),   d += k (min(|x - a|, 1.5 d) - d),   k by a half-life of ten days

so whatever a host sends it goes no faster than a fifth of its usual deviation d a day. What stands 8 scales over it in the
mean of the last half day is told:

    z = (mean - a) / max(1.25 d, 0.05 |a|, floor),   nats = 2.5 ln(1 + z^2 / 4) - 7

A rise that has been told for a day of looks and is still there is where the gauge stands now: the anchor takes it over, as
the other experts take over what was loud for 1,440 snapshots. A day of alarms is the least that it costs to move it at once.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.detect.vitals.fields import name_fields
from vedette.detect.vitals.gauges import FLOORS, GAUGES, MOST_OF

__all__ = ["ANCHORED", "Anchors", "crept", "learn_anchors"]

Floats = NDArray[Any]

_G = len(GAUGES)
_FIELDS = ("apart", "mean", "minutes", "told")
ANCHORED = _G * len(_FIELDS)
"""How many float32 numbers a host has beside the anchors, which are float64: they move by far less than what they are."""

_SLOW, _MEAN = 14_400.0, 720.0  # half-lives in minutes
_DAY = 1_440.0
_PULL, _WIDEN = 3.0, 1.5
_ASKED = 7.0  # nats: eight scales
_LOUD_LEARNED = 1_440.0
_LONGEST = 10.0
SILENT = -50.0


class Anchors:
    """Of H hosts and G gauges, views of two blocks: `exact` float64 [H, G] and `rough` float32 [H, 4 G].

    `value` is the anchor, `apart` the usual deviation from it, `mean` that of the last half day, `minutes` those it was
    seen for, `told` the looks in which it was told high.
    """

    value: Floats
    apart: Floats
    mean: Floats
    minutes: Floats
    told: Floats

    def __init__(self, exact: Floats, rough: Floats) -> None:
        self.value = exact
        name_fields(self, rough, _FIELDS)


def crept(anchors: Anchors) -> Floats:
    """[H, G]: nats over the threshold of each gauge's stand above its anchor; SILENT on its first day."""
    scale = np.maximum(1.25 * anchors.apart, 0.05 * np.abs(anchors.value))
    z = np.maximum((anchors.mean - anchors.value) / np.maximum(scale, FLOORS), 0.0)
    nats = 2.5 * np.log1p(z * z / 4.0) - _ASKED
    return np.where(anchors.minutes >= _DAY, nats, SILENT)


def learn_anchors(anchors: Anchors, values: Floats, minutes: Floats, shift: Floats) -> None:
    """Takes `values` [H, G] in, NaN where not sent, `minutes` [H] after those before. `shift` as in the view, [H]."""
    values = np.where(values <= MOST_OF, values, np.nan)
    here = ~np.isnan(values)
    past = np.clip(minutes, 0.0, _LONGEST)[:, None]
    fresh = here & (anchors.minutes <= 0.0)
    value = np.where(fresh, values, anchors.value)
    mean = np.where(fresh, values, anchors.mean)
    high = crept(anchors) + shift[:, None] > 0.0
    told = np.where(high, anchors.told + 1.0, np.maximum(anchors.told - 1.0, 0.0))
    # Young, it is the plain mean of what came; the deviation is at least what nobody minds.
    pace = np.maximum(
        _rate(_SLOW, past), past / (anchors.minutes + past + 1e-9) * (anchors.minutes < _DAY)
    )
    apart = np.maximum(anchors.apart, FLOORS)
    away = np.where(here, values, value) - value
    value = value + pace * np.clip(away, -_PULL * apart, _PULL * apart)
    apart = apart + pace * (np.minimum(np.abs(away), _WIDEN * apart) - apart)
    mean = mean + np.where(here, _rate(_MEAN, past), 0.0) * (np.where(here, values, mean) - mean)
    usual = told >= _LOUD_LEARNED
    anchors.value[:] = np.where(here, np.where(usual, mean, value), anchors.value)
    anchors.apart[:] = np.where(here, apart, anchors.apart)
    anchors.mean[:] = mean
    anchors.minutes[:] = np.where(here, np.minimum(anchors.minutes + past, 1e9), anchors.minutes)
    anchors.told[:] = np.where(usual, 0.0, told)


def _rate(half_life: float, minutes: Floats) -> Floats:
    rate: Floats = 1.0 - 0.5 ** (minutes / half_life)
    return rate
