"""A wave of hosts cut into groups of the same metrics, and what one look says of each."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vedette.detect.fingerprint import fingerprint
from vedette.detect.view import View
from vedette.detect.vitals.bands import CHUNK, REFRESH, Reading, read_rows
from vedette.detect.vitals.errands import Beside
from vedette.detect.vitals.fast import FastReading, beyond, read_fast
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.layout import Layout
from vedette.detect.vitals.past import Past, VitalsState
from vedette.detect.vitals.seats import SEATS, strangers, with_strangers
from vedette.detect.vitals.stalls import FLOWS, StallReading, read_stalls
from vedette.detect.vitals.tempo import Tempo, tempo
from vedette.detect.vitals.watches import WatchReading, booting, read_watches

__all__ = ["Group", "Note", "look", "noted"]

Floats = NDArray[Any]

_GAUGES = tuple(gauge.metric for gauge in GAUGES)
_SERVED = [
    _GAUGES.index(f"system.network.connections.{state}") for state in ("established", "time_wait")
]
_WIRES = _SERVED[0]
_BUSY = [_GAUGES.index(f"system.cpu.{name}") for name in ("utilization", "load_average.1m")]
_FEW = 4.0  # connections that say nothing of visitors
_BOOT = 60.0  # seconds that one boot's time may be told differently
_LATEST = 1e12
_CORES = "system.cpu.logical.count"
_READINGS = frozenset({"time", "bank", "watch", "fast", "stall"})


class Group(NamedTuple):
    """H hosts with the same metrics: what is known of them, and what their `views` say.

    `rows` [H, D] and `gauges` [H, G] are the values, NaN where not sent; `at` [H] the times and `boot` [H] the boot times
    in Unix seconds; `nats` [H] how rare the bank's score is.
    """

    views: list[View]
    past: Past
    rows: Floats
    gauges: Floats
    at: Floats
    boot: Floats
    time: Tempo
    booting: Floats
    bank: Reading
    watch: WatchReading
    fast: FastReading
    stall: StallReading
    nats: Floats

    def take(self, which: list[int]) -> "Group":
        """These hosts alone, copied."""
        if which == list(range(len(self.views))):
            return self
        some = self._asdict()
        for name, value in some.items():
            if isinstance(value, np.ndarray):
                some[name] = value[which]
            elif name in _READINGS:
                some[name] = _taken(value, which)
        return Group(
            **some | {"views": [self.views[at] for at in which], "past": self.past.take(which)}
        )


def _taken(reading: Any, which: list[int]) -> Any:
    """A reading of these hosts alone; it may hold others."""
    parts = (
        part[which] if isinstance(part, np.ndarray) else _taken(part, which) for part in reading
    )
    return type(reading)(*parts)


class Note(NamedTuple):
    """Where in a group a host's look was computed, and what its gauges say beside errands, once that was asked."""

    group: Group
    place: int
    beside: Beside | None = None


def look(views: Sequence[View], states: Sequence[VitalsState]) -> list[Note]:
    """What each host's snapshot says beside its past. Changes nothing.

    Raises:
        ArithmeticError, ValueError, LookupError: a state holds what no learning leaves.
    """
    seated = [_seated(view, state) for view, state in zip(views, states, strict=True)]
    together: dict[tuple[str, ...], list[int]] = {}
    for at, state in enumerate(seated):
        together.setdefault(state.layout.names, []).append(at)
    notes: dict[int, Note] = {}
    for members in together.values():
        for first in range(0, len(members), CHUNK):
            some = members[first : first + CHUNK]
            with np.errstate(all="ignore"):
                group = _group([views[at] for at in some], [seated[at] for at in some])
            notes |= {at: Note(group, place) for place, at in enumerate(some)}
    return [notes[at] for at in range(len(views))]


def noted(views: Sequence[View], states: Sequence[VitalsState]) -> list[Note]:
    """As `look`, but what was just computed of the same views is taken from the states' notes."""
    found = [state.note for state in states]
    if all(
        note is not None and note.group.views[note.place] is view
        for note, view in zip(found, views, strict=True)
    ):
        return found
    return look(views, states)


def _seated(view: View, state: VitalsState) -> VitalsState:
    """The state with a seat for every metric of the snapshot, as far as there are seats."""
    sent = view.metrics.keys()
    if sent <= state.layout.familiar:
        return state
    past = state.past()
    banks = with_strangers(past.banks, strangers(past.banks, sent))
    if banks is past.banks:
        return state
    moved = past.with_banks(banks)
    if not state.layout.size:
        moved.banks.phase[:] = fingerprint(str(view.snapshot.host.id)) % REFRESH
    return moved.state(0, lost=state.lost)


