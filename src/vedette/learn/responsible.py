"""Whether the metrics that a detector names are those that were to blame (OmniAnomaly, KDD 2019, section 5.5)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vedette.core import Record

__all__ = ["Blame", "HitRates", "chance_rates", "hit_rates"]

Floats = NDArray[Any]


class Blame(Record, frozen=True, kw_only=True):
    """An event of rows `first` to `last` (both inclusive, from 0), and the places of the metrics to blame."""

    first: int
    last: int
    metrics: tuple[int, ...]


class HitRates(Record, frozen=True, kw_only=True):
    """Means over `events`. `full` and `half_more`: the share of the blamed among as many, and half as many more, of the first named."""

    events: int
    full: float
    half_more: float
    first: float

    @classmethod
    def mean(cls, rates: "Sequence[HitRates]") -> "HitRates":
        """Over all events, each counting the same."""
        events = sum(rate.events for rate in rates)

        def over(name: str) -> float:
            return float(sum(getattr(rate, name) * rate.events for rate in rates)) / max(events, 1)

        return cls(
            events=events, full=over("full"), half_more=over("half_more"), first=over("first")
        )


def hit_rates(blamed: Sequence[Blame], shares: Sequence[Floats]) -> HitRates:
    """`shares` holds one array [D] for each event: how much each metric has to do with it, by the detector."""
    each = [_one(blame, np.asarray(share)) for blame, share in zip(blamed, shares, strict=True)]
    return HitRates.mean(each)


def chance_rates(blamed: Sequence[Blame], metrics: int) -> HitRates:
    """What metrics named in random order get."""
    return HitRates.mean([_chance(len(blame.metrics), metrics) for blame in blamed])


def _one(blame: Blame, share: Floats) -> HitRates:
    order = np.argsort(-share, kind="stable").tolist()
    count, right = len(blame.metrics), set(blame.metrics)

    def hits(most: int) -> float:
        return len(right.intersection(order[:most])) / count

    return HitRates(
        events=1,
        full=hits(count),
        half_more=hits(3 * count // 2),
        first=float(order[0] in right),
    )


def _chance(count: int, metrics: int) -> HitRates:
    return HitRates(
        events=1,
        full=min(count / metrics, 1.0),
        half_more=min((3 * count // 2) / metrics, 1.0),
        first=count / metrics,
    )
