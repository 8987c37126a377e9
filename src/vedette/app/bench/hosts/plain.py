"""Figures as plain values: by technique, by harmless change, and what was missed, not named, or false."""

from statistics import mean
from typing import Any

from vedette.core import Reason
from vedette.learn import FalseAlarm, Figures, FoundSegment, poisson_interval

__all__ = ["budget_row", "detail"]

_TOLD = 3  # reasons of each
_MONTH = 30.0  # days


def detail(figures: Figures) -> dict[str, Any]:
    """Everything that the summary sums up."""
    return {
        "by_technique": {name: _technique(every) for name, every in figures.techniques.items()},
        "benign": {
            kind: {"segments": one.segments, "incidents": one.incidents, "episodes": one.episodes}
            for kind, one in figures.benign.items()
        },
        "missed": [_where(one) for one in figures.segments if one.delay is None],
        "not_named": [
            _where(one) | {"reasons": _reasons(one.reasons)}
            for one in figures.segments
            if one.delay is not None and not one.is_named
        ],
        "false": [_false(one) for one in figures.false_incidents],
        "false_runs": [_false(one) for one in figures.false_episodes],
    }


def budget_row(asked: float, figures: Figures) -> dict[str, Any]:
    """False incidents a host-month at a budget, with their exact Poisson interval, and the segments found."""
    months, incidents = max(figures.quiet_days / _MONTH, 1e-9), len(figures.false_incidents)
    low, high = poisson_interval(incidents)
    return {
        "asked": asked,
        "incidents": incidents,
        "host_months": round(months, 4),
        "came": round(incidents / months, 2),
        "interval": [round(low / months, 2), round(high / months, 2)],
        "found": figures.found,
        "segments": len(figures.segments),
    }


def _technique(every: tuple[FoundSegment, ...]) -> dict[str, Any]:
    found = [one for one in every if one.delay is not None]
    return {
        "segments": len(every),
        "found": len(found),
        "delays": [one.delay for one in every],
        "mean_delay": round(mean(one.delay or 0 for one in found), 2) if found else None,
        "experts": sorted({one.reasons[0].expert for one in found if one.reasons}),
        "named": sum(one.is_named for one in found),
    }


def _where(one: FoundSegment) -> dict[str, Any]:
    segment = one.segment
    return {
        "file": segment.file,
        "from_seq": segment.from_seq,
        "technique": segment.technique,
        "what": segment.what,
        "alarm_before": one.before,
    }


def _false(one: FalseAlarm) -> dict[str, Any]:
    return {
        "file": one.file,
        "from_seq": one.from_seq,
        "to_seq": one.to_seq,
        "kind": one.kind,
        "reasons": _reasons(one.reasons),
    }


def _reasons(reasons: tuple[Reason, ...]) -> list[str]:
    return [f"{one.expert}: {one.subject}: {one.text}" for one in reasons[:_TOLD]]
