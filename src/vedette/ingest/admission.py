"""When may what was spooled come in? Live snapshots always; old ones in slots, at a rate that leaves room for the live.

The law is a proportional one, and comes from Little's (waiting = rate x time): of what is behind, so many a second are let in as
the detector completes beyond the live ones, corrected so that the queue tends to hold `target_seconds` of work:

    rate = completed - live + (completed x target_seconds - depth) / target_seconds

(and no less than half of what the detector completes beyond the live ones). While the detector keeps up, depth stays near nothing and the rate doubles every `target_seconds`; once it can do no more, depth
reaches its target and the rate settles at what it does. It never falls below a small share, so no spool waits for ever.

A sender is told its next slot with each answer, so it need not ask in vain: only those that come for the first time are sent away,
once. Everything here answers from memory.
"""

import secrets
from collections import OrderedDict
from math import exp
from typing import Final

from vedette.core import Record, Throttled
from vedette.ingest.ports import Flow
from vedette.ingest.rate import TokenBuckets
from vedette.ingest.settings import IngestSettings

__all__ = ["Admission", "Admitted", "allowed_rate"]

_EARLY: Final = 0.25
"""Seconds before its slot that a sender is let in all the same: clocks and networks are no finer."""
_JITTER: Final = 0.2
_LIVE_SECONDS: Final = 5.0
_FORGET_SECONDS: Final = 900.0
_MOST_SENDERS: Final = 100_000


def allowed_rate(flow: Flow, live: float, settings: IngestSettings) -> float:
    """Old snapshots that may come in per second, of all senders together. `live` is the live ones' rate."""
    target = settings.target_seconds
    spare = max(0.0, flow.completed - live)
    # What was promised comes in slots that lie seconds ahead, so too strong a correction would swing.
    correction = max((flow.completed * target - flow.depth) / target, -spare / 2)
    return max(spare + correction, settings.least_rate, settings.least_share * flow.completed)


class _Schedule:
    """One tenant's slots, one after the other."""

    def __init__(self) -> None:
        self.free_at = 0.0
        self.used_at = 0.0
        self.slots: OrderedDict[str, float] = OrderedDict()

    def reserve(self, host: str, now: float, rate: float) -> float:
        slot = max(now, self.free_at)
        self.free_at = slot + 1.0 / rate
        self.slots[host] = slot
        self.slots.move_to_end(host)
        if len(self.slots) > _MOST_SENDERS:
            self.slots.popitem(last=False)
        return slot


class Admitted(Record, frozen=True, kw_only=True):
    """It may come in. `pace` is how many seconds its sender should wait before the next one; 0 for a live one."""

    behind: bool
    pace: float = 0.0


class Admission:
    """For one event loop. Times are monotonic seconds, lags seconds between a snapshot's making and its arrival."""

    def __init__(self, settings: IngestSettings) -> None:
        self._settings = settings
        # A host that sends no more than one an interval is live whatever its clock says.
        self._steady = TokenBuckets(rate=1.0 / settings.interval, burst=1, limit=_MOST_SENDERS)
        self._schedules: dict[str, _Schedule] = {}
        self._live = 0.0
        self._live_at = 0.0

    def admit(self, tenant: str, host: str, *, lag: float, now: float, flow: Flow) -> Admitted:
        """Lets one snapshot in, and says when its sender's next may come.

        Raises:
            Throttled: (backlog) it is old and its slot has not come; `retry_after` is until then and a little more.
        """
        if lag <= self._settings.live_intervals * self._settings.interval or self._is_steady(
            tenant, host, now
        ):
            self._count_live(now)
            return Admitted(behind=False)
        rate = allowed_rate(flow, self._live_rate(now), self._settings)
        schedule, share = self._schedule(tenant, now, rate)
        slot = schedule.slots.get(host)
        if slot is None or slot < now - _FORGET_SECONDS:
            slot = schedule.reserve(host, now, share)
        if slot > now + _EARLY:
            raise Throttled(
                "the server takes spooled snapshots one sender after the other; keep it and send it when it is your turn",
                kind="backlog",
                retry_after=(slot - now) * (1.0 + _JITTER * secrets.randbelow(1001) / 1000),
            )
        pace = schedule.reserve(host, max(now, slot), share) - now
        return Admitted(behind=True, pace=min(pace, self._settings.max_retry_seconds))

    def _is_steady(self, tenant: str, host: str, now: float) -> bool:
        """Whether the host sends no more than one an interval. Whoever keeps slots is working off a spool."""
        schedule = self._schedules.get(tenant)
        slot = schedule.slots.get(host) if schedule else None
        if slot is not None and now < slot + 0.9 * self._settings.interval:
            return False
        return self._steady.granted(f"{tenant}/{host}", now)

    def _schedule(self, tenant: str, now: float, rate: float) -> tuple[_Schedule, float]:
        """The tenant's schedule, and its share: tenants with spools to send share the rate evenly."""
        schedule = self._schedules.setdefault(tenant, _Schedule())
        schedule.used_at = now
        recent = now - self._settings.max_retry_seconds
        self._schedules = {
            name: each for name, each in self._schedules.items() if each.used_at >= recent
        }
        return schedule, rate / len(self._schedules)

    def _count_live(self, now: float) -> None:
        self._live = self._live_rate(now) + 1.0 / _LIVE_SECONDS
        self._live_at = now

    def _live_rate(self, now: float) -> float:
        return self._live * exp(-max(0.0, now - self._live_at) / _LIVE_SECONDS)
