"""The expert of metrics: gauges of operational faults, and all metrics together as a second voice."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any

import msgspec

from vedette.core import ConfigError
from vedette.detect.case import Case
from vedette.detect.knowledge import Tells
from vedette.detect.short import short
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
from vedette.detect.vitals.magnitude import clipped, impossible
from vedette.detect.vitals.sound import is_sound_tail, is_sound_watch, mend_bank
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
_NOTHING_BEFORE = -50.0
_TOLD = 3  # metrics named one by one


class VitalsPart(msgspec.Struct, kw_only=True):
    """What the bundle says of vitals: the nats that each gauge must pass, and what holds for one it doesn't name."""

    thresholds: dict[str, float] = {}
    threshold: float = 6.5


class VitalsState(msgspec.Struct, kw_only=True):
    """Of one host: the past of each gauge by metric, the bank, and the tail of the bank's scores.

    `before` is by how much the bank's last score passed its threshold. `lost` names what of this state could not be used
    and starts anew; it is told with the next snapshot.
    """

    watches: dict[str, Watch] = {}
    bank: Bank
    tail: Tail
    before: float = _NOTHING_BEFORE
    lost: list[str] = []


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

    def judge(self, views: Sequence[View], states: Sequence[VitalsState]) -> list[tuple[Case, ...]]:
        """One case for each gauge that has risen, and one for the metrics as a whole."""
        return [self._judge(view, state) for view, state in zip(views, states, strict=True)]

    def _judge(self, view: View, state: VitalsState) -> tuple[Case, ...]:
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
                cases.append(_case(gauge, watch, clipped(value), nats))
        whole = self._judge_whole(view, state)
        return (*cases, whole) if whole else tuple(cases)

    def doubts(self, view: View, state: VitalsState) -> tuple[tuple[str, str], ...]:
        """Values that can't be, and what had to start anew."""
        names = impossible(view.snapshot.metrics)
        told = [
            (
                f"metric:{name}",
                f"Impossible value: {short(name, 256)} is {view.snapshot.metrics[name]:.3g}",
            )
            for name in names[:_TOLD]
        ]
        if len(names) > _TOLD:
            told.append(("metrics", f"{len(names)} metrics have impossible values"))
        if state.lost:
            what = ", ".join(state.lost[:_TOLD])
            text = f"What was learned of {what} could not be used and starts anew"
            told.append(("state:vitals", text))
        return tuple(told)

    def learn(
        self, views: Sequence[View], states: Sequence[VitalsState], alarms: Sequence[bool]
    ) -> list[VitalsState]:
        """Takes the snapshots in; in alarm at a tenth of the pace. Leaves only numbers that can be gone on with."""
        return [
            _learn(view, state, alarm=alarm)
            for view, state, alarm in zip(views, states, alarms, strict=True)
        ]

    def tells(self, state: VitalsState) -> Tells:  # noqa: ARG002 - the contract's
        """Nothing yet."""
        return Tells()

    def dump(self, state: VitalsState) -> Any:
        """Lists and bytes."""
        watches = {
            name: msgspec.to_builtins(w, builtin_types=(bytes,))
            for name, w in state.watches.items()
        }
        tail = msgspec.to_builtins(state.tail, builtin_types=(bytes,))
        lost = [state.lost] if state.lost else []
        return [1, watches, dump_bank(state.bank), tail, state.before, *lost]

    def load(self, raw: Any) -> VitalsState:
        """The state of a dump. What of it can't be used starts anew."""
        version, watches, bank, tail, before, *lost = raw
        if version != 1:
            raise ValueError(f"vitals state of version {version}")
        state = VitalsState(
            watches=msgspec.convert(watches, dict[str, Watch]),
            bank=load_bank(bank),
            tail=msgspec.convert(tail, Tail),
            before=msgspec.convert(before, float),
        )
        state = _mended(state)
        state.lost = sorted({*state.lost, *msgspec.convert(lost[0] if lost else [], list[str])})
        return state

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


def _learn(view: View, state: VitalsState, *, alarm: bool) -> VitalsState:
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
    return _mended(state)


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


def _mended(state: VitalsState) -> VitalsState:
    broken = sorted(name for name, watch in state.watches.items() if not is_sound_watch(watch))
    for name in broken:
        del state.watches[name]
    mended = mend_bank(state.bank)
    state.bank = mended.bank
    state.lost = sorted({*broken, *mended.lost})
    if not (is_sound_tail(state.tail) and isfinite(state.before)):
        state.tail, state.before = Tail(), _NOTHING_BEFORE
        state.lost.append("the metrics together")
    return state


def _measured(metrics: dict[str, float]) -> dict[str, float]:
    # What can't be is left out like what was not sent: the bank's memory is long.
    apart = NEVER_MEASURED.union(impossible(metrics))
    return {name: value for name, value in metrics.items() if name not in apart}


def _minutes(view: View) -> float:
    return 1.0 if view.elapsed is None else min(_LONGEST_STEP, max(view.elapsed, 0.0) / 60.0)
