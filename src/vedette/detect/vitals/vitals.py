"""The expert of metrics: gauges of operational faults, and all metrics together as a second voice."""

from collections.abc import Sequence
from math import log
from typing import Any

import msgspec
import numpy as np

from vedette.core import ConfigError
from vedette.detect.case import Case
from vedette.detect.combination import VOICES
from vedette.detect.knowledge import Tells
from vedette.detect.rarity import FleetTail
from vedette.detect.short import short
from vedette.detect.view import View
from vedette.detect.vitals.anchors import crept, learn_anchors
from vedette.detect.vitals.bands import learn_rows, level
from vedette.detect.vitals.errands import (
    CAP,
    Beside,
    High,
    accounts_for,
    errands,
    is_under_way,
    somebody_clears,
)
from vedette.detect.vitals.falls import shallow
from vedette.detect.vitals.fast import KINDS, learn_fast
from vedette.detect.vitals.gauges import GAUGES
from vedette.detect.vitals.losses import losses, lost_case
from vedette.detect.vitals.past import VitalsState, fresh_state
from vedette.detect.vitals.quick import quick
from vedette.detect.vitals.room import filled
from vedette.detect.vitals.sound import is_sound
from vedette.detect.vitals.speech import crept_up, nearly_full, risen, whole
from vedette.detect.vitals.stalls import learn_stalls
from vedette.detect.vitals.standstill import stalled, stopped
from vedette.detect.vitals.stored import dump_state, load_state
from vedette.detect.vitals.watches import RISEN, learn_watches
from vedette.detect.vitals.wave import Group, Note, look, noted

__all__ = ["VitalsExpert", "VitalsPart", "VitalsState"]

_NAMED = -4.0  # below this a case says nothing to anybody
_BANK_MOST = 3.0  # the bank's say, in nats: it can't tell a fault from what is only rare
_BANK_DAY = 1440.0  # looks of history before it may speak: what a day brings is usual
_TOLD = 3  # metrics named one by one
_ALARM_PACE = 0.1
_BANK_SHARE = log(VOICES["vitals.bank"])  # of the budget


_SLOW = {"high": risen, "crept": crept_up, "full": nearly_full}
_WAYS = (*_SLOW, *KINDS)
_BY_ERRANDS = frozenset(
    {"high", "trend", "jump"}
)  # the ways of a gauge that work under way explains

Loud = dict[int, list[tuple[int, str, float]]]
"""By place in a group: gauge, one of the ways it may be strange in, nats."""


class VitalsPart(msgspec.Struct, kw_only=True):
    """What the bundle says of vitals: the nats that each gauge must pass, and what holds for one it doesn't name.

    `fast` are those of the quick voice, by kind and gauge (`trend:system.memory.utilization`), `quickly` for the others.
    `fleet` is the tail of the bank's scores on a host that is new.
    """

    thresholds: dict[str, float] = {}
    threshold: float = 6.5
    fast: dict[str, float] = {}
    quickly: float = 6.5
    fleet: FleetTail = FleetTail()


