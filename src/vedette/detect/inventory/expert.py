"""The inventory expert: surprise of a new, changed or vanished fact."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from vedette.detect.case import Case
from vedette.detect.inventory.excuses import is_taken_away
from vedette.detect.inventory.hostile import EVIDENCE, FOOTHOLDS, VANISHED
from vedette.detect.inventory.kinds import PASSING, WIDENING
from vedette.detect.inventory.look import Look, look
from vedette.detect.inventory.part import InventoryPart
from vedette.detect.inventory.reading import Reading
from vedette.detect.inventory.state import InventoryState, Open, Watched
from vedette.detect.knowledge import Tells
from vedette.detect.odds import WORTH_TELLING
from vedette.detect.short import short
from vedette.detect.view import View

__all__ = ["InventoryExpert"]

_QUIET_LEARNED = 60  # snapshots until a quiet change is usual
_PASSING_LEARNED = 3  # one of what seldom stays so long
_LOUD_LEARNED = 1_440  # and a loud one that nobody minded
_QUIET = -2.0  # nats under which a case is quiet
_ASKED = 10  # snapshots in which a question is asked
_UNANSWERED = 3.0  # nats that it loses after: whoever would answer has seen it, and the host must go on learning
_MOST_CASES = 60
_MOST_OPEN = 400
_MOST_UNANSWERED = 400
_MOST_VALUES = 6  # values remembered of one key
_MOST_KEYS = 3_000  # keys remembered of one kind
_FORGET_VANISHED = 60  # snapshots until a vanished thing is no longer missed
_MOST_WATCHED = 200
_LETTERS = 300  # kept of a watched thing's texts


class InventoryExpert:
    """Judges facts: users, keys, sudo rules, jobs, units, modules, mounts, SUID programs, watched files, ports.

    `part` is what `fit` made (None or empty: the reviewed priors alone).
    """

    name = "inventory"

    def __init__(self, part: Any = None) -> None:
        self._part = InventoryPart.load(part or {})
        self._looks: dict[int, tuple[View, InventoryState, Look]] = {}

    def fresh(self) -> InventoryState:
        """The state of a host that nobody has seen yet."""
        return InventoryState()

    def judge(
        self, views: Sequence[View], states: Sequence[InventoryState]
    ) -> list[tuple[Case, ...]]:
        """One case per new, changed or vanished thing; the strongest of each subject, strongest first."""
        self._looks.clear()
        return [self._judge(view, state) for view, state in zip(views, states, strict=True)]

    def _judge(self, view: View, state: InventoryState) -> tuple[Case, ...]:
        seen = self.look(view, state)
        best: dict[str, Case] = {}
        told = [self._case(case) for case in (*seen.kept.values(), *seen.opened.values())]
        told += [self._gone(thing, score, view) for thing, score in seen.vanished]
        for case in sorted(told, key=lambda case: (-case.nats, case.subject, case.text)):
            if case.nats > WORTH_TELLING:
                best.setdefault(case.subject, case)
        return tuple(best.values())[:_MOST_CASES]

    def doubts(self, _view: View, _state: InventoryState) -> tuple[tuple[str, str], ...]:
        """None: what this expert can't see is told by the tables."""
        return ()

    def learn(
        self, views: Sequence[View], states: Sequence[InventoryState], alarms: Sequence[bool]
    ) -> list[InventoryState]:
        """Takes over what is new; quiet cases become usual after 60 snapshots without alarm, loud ones after 1,440."""
        after = [
            self._learn(view, state, alarm=alarm)
            for view, state, alarm in zip(views, states, alarms, strict=True)
        ]
        self._looks.clear()
        return after

    def _learn(self, view: View, state: InventoryState, *, alarm: bool) -> InventoryState:
        seen = self.look(view, state)
        _take_over(state, seen)
        if not alarm:
            _count_bursts(state, seen)
        state.open = dict(list({**seen.kept, **seen.opened}.items())[-_MOST_OPEN:])
        _hear(state, view)
        _age(state, alarm=alarm)
        _watch(view, state, seen)
        state.package_tables, state.closed = seen.packages, seen.closed
        state.versions = {kind: dict(held) for kind, held in seen.versions.items()}
        state.lists, state.causes = seen.lists, seen.causes
        state.listeners = view.listeners
        state.since_package = min(seen.since_package, 1_000)
        if view.snapshot.host.boot_time > state.boot + 30.0:
            state.boot = view.snapshot.host.boot_time
        state.since_boot = 1_000 if view.count == 0 else min(seen.since_boot, 1_000)
        return state

    def tells(self, state: InventoryState) -> Tells:
        """Every fact that was learned as normal."""
        return Tells(state.prints())

    def dump(self, state: InventoryState) -> Any:
        """The state as MessagePack's types."""
        return state.dump()

    def load(self, raw: Any) -> InventoryState:
        """Raises ValueError when it is not a dumped state."""
        return InventoryState.load(raw)

    def look(self, view: View, state: InventoryState) -> Look:
        """What the view says to this state; judging and learning one snapshot read it once."""
        held = self._looks.get(id(view))
        if held is not None and held[0] is view and held[1] is state:
            return held[2]
        seen = look(view, state, self._part)
        self._looks[id(view)] = view, state, seen
        return seen

    def _case(self, case: Open) -> Case:
        evidence = EVIDENCE.get(case.mark)
        asks = evidence is not None and evidence.asks and not case.condemned
        return Case(
            expert=self.name,
            subject=case.subject,
            nats=case.nats - _silence(asks=asks, snapshots=case.age),
            text=case.text,
            attack=case.attack,
            observed=case.observed,
            expected=case.expected,
            since=datetime.fromtimestamp(case.since, UTC),
            print=case.print,
            hard=case.hard,
            foothold=case.mark in FOOTHOLDS,
            accounted=case.accounted,
        )

    def _gone(self, thing: Watched, score: float, view: View) -> Case:
        evidence = VANISHED[thing.evidence]
        condemned = thing.condemned or view.heard.condemns(thing.subject)
        asks = evidence.asks and not condemned
        return Case(
            expert=self.name,
            subject=thing.subject,
            nats=score - _silence(asks=asks, snapshots=thing.missing),
            text=evidence.text.format(shown=thing.shown),
            attack=evidence.attack,
            observed="no longer there",
            expected="it was there since this host is watched",
            since=datetime.fromtimestamp(thing.gone, UTC) if thing.gone else None,
        )


