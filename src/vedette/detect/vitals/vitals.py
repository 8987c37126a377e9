"""The expert of metrics: gauges of operational faults, and all metrics together as a second voice."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from vedette.core import ConfigError
from vedette.detect.case import Case
from vedette.detect.view import View
from vedette.detect.vitals.bank import (
    Bank,
    attribute,
    dump_bank,
    fresh_bank,
    load_bank,
    read_bank,
    update_bank,
)
from vedette.detect.vitals.gauges import GAUGES, Gauge
from vedette.detect.vitals.tail import Tail, threshold, update_tail
from vedette.detect.vitals.watch import Watch, WatchReading, read_watch, update_watch
from vedette.detect.vitals.words import how_much, rise, usual

__all__ = ["VitalsExpert", "VitalsPart", "VitalsState"]

NEVER_MEASURED = frozenset({"system.uptime", "system.memory.limit", "system.cpu.logical.count"})
"""Metrics that only grow with time, or never change."""

_BANK_DAY = 1440.0  # minutes of history before the bank may speak
_BANK_PER_DAY = 0.2
_BANK_MARGIN, _BANK_MOST = 2.0, 1.0
_NAMED = -4.0  # below this a case says nothing to anybody
_LONGEST_STEP = 10.0  # minutes; a longer pause teaches no more than that


class VitalsPart(msgspec.Struct, kw_only=True):
    """What the bundle says of vitals: the nats that each gauge must pass, and what holds for one it doesn't name."""

    thresholds: dict[str, float] = {}
    threshold: float = 6.5


class VitalsState(msgspec.Struct, kw_only=True):
    """Of one host: the past of each gauge by metric, the bank, and the tail of the bank's scores.

    `before` is by how much the bank's last score passed its threshold.
    """

    watches: dict[str, Watch] = {}
    bank: Bank
    tail: Tail
    before: float = -50.0


class VitalsExpert:
    """Vitals. See `watch` and `bank` for what is computed."""

    name = "vitals"

    def __init__(self, part: Any) -> None:
        try:
            self.part = msgspec.convert(part, VitalsPart)
        except msgspec.ValidationError as error:
            raise ConfigError(f"the bundle's part for vitals can't be read: {error}") from error

    def fresh(self) -> VitalsState:
        """A host without a past."""
        return VitalsState(bank=fresh_bank(), tail=Tail())

    def judge(self, view: View, state: VitalsState) -> tuple[Case, ...]:
        """One case for each gauge that has risen, and one for the metrics as a whole."""
        if not view.count:
            return ()
        cases = []
        for gauge in GAUGES:
            watch, value = state.watches.get(gauge.metric), view.snapshot.metrics.get(gauge.metric)
            if watch is None or value is None:
                continue
            reading = read_watch(watch, gauge, value, _minutes(view))
            nats = self._over(gauge, reading)
            if nats > _NAMED:
                cases.append(_case(gauge, watch, value, nats))
        whole = self._judge_whole(view, state)
        return (*cases, whole) if whole else tuple(cases)

    def learn(self, view: View, state: VitalsState, *, alarm: bool) -> VitalsState:
        """Takes the snapshot in; in alarm at a tenth of the pace."""
        minutes, at = _minutes(view), view.snapshot.taken_at.timestamp()
        metrics = view.snapshot.metrics
        for gauge in GAUGES:
            value = metrics.get(gauge.metric)
            if value is None:
                continue
            watch = state.watches.setdefault(gauge.metric, Watch())
            reading = read_watch(watch, gauge, value, minutes)
            update_watch(watch, reading, value, minutes=minutes, at=at, alarm=alarm)
        measured = _measured(metrics)
        row = read_bank(state.bank, measured)
        state.before = row.score - threshold(state.tail, per_day=_BANK_PER_DAY)
        update_tail(state.tail, row.score, minutes=minutes, rare=alarm or state.before > 0.0)
        state.bank = update_bank(state.bank, row, measured, pace=0.1 if alarm else 1.0)
        return state

    def dump(self, state: VitalsState) -> Any:
        """Lists and bytes."""
        watches = {
            name: msgspec.to_builtins(w, builtin_types=(bytes,))
            for name, w in state.watches.items()
        }
        tail = msgspec.to_builtins(state.tail, builtin_types=(bytes,))
        return [1, watches, dump_bank(state.bank), tail, state.before]

    def load(self, raw: Any) -> VitalsState:
        """The state of a dump."""
        version, watches, bank, tail, before = raw
        if version != 1:
            raise ValueError(f"vitals state of version {version}")
        return VitalsState(
            watches=msgspec.convert(watches, dict[str, Watch]),
            bank=load_bank(bank),
            tail=msgspec.convert(tail, Tail),
            before=before,
        )

    def _over(self, gauge: Gauge, reading: WatchReading) -> float:
        return reading.nats - self.part.thresholds.get(gauge.metric, self.part.threshold)

    def _judge_whole(self, view: View, state: VitalsState) -> Case | None:
        # Two snapshots in a row, and a day of history: this voice is asked for certainty, not for speed.
        if state.tail.minutes < _BANK_DAY:
            return None
        reading = read_bank(state.bank, _measured(view.snapshot.metrics))
        over = reading.score - threshold(state.tail, per_day=_BANK_PER_DAY)
        nats = min(over, state.before, _BANK_MARGIN + _BANK_MOST) - _BANK_MARGIN
        if nats <= _NAMED:
            return None
        shares = attribute(state.bank, reading)
        first = sorted(shares, key=lambda name: (-shares[name], name))[:3]
        text = f"The metrics together are unlike this host's past, most of all {', '.join(first)}"
        return Case(expert=self.name, subject="metrics", nats=nats, text=text)


def _case(gauge: Gauge, watch: Watch, value: float, nats: float) -> Case:
    return Case(
        expert="vitals",
        subject=f"metric:{gauge.metric}",
        nats=nats,
        text=rise(gauge, watch, value),
        observed=how_much(gauge, value),
        expected=usual(gauge, watch),
        since=datetime.fromtimestamp(watch.since, UTC) if watch.since else None,
    )


def _measured(metrics: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in metrics.items() if name not in NEVER_MEASURED}


def _minutes(view: View) -> float:
    return 1.0 if view.elapsed is None else min(_LONGEST_STEP, max(view.elapsed, 0.0) / 60.0)
