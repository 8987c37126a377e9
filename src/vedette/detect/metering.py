"""Which metrics a snapshot lacks that its host has always brought."""

from collections.abc import Collection, Sequence

from vedette.core import Snapshot
from vedette.detect.given import Given, told
from vedette.detect.short import short
from vedette.detect.vitals.gauges import GAUGES

__all__ = ["CORE_METRICS", "blind_metrics", "unread_families"]

_VOICES = frozenset(gauge.metric for gauge in GAUGES)
_MOST_FAMILIES = 64

CORE_METRICS = (
    "system.memory.utilization",
    "system.processes.count",
    "system.network.connections.established",
)
"""Metrics that every look brings. Rates and CPU utilization need two looks, so a restarted agent lacks them once."""


def unread_families(snapshot: Snapshot) -> list[str]:
    """The metric families that could not be read."""
    return sorted(name for name in snapshot.unread if name.startswith("system."))[:_MOST_FAMILIES]


def blind_metrics(
    snapshot: Snapshot,
    *,
    core: Sequence[str],
    width: int,
    unread: Collection[str] | None,
    given: Given,
) -> list[tuple[str, str]]:
    """What of the metrics is not seen, as (subject, text). The rest is what the host has shown, as in `Tables`."""
    blind = _missing(snapshot, core, width) or _lost_families(snapshot, unread)
    if blind:
        return blind
    late = tuple(f"{name}." for name in snapshot.unread)
    lost = [n for n in given.lost(snapshot.metrics, _VOICES) if not n.startswith(late)]
    return [("metrics", told(lost))] if lost else []


def _lost_families(snapshot: Snapshot, unread: Collection[str] | None) -> list[tuple[str, str]]:
    """Those that could be read before. The metrics that are left may be many, and all that must be there."""
    if unread is None:
        return []
    lost = [n for n in unread_families(snapshot) if n not in unread]
    late = [n for n in lost if snapshot.unread[n].startswith("timed out")]
    if not lost or late == lost:
        return []
    named = ", ".join(f"{short(n, 64)} ({short(snapshot.unread[n], 128)})" for n in lost[:3])
    return [("metrics", f"Metrics can no longer be read: {named}")]


def _missing(snapshot: Snapshot, core: Sequence[str], width: int) -> list[tuple[str, str]]:
    if not snapshot.metrics:
        return [("metrics", "The metrics are missing")]
    lost = [name for name in core if name not in snapshot.metrics]
    if lost:
        return [(f"metric:{name}", f"The metric {name} is missing") for name in lost]
    if 2 * len(snapshot.metrics) < width:
        return [("metrics", f"Only {len(snapshot.metrics)} metrics came, {width} are usual")]
    return []