def _silence(*, asks: bool, snapshots: int) -> float:
    """Nats that a question loses which stood for so many snapshots and was not answered."""
    return _UNANSWERED if asks and snapshots >= _ASKED else 0.0


def _take_over(state: InventoryState, seen: Look) -> None:
    """Learns what a first reading shows, and what is newly looked at."""
    for kind, reading in seen.readings.items():
        known = state.known.setdefault(kind, {})
        fresh = [pair for pair in reading.facts if reading.wider and pair[0] not in known]
        for key, value in reading.facts if reading.first else fresh:
            _remember(known, key, value)
        if kind in WIDENING:
            state.read_under[kind] = seen.config
    state.config = seen.config


def _remember(known: dict[int, list[int]], key: int, value: int) -> None:
    values = known.pop(key, [])
    if value not in values:
        values.append(value)
    known[key] = values[-_MOST_VALUES:]
    if len(known) > _MOST_KEYS:
        del known[next(iter(known))]


def _count_bursts(state: InventoryState, seen: Look) -> None:
    loudest: dict[str, float] = {}
    for case in seen.opened.values():
        if case.explained:
            # The rate is that of things that nothing explains.
            continue
        loudest[case.mark] = max(loudest.get(case.mark, case.nats), case.nats)
    for mark, score in loudest.items():
        if score < 0.0:
            state.bursts[mark] = state.bursts.get(mark, 0) + 1


def _hear(state: InventoryState, view: View) -> None:
    for name, case in list(state.open.items()):
        case.condemned = case.condemned or view.heard.condemns(case.subject)
        if view.pardons(case.subject, case.print):
            _remember(state.known.setdefault(case.kind, {}), case.key, case.value)
            state.unanswered = [one for one in state.unanswered if one != case.print]
            state.bursts[case.mark] = state.bursts.get(case.mark, 0) + 1
            del state.open[name]
    if not view.heard.pardoned and not view.heard.condemned:
        # Most watched things are only carried along, and need not be opened.
        return
    for things in state.watched.values():
        for key, thing in list(things.items()):
            if thing.missing and view.pardons(thing.subject):
                del things[key]
            elif thing.missing and view.heard.condemns(thing.subject):
                thing.condemned = True


def _age(state: InventoryState, *, alarm: bool) -> None:
    for name, case in list(state.open.items()):
        if case.condemned:
            continue
        passing = case.kind in PASSING
        quiet = case.nats < (0.0 if passing else _QUIET)
        case.age += 0 if quiet and alarm else 1
        soon = _PASSING_LEARNED if passing else _QUIET_LEARNED
        if case.age >= (soon if quiet else _LOUD_LEARNED):
            _remember(state.known.setdefault(case.kind, {}), case.key, case.value)
            del state.open[name]
            if case.nats > 0.0 and case.mark in FOOTHOLDS:
                state.unanswered = [*state.unanswered, case.print][-_MOST_UNANSWERED:]


def _watch(view: View, state: InventoryState, seen: Look) -> None:
    now = view.snapshot.taken_at.timestamp()
    for kind in seen.told:
        reading = seen.readings.get(kind.name)
        if reading is None and kind.name in state.idle:
            state.idle[kind.name] += 1
            continue
        idle = state.idle.pop(kind.name, 0)
        things = state.watched.setdefault(kind.name, {})
        present = None if reading is None else _watchable(reading)
        for key, thing in list(things.items()):
            thing.seen += idle
            if thing.missing if present is None else key not in present:
                thing.gone = thing.gone if thing.missing else now
                thing.missing += 1
                if thing.missing > _FORGET_VANISHED or is_taken_away(thing.evidence, seen.causes):
                    del things[key]
            else:
                thing.missing, thing.gone, thing.condemned = 0, 0.0, False
                thing.seen += 1
        for key, (subject, shown, evidence) in (present or {}).items():
            if key not in things and len(things) < _MOST_WATCHED:
                things[key] = Watched(subject, shown, evidence, now, 1)
        if not any(thing.missing for thing in things.values()):
            state.idle[kind.name] = 0


def _watchable(reading: Reading) -> dict[int, tuple[str, str, str]]:
    return {
        key: (short(fact.subject, _LETTERS), short(fact.shown, _LETTERS), fact.watch)
        for (key, _), fact in reading.facts.items()
        if fact.watch
    }