class VitalsExpert:
    """Vitals. See `watches` and `bands` for what is computed."""

    name = "vitals"

    def __init__(self, part: Any) -> None:
        try:
            self.part = msgspec.convert(part, VitalsPart)
        except msgspec.ValidationError as error:
            raise ConfigError(f"the bundle's part for vitals can't be read: {error}") from error
        asked = [self.part.thresholds.get(g.metric, self.part.threshold) for g in GAUGES]
        self._thresholds = np.array(asked)
        self._fast = np.array(
            [
                [self.part.fast.get(f"{kind}:{g.metric}", self.part.quickly) for g in GAUGES]
                for kind in KINDS
            ]
        )

    def fresh(self) -> VitalsState:
        """A host without a past."""
        return fresh_state(self.part.fleet)

    def judge(self, views: Sequence[View], states: Sequence[VitalsState]) -> list[tuple[Case, ...]]:
        """One case for each gauge that has risen, and one for the metrics as a whole."""
        notes = look(views, states)
        for state, note in zip(states, notes, strict=True):
            state.note = note
        groups = {id(note.group): note.group for note in notes}
        loud = {key: self._loud(group) for key, group in groups.items()}
        more = {key: self._more(group) for key, group in groups.items()}
        return [
            self._cases(state, loud[id(note.group)], more[id(note.group)]) if view.count else ()
            for view, note, state in zip(views, notes, states, strict=True)
        ]

    def doubts(self, view: View, state: VitalsState) -> tuple[tuple[str, str], ...]:
        """Values that can't be, and what had to start anew."""
        told = _impossible(view)
        if state.lost:
            what = ", ".join(state.lost[:_TOLD])
            text = f"What was learned of {what} could not be used and starts anew"
            told.append(("state:vitals", text))
        return tuple(told)

    def learn(
        self, views: Sequence[View], states: Sequence[VitalsState], alarms: Sequence[bool]
    ) -> list[VitalsState]:
        """Takes the snapshots in; in alarm, or where only an errand explains a gauge, at a tenth of the pace. Leaves only numbers that can be gone on with.

        A host whose clock stands still learns nothing.
        """
        notes = noted(views, states)
        members: dict[int, list[int]] = {}
        after: dict[int, VitalsState] = {}
        for at, note in enumerate(notes):
            if views[at].stopped:
                # Nobody knows how much time the look stands for, so it can teach no pace.
                after[at] = msgspec.structs.replace(states[at], lost=[], note=None)
            else:
                members.setdefault(id(note.group), []).append(at)
        for some in members.values():
            group = notes[some[0]].group.take([notes[at].place for at in some])
            loud = self._loud(group)
            beside = [
                notes[at].beside
                or _beside_errands(group, place, loud.get(place, ()), states[at].worked)
                for place, at in enumerate(some)
            ]
            # What work explains is no more usual for it: the next that comes without work is told.
            slow = np.array(
                [alarms[at] or one.spared for at, one in zip(some, beside, strict=True)]
            )
            with np.errstate(all="ignore"):
                _learn_group(group, slow)
            if not is_sound(group.past.exact, group.past.rough):
                raise ArithmeticError("a past of metrics learned what is no number")
            after |= {
                at: group.past.state(place, worked=beside[place].worked)
                for place, at in enumerate(some)
            }
        return [after[at] for at in range(len(views))]

    def tells(self, _state: VitalsState) -> Tells:
        """Nothing yet."""
        return Tells()

    def dump(self, state: VitalsState) -> Any:
        """Lists and bytes."""
        return dump_state(state)

    def load(self, raw: Any) -> VitalsState:
        """The state of a dump. What of it can't be used starts anew."""
        return load_state(raw, self.part.fleet)

    def _loud(self, group: Group) -> Loud:
        """By place in the group, the gauges that have something to say, in which way most, and how many nats."""
        past = group.past
        slow = (
            group.watch.nats - self._thresholds,
            crept(past.anchors),
            filled(past.watches, past.fast.trends, group.gauges),
        )
        over = np.concatenate((np.stack(slow, axis=1), group.fast.nats - self._fast), axis=1)
        way, most = over.argmax(axis=1), over.max(axis=1)
        found: Loud = {}
        for place, gauge in zip(
            *(axis.tolist() for axis in np.nonzero(most > _NAMED)), strict=True
        ):
            said = (gauge, _WAYS[way[place, gauge]], float(most[place, gauge]))
            found.setdefault(place, []).append(said)
        return found

    def _more(self, group: Group) -> dict[int, list[Case]]:
        """By place in the group, what is said of packets that are lost and of traffic that has stopped."""
        found = {place: list(map(lost_case, some)) for place, some in losses(group).items()}
        for place, stall in stalled(group, self.part.quickly + _NAMED).items():
            case = stopped(group, place, stall, self.part.quickly)
            found.setdefault(place, []).append(case)
        return found

    def _cases(
        self, state: VitalsState, loud: Loud, more: dict[int, list[Case]]
    ) -> tuple[Case, ...]:
        note: Note = state.note
        group, place = note.group, note.place
        said: Said = loud.get(place, ())
        if said:
            beside = _beside_errands(group, place, said, state.worked)
            state.note, said = note._replace(beside=beside), beside.said
        cases = [
            _SLOW[way](group, place, gauge, nats)
            if way in _SLOW
            else quick(group, place, way, gauge, nats)
            for gauge, way, nats in said
        ]
        cases += more.get(place, ())
        nats = min(float(group.nats[place]) + _BANK_SHARE, _BANK_MOST)
        if nats > _NAMED and group.past.banks.units[place] >= _BANK_DAY:
            cases.append(whole(group, place, nats))
        return tuple(cases)