def _group(views: list[View], states: list[VitalsState]) -> Group:
    block = np.frombuffer(bytearray().join([state.record for state in states]), np.uint8)
    past = Past(states[0].layout, block.reshape(len(states), -1))
    rows, gauges = _values(past.layout, [view.metrics for view in views])
    at = np.array([view.snapshot.taken_at.timestamp() for view in views])
    boot = np.array([_boot_time(view) for view in views])
    minutes = np.array([np.nan if v.elapsed is None else v.elapsed / 60.0 for v in views])
    time = tempo(past.banks, minutes, _booted(past, at, boot, minutes))
    bank = read_rows(past.banks, rows, time)
    young = booting(bank.up * np.maximum(1.0, time.spacing))
    watch = read_watches(past.watches, _beside_traffic(past, gauges), time.minutes, young)
    fast = read_fast(past.fast, gauges, time.minutes, _cores(views), young)
    stall = read_stalls(
        past.stalls, _flows(past.layout, rows), gauges[:, _WIRES], fast.counts, young
    )
    nats = past.rarity.nats(bank.score)
    if not all(np.isfinite(x).all() for x in (bank.score, watch.nats, fast.nats, stall.nats)):
        raise ArithmeticError("a past of metrics gives no finite score")
    return Group(views, past, rows, gauges, at, boot, time, young, bank, watch, fast, stall, nats)


def _values(layout: Layout, metrics: list[Mapping[str, float]]) -> tuple[Floats, Floats]:
    """[H, D] and [H, G], NaN where not sent. Only where all seats are taken may a gauge have none."""
    unseated = _GAUGES if layout.size >= SEATS else ()
    wanted = (*layout.names, *(name for name in unseated if name not in layout.seat))
    values = np.full((len(metrics), len(wanted) + 1), np.nan)
    if wanted:
        pick = itemgetter(*wanted)
        values[:, :-1] = np.array([_picked(pick, wanted, row) for row in metrics]).reshape(
            len(metrics), -1
        )
    place = {name: at for at, name in enumerate(wanted)}
    gauges = values[:, [place.get(name, -1) for name in _GAUGES]]
    return values[:, : layout.size], gauges


def _flows(layout: Layout, rows: Floats) -> Floats:
    """[H, 2]: what is sent and received, NaN where not sent or without a seat."""
    seats = [layout.seat.get(name) for name in FLOWS]
    none = np.full(len(rows), np.nan)
    return np.stack([none if at is None else rows[:, at] for at in seats], axis=1)


def _beside_traffic(past: Past, gauges: Floats) -> Floats:
    """With connections, and what ended ones leave behind, counted by the traffic: so many times as many serve so many times as much.

    Processors too, as far as both more is sent and more are connected than ever: visitors bring both.
    """
    counted = gauges.copy()
    more = beyond(past.fast, gauges)
    connected = np.nan_to_num(gauges[:, _WIRES], nan=0.0)
    visitors = np.maximum(connected / np.maximum(past.watches.high[:, _WIRES], _FEW), 1.0)
    counted[:, _SERVED] /= more[:, None]
    counted[:, _BUSY] /= np.minimum(more, visitors)[:, None]
    return counted


def _picked(
    pick: Callable[[Mapping[str, float]], Any], wanted: Sequence[str], metrics: Mapping[str, float]
) -> Any:
    try:
        return pick(metrics)
    except KeyError:
        return [metrics.get(name, np.nan) for name in wanted]


def _booted(past: Past, at: Floats, boot: Floats, minutes: Floats) -> Floats:
    """Whether a machine came up since its last look. A clock that was set moves its boot time too, but not past that look."""
    before = past.banks.boot
    newer = (before > 0.0) & (boot > before + _BOOT)
    after = np.isnan(minutes) | (at - boot <= minutes * 60.0 + _BOOT)
    booted: Floats = newer & after
    return booted


def _cores(views: list[View]) -> Floats:
    """[H]: how many processors these hosts say they have; 1 where they don't."""
    told = np.array([view.metrics.get(_CORES, 1.0) for view in views])
    cores: Floats = np.clip(np.nan_to_num(told, nan=1.0), 1.0, 4096.0)
    return cores


def _boot_time(view: View) -> float:
    boot = view.snapshot.host.boot_time
    return float(boot) if boot is not None and isfinite(boot) and 0.0 < boot < _LATEST else 0.0
