"""When may what was spooled come in? Live snapshots always; old ones in turn, at a rate that leaves room for the live.

The law is a proportional one, and comes from Little's (waiting = rate x time): of what is behind, so many a second are let in as
the detector completes beyond the live ones, corrected so that the queue tends to hold `target_seconds` of work:

    rate = completed - live + (completed x target_seconds - depth) / target_seconds

(and no less than half of what the detector completes beyond the live ones). While the detector keeps up, depth stays near nothing and the rate doubles every `target_seconds`; once it can do no more, depth
reaches its target and the rate settles at what it does. It never falls below a small share, so no spool waits for ever.

A sender is told with each answer when its next turn will be, at the present rate, so it need not ask in vain: only those that come
for the first time are sent away, and those whose turn lies further away than `max_retry_seconds`. Everything here answers from
memory.
"""

import secrets
from collections import OrderedDict
from math import exp
from typing import Final, NamedTuple

from vedette.core import Record, Throttled
from vedette.ingest.ports import Flow
from vedette.ingest.rate import TokenBuckets
from vedette.ingest.settings import IngestSettings

__all__ = ["Admission", "Admitted", "allowed_rate"]

_EARLY: Final = 0.25
"""Seconds before its turn that a sender is let in all the same: clocks and networks are no finer."""
_JITTER: Final = 0.2
_LIVE_SECONDS: Final = 5.0
_FORGET_SECONDS: Final = 900.0
_MOST_SENDERS: Final = 100_000


def allowed_rate(flow: Flow, live: float, settings: IngestSettings) -> float:
    """Old snapshots that may come in per second, of all senders together. `live` is the live ones' rate."""
    target = settings.target_seconds
    spare = max(0.0, flow.completed - live)
    # What was promised comes at turns that lie seconds ahead, so too strong a correction would swing.
    correction = max((flow.completed * target - flow.depth) / target, -spare / 2)
    return max(spare + correction, settings.least_rate, settings.least_share * flow.completed)


class _Place(NamedTuple):
    """A sender's place, and when its turn was to be by what it was told (monotonic seconds)."""

    number: float
    due: float


class _Schedule:
    """One tenant's places, one after the other. The turn moves on at the rate of the moment.

    So whoever waits may come in sooner when the rate has risen since it got its place; when the rate has fallen it may come
    when it was told, for to send it away again would cost as much as to take it.
    """

    def __init__(self, now: float) -> None:
        self.used_at = now
        self.places: OrderedDict[str, _Place] = OrderedDict()
        self._turn = 0.0
        self._free = 0.0
        self._rate = 1.0

    def move(self, now: float, rate: float) -> None:
        self._turn += max(0.0, now - self.used_at) * rate
        self._rate = rate
        self.used_at = now

    def wait(self, host: str) -> float:
        """Seconds until the host may come in; 0 or below: now."""
        place = self.places[host]
        return min((place.number - self._turn) / self._rate, place.due - self.used_at)

    def reserve(self, host: str) -> float:
        """Gives the host the next place, and the seconds until then."""
        number = max(self._turn, self._free)
        self._free = number + 1.0
        wait = (number - self._turn) / self._rate
        self.places[host] = _Place(number, self.used_at + wait)
        self.places.move_to_end(host)
        if len(self.places) > _MOST_SENDERS:
            self.places.popitem(last=False)
        return wait


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
            Throttled: (backlog) it is old and its turn has not come; `retry_after` is until then and a little more.
        """
        if lag <= self._settings.live_intervals * self._settings.interval or self._is_steady(
            tenant, host, now
        ):
            self._count_live(now)
            return Admitted(behind=False)
        longest = self._settings.max_retry_seconds
        schedule = self._schedule(tenant, now, flow)
        place = schedule.places.get(host)
        if place is None or place.due < now - _FORGET_SECONDS:
            schedule.reserve(host)
        wait = schedule.wait(host)
        if wait > _EARLY:
            raise Throttled(
                "the server takes spooled snapshots one sender after the other; keep it and send it when it is your turn",
                kind="backlog",
                retry_after=min(wait, longest) * (1.0 + _JITTER * secrets.randbelow(1001) / 1000),
            )
        return Admitted(behind=True, pace=min(schedule.reserve(host), longest))

    def _is_steady(self, tenant: str, host: str, now: float) -> bool:
        """Whether the host sends no more than one an interval. Whoever has a place is working off a spool."""
        schedule = self._schedules.get(tenant)
        place = schedule.places.get(host) if schedule else None
        if place is not None and now < place.due + 0.9 * self._settings.interval:
            return False
        return self._steady.granted(f"{tenant}/{host}", now)

    def _schedule(self, tenant: str, now: float, flow: Flow) -> _Schedule:
        """The tenant's schedule, moved on: tenants with spools to send share the rate evenly."""
        schedule = self._schedules.setdefault(tenant, _Schedule(now))
        recent = now - self._settings.max_retry_seconds
        self._schedules = {
            name: each
            for name, each in self._schedules.items()
            if each is schedule or each.used_at >= recent
        }
        rate = allowed_rate(flow, self._live_rate(now), self._settings)
        schedule.move(now, rate / len(self._schedules))
        return schedule

    def _count_live(self, now: float) -> None:
        self._live = self._live_rate(now) + 1.0 / _LIVE_SECONDS
        self._live_at = now

    def _live_rate(self, now: float) -> float:
        return self._live * exp(-max(0.0, now - self._live_at) / _LIVE_SECONDS)
