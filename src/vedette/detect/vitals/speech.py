"""What one host's look gives as cases, in words."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from msgspec.structs import replace

from vedette.detect.case import Case
from vedette.detect.vitals.bands import shares
from vedette.detect.vitals.banks import BANDS
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.wave import Group
from vedette.detect.vitals.words import Usual, how_much, metric_words, rise, usual

__all__ = ["crept_up", "nearly_full", "risen", "since", "usual_of", "whole"]

_TOLD = 3
_LEAST_SHARE = 0.1


def risen(group: Group, place: int, gauge_at: int, nats: float) -> Case:
    """The case of a gauge that is high."""
    gauge, past = GAUGES[gauge_at], usual_of(group, place, gauge_at)
    value = float(group.gauges[place, gauge_at])
    return Case(
        expert="vitals",
        subject=f"metric:{gauge.metric}",
        nats=nats,
        text=rise(gauge, past, value),
        observed=how_much(gauge.form, value),
        expected=usual(gauge, past),
        since=since(group, place, gauge_at),
    )


def nearly_full(group: Group, place: int, gauge_at: int, nats: float) -> Case:
    """The case of memory or a file system in which little room is left."""
    high = risen(group, place, gauge_at, nats)
    left = max(1.0 - float(group.gauges[place, gauge_at]), 0.0)
    return replace(high, text=f"{high.text}; {100.0 * left:.2g} percent is left")


def crept_up(group: Group, place: int, gauge_at: int, nats: float) -> Case:
    """The case of a gauge that was always near what it was shortly before, and has come far."""
    gauge, anchors = GAUGES[gauge_at], group.past.anchors
    now = how_much(gauge.form, float(anchors.mean[place, gauge_at]))
    before = how_much(gauge.form, float(anchors.value[place, gauge_at]))
    return Case(
        expert="vitals",
        subject=f"metric:{gauge.metric}",
        nats=nats,
        text=f"{gauge.words} crept up to {now} in the mean of half a day; over the last weeks it was {before}",
        observed=now,
        expected=f"about {before}, as in the last weeks",
    )


def usual_of(group: Group, place: int, gauge_at: int) -> Usual:
    """What is usual of a host's gauge."""
    watches = group.past.watches
    return Usual(
        low=float(watches.low[place, gauge_at]),
        high=float(watches.high[place, gauge_at]),
        run=int(watches.run[place, gauge_at]),
    )


def since(group: Group, place: int, gauge_at: int) -> datetime | None:
    """Since when the gauge is high."""
    began = float(group.past.watches.since[place, gauge_at])
    return datetime.fromtimestamp(began, UTC) if began else None


def whole(group: Group, place: int, nats: float) -> Case:
    """The case of the metrics together: those that have most of the score, as they are and as they would fit."""
    one = [place]
    alone = group.take(one) if len(group.views) > 1 else group
    share = shares(alone.bank)[0]
    names = group.past.layout.names
    order = sorted(range(len(names)), key=lambda at: (-share[at], names[at]))[:_TOLD]
    first = [at for at in order if share[at] >= _LEAST_SHARE] or order[:1]
    told = list(_told(alone, names, first))
    return Case(
        expert="vitals",
        voice="vitals.bank",
        subject="metrics",
        nats=nats,
        text=f"The metrics together are unlike this host's past, most of all {'; '.join(told)}",
        observed=", ".join(f"{names[at]}={alone.rows[0, at]:.6g}" for at in first),
        expected=", ".join(f"{names[at]}={_fitting(alone, at):.6g}" for at in first),
    )


def _told(alone: Group, names: tuple[str, ...], first: list[int]) -> Iterator[str]:
    for at in first:
        yield metric_words(names[at], float(alone.rows[0, at]), _fitting(alone, at))


def _fitting(alone: Group, at: int) -> float:
    """The level of the host's past where that is what the metric left, else where it stood in the last minutes."""
    band = int(np.argmax(np.abs(alone.bank.z[0, :, 1, at])))
    banks = alone.past.banks
    return float(banks.mean[0, band, 1, at] if band == BANDS - 1 else banks.filters[0, 1, at])