Said = Sequence[tuple[int, str, float]]


def _beside_errands(group: Group, place: int, said: Said, worked: float) -> Beside:
    """What work under way accounts for is no alarm by itself."""
    high = np.nonzero(group.watch.z[place] >= RISEN)[0].tolist()
    gauges = {gauge for gauge, way, _ in said if way in _BY_ERRANDS}.union(high)
    if not gauges:
        return Beside(said, worked)
    view = group.views[place]
    work = errands(view)
    highs = {gauge: _high(group, place, gauge) for gauge in gauges}
    theirs = {gauge for gauge, high in highs.items() if accounts_for(work, high, view, worked)}
    if any(is_under_way(work, highs[gauge], view) for gauge in theirs):
        worked = view.snapshot.taken_at.timestamp()
    mine = [gauge in theirs and way in _BY_ERRANDS for gauge, way, _ in said]
    told = [
        (gauge, way, min(nats, CAP) if explained else nats)
        for (gauge, way, nats), explained in zip(said, mine, strict=True)
    ]
    spared = any(nats > 0.0 and one for (_, _, nats), one in zip(said, mine, strict=True))
    return Beside(told, worked, spared)


def _high(group: Group, place: int, gauge: int) -> High:
    watches = group.past.watches
    return High(
        metric=GAUGES[gauge].metric,
        value=float(group.gauges[place, gauge]),
        usual=float(watches.high[place, gauge]),
        since=float(watches.since[place, gauge]),
    )


def _learn_group(group: Group, alarms: Any) -> None:
    banks, watches = group.past.banks, group.past.watches
    shift = np.array([view.shift for view in group.views])
    learn_watches(
        watches,
        group.watch,
        group.gauges,
        minutes=group.time.minutes,
        at=group.at,
        alarms=alarms,
        booting=group.booting,
    )
    cleared = np.zeros(len(group.views), dtype=bool)
    for place in np.nonzero(shallow(group.fast.fall))[0]:
        cleared[place] = somebody_clears(group.views[place])
    learn_fast(group.past.fast, group.fast, group.gauges, alarms, group.booting, cleared)
    learn_stalls(group.past.stalls, group.stall, alarms, np.minimum(group.fast.waited, 10.0))
    group.past.rarity.learn(
        group.bank.score,
        group.nats,
        levels=level(banks),
        minutes=group.time.minutes,
        shift=shift + _BANK_SHARE,
    )
    learn_anchors(group.past.anchors, group.gauges, group.time.minutes, shift)
    learn_rows(banks, group.bank, group.time, np.where(alarms, _ALARM_PACE, 1.0))
    banks.boot[:] = np.where(group.boot > 0.0, group.boot, banks.boot)


def _impossible(view: View) -> list[tuple[str, str]]:
    names, metrics = view.impossible, view.snapshot.metrics
    told = [
        (f"metric:{name}", f"Impossible value: {short(name, 256)} is {metrics[name]:.3g}")
        for name in names[:_TOLD]
    ]
    if len(names) > _TOLD:
        told.append(("metrics", f"{len(names)} metrics have impossible values"))
    return told
