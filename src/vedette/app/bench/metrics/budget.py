"""The false-alarm budget: incidents asked for, and incidents that came, where nothing was labelled."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.app.bench.metrics.ours import Watched
from vedette.app.bench.metrics.series import Series
from vedette.learn import DAY, group_alarms, near_events, poisson_interval

__all__ = ["MONTH", "BudgetRow", "budget_row"]

Flags = NDArray[np.bool_]

MONTH = 30 * DAY
"""Rows of a host-month: one a minute."""


class BudgetRow(msgspec.Struct, frozen=True, kw_only=True):
    """`asked` and `came` are incidents a host-month; `interval` is the exact Poisson one of what came, 95 %."""

    asked: float
    incidents: int
    host_months: float
    came: float
    interval: tuple[float, float]
    hosts_with_any: int


def budget_row(asked: float, series: Sequence[Series], watched: Sequence[Watched]) -> BudgetRow:
    """Counts over train and test without what is labelled.

    Alarms at most 30 rows apart are one incident. One that opens in a labelled event, in the 10 rows before it or the 30
    after it, counts neither as an incident nor do those rows count as time; one that opens elsewhere counts wherever it ends.
    The rows in which the detector is too young to speak are time like any other.
    """
    counts, rows = [], 0
    for one, seen in zip(series, watched, strict=True):
        excluded = np.zeros(len(seen.alarm), np.bool_)
        excluded[seen.before :] = near_events(one.label)
        opened = [first for first, _ in group_alarms(seen.alarm) if not excluded[first]]
        counts.append(len(opened))
        rows += int((~excluded).sum())
    months, incidents = rows / MONTH, sum(counts)
    low, high = poisson_interval(incidents)
    return BudgetRow(
        asked=asked,
        incidents=incidents,
        host_months=round(months, 3),
        came=round(incidents / months, 2),
        interval=(round(low / months, 2), round(high / months, 2)),
        hosts_with_any=sum(count > 0 for count in counts),
    )
