"""The figures of one detector on one series, and their means over series."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from vedette.app.bench.metrics.series import Series
from vedette.learn import EventCounts, auprc, auroc, best_events, bootstrap_interval, vus_pr

__all__ = ["MEASURES", "Measured", "events_row", "mean_of", "measured", "row_of"]

Floats = NDArray[Any]
Flags = NDArray[np.bool_]

MEASURES: Mapping[str, Callable[[Flags, Floats], float]] = {
    "vus_pr": vus_pr,
    "auprc": auprc,
    "auroc": auroc,
}


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One detector on one series. `rank` holds the measures by name, None where labels are of one kind alone.

    `best` are events at the threshold that the labels would choose.
    """

    name: str
    rank: dict[str, float | None]
    best: EventCounts
    cpu_us: float
    state_bytes: int


def measured(series: Series, score: Floats, *, cpu_us: float, state_bytes: int) -> Measured:
    """Measures scores of test's rows against its labels."""
    label = series.label
    defined = bool(label.any()) and not bool(label.all())
    return Measured(
        name=series.name,
        rank={
            name: measure(label, score) if defined else None for name, measure in MEASURES.items()
        },
        best=best_events(label, score),
        cpu_us=cpu_us,
        state_bytes=state_bytes,
    )


def mean_of(every: Sequence[Measured], measure: str) -> tuple[float, tuple[float, float]] | None:
    """The mean over the series that have it, and its bootstrap interval over them; None where none has."""
    values = [one.rank[measure] for one in every]
    known = [value for value in values if value is not None]
    if not known:
        return None
    return float(np.mean(known)), bootstrap_interval(known)


def row_of(every: Sequence[Measured], note: str) -> dict[str, Any]:
    """A detector's figures as plain values: means with their intervals, cost, the oracle's events, and each series."""
    row: dict[str, Any] = {"note": note}
    for measure in MEASURES:
        found = mean_of(every, measure)
        row[measure] = None if found is None else round(found[0], 4)
        row[f"{measure}_interval"] = None if found is None else [round(x, 4) for x in found[1]]
    row["cpu_us_per_row"] = round(float(np.mean([one.cpu_us for one in every])), 2)
    row["state_bytes"] = round(float(np.mean([one.state_bytes for one in every])))
    row["best_events"] = events_row([one.best for one in every])
    row["series"] = {
        one.name: {name: None if x is None else round(x, 4) for name, x in one.rank.items()}
        for one in every
    }
    return row


def events_row(counts: Sequence[EventCounts]) -> dict[str, Any]:
    """Recall, precision and false alarms a host-day over all series together, and the mean of each series' own F1."""
    total = sum(counts, EventCounts())
    with_events = [one for one in counts if one.events]
    return {
        "events": total.events,
        "found": total.found,
        "alarms": total.alarms,
        "false": total.false,
        "recall": round(total.recall, 4),
        "precision": round(total.precision, 4),
        "false_per_host_day": round(total.false_per_day, 3),
        "loud_rows_per_host_day": round(total.loud_per_day, 2),
        "mean_f1": round(float(np.mean([one.f1 for one in with_events])), 4)
        if with_events
        else None,
    }
