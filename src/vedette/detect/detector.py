"""The one step: snapshots and their hosts' states give judgements and the next states. Online, in batch, in replay."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from vedette.core import HostId, Severity
from vedette.detect.asking import Answer, Lesson, ask, teach
from vedette.detect.bundle import Bundle
from vedette.detect.confirmation import remembered
from vedette.detect.experts import make_experts
from vedette.detect.facts import absorb
from vedette.detect.hoststate import HostState, decode_state, encode_state
from vedette.detect.judge import REFERENCE, SILENCE, Judge, Judgement, Weighed
from vedette.detect.knowledge import (
    SEVERAL,
    Contribution,
    Outlook,
    Tells,
    interval_of,
    tell,
    told_of_spread,
)
from vedette.detect.scored import Arrival, Scored
from vedette.detect.since import dated
from vedette.detect.tables import KNOWN_TABLES, Sight, Tables, look
from vedette.detect.timeline import YOUNG, Place, after_its_time, place
from vedette.detect.uncollected import uncollected
from vedette.detect.upgrade import PACKAGES
from vedette.detect.view import View
from vedette.detect.warm import WARM, Warm

__all__ = ["Detector"]


class _Turn(msgspec.Struct, kw_only=True):
    """One arrival on its way through the step. `anew` says that an expert lost what it knew of this host.

    `spread` is on how many other hosts the same hostile thing is; `vouched` are prints that people called normal for the cohort.
    """

    arrival: Arrival
    state: HostState
    where: Place
    sight: Sight
    view: View
    answers: dict[str, Answer] = {}
    weighed: Weighed = SILENCE
    doubts: tuple[tuple[str, str], ...] = ()
    anew: bool = False
    spread: int = 0
    vouched: list[int] = []


Listen = Callable[[Arrival, Weighed], None]


class Detector:
    """Judges with one bundle. All that is between two snapshots is in the states.

    What it holds of hosts saves work alone: states as it left them, at most `warm` bytes of them, gone on with only from
    the very bytes that it gave.

    `experts` are the bundle's, by name. A batch is cut into waves in which each host occurs once; every expert takes a
    wave at once, and gives each host what it would give it alone. `listen` is told what the judge weighed of each arrival.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        budget: float = REFERENCE,
        listen: Listen = lambda *_: None,
        warm: int = WARM,
    ) -> None:
        self.experts = make_experts(bundle.parts)
        self._judge = Judge(bundle.parts.get("judge", {}), budget=budget)
        self.budget = budget
        self._listen = listen
        self._warm = Warm(warm)
        self.model = bundle.digest

    def step(self, batch: Sequence[Arrival], states: Mapping[HostId, bytes | None]) -> list[Scored]:
        """One answer for each arrival, in their order; several of one host are taken one after the other.

        `states` holds what was kept of each host; None or no entry is a host never seen. Nothing given is changed.
        """
        with uncollected():
            return self._step(batch, states)

    def _step(
        self, batch: Sequence[Arrival], states: Mapping[HostId, bytes | None]
    ) -> list[Scored]:
        hosts = {arrival.snapshot.host.id for arrival in batch}
        live = {host: self._state(host, states.get(host)) for host in hosts}
        answers: dict[int, Scored] = {}
        for wave in _waves(batch):
            turns = [
                _turn(batch[at], live[batch[at].snapshot.host.id], self._judge.shift) for at in wave
            ]
            answers |= zip(wave, self._wave(turns), strict=True)
        last = {arrival.snapshot.host.id: answers[at] for at, arrival in enumerate(batch)}
        for host, scored in last.items():
            if scored.state is not None and not scored.late:
                self._warm.keep(host, scored.state, live[host])
        return [answers[at] for at in range(len(batch))]

    def _state(self, host: HostId, blob: bytes | None) -> HostState:
        return self._warm.take(host, blob) or decode_state(blob, self.experts)

    def _wave(self, turns: Sequence[_Turn]) -> Iterator[Scored]:
        self._ask(turns)
        heard = [{name: said.cases for name, said in turn.answers.items()} for turn in turns]
        for turn, weighed in zip(turns, self._judge.weigh(heard), strict=True):
            turn.weighed = weighed
            self._listen(turn.arrival, weighed)
        judgements = [self._decide(turn) for turn in turns]
        live = [at for at, turn in enumerate(turns) if not turn.where.late]
        if live:
            self._teach([turns[at] for at in live], [judgements[at].alarm for at in live])
        for turn, judgement in zip(turns, judgements, strict=True):
            yield self._late(turn, judgement) if turn.where.late else self._settle(turn, judgement)

    def _ask(self, turns: Sequence[_Turn]) -> None:
        views = [turn.view for turn in turns]
        for name, expert in self.experts.items():
            states = [turn.state.experts[name] for turn in turns]
            for turn, answer in zip(turns, ask(expert, views, states), strict=True):
                turn.answers[name] = answer
                turn.anew = turn.anew or answer.state is not turn.state.experts[name]
        for turn in turns:
            turn.doubts = _doubts(turn)
            _pardon(turn)
            _tell_of_spread(turn)

    def _teach(self, turns: Sequence[_Turn], alarms: Sequence[bool]) -> None:
        for name, expert in self.experts.items():
            lessons = [
                _lesson(turn, name, alarm=alarm) for turn, alarm in zip(turns, alarms, strict=True)
            ]
            for turn, learned in zip(turns, teach(expert, lessons), strict=True):
                turn.state.experts[name] = learned.state
                turn.state.kept[name] = learned.dump
                if learned.doubts:
                    turn.doubts, turn.anew = (*learned.doubts, *turn.doubts), True

    def _settle(self, turn: _Turn, judged: Judgement) -> Scored:
        state, sight, snapshot = turn.state, turn.sight, turn.view.snapshot
        # Doubts that came up in learning change no alarm, so what was learned by it stands.
        judgement = self._decide(turn) if turn.anew else judged
        state.recent = remembered(state.recent, judgement.subjects)
        reasons, state.began = dated(judgement.reasons, state.began, snapshot.taken_at)
        changes = absorb(state.tables, turn.view, sight)
        state.tables.learn(snapshot, sight)
        needed = sight.needed
        if turn.anew:
            # What began anew has not read the tables that came by digest, nor would it read them later.
            needed = tuple(sorted({*needed, *(KNOWN_TABLES & snapshot.same.keys())}))
            state.tables.forget()
        begins = turn.where.shared and not state.timeline.shared
        state.timeline.advance(turn.arrival.epoch, snapshot, shared=turn.where.shared)
        told = self._tell(turn, alarm=judgement.alarm)
        return Scored(
            **_judged(judgement) | {"reasons": reasons},
            facts=changes,
            state=encode_state(state),
            needed=needed,
            shared=begins,
            told=told,
        )

    def _late(self, turn: _Turn, judgement: Judgement) -> Scored:
        """A late snapshot teaches the experts nothing; that a former epoch goes on must be kept all the same."""
        state, where = turn.state, turn.where
        reasons, _ = dated(judgement.reasons, {}, turn.view.snapshot.taken_at)
        judgement = msgspec.structs.replace(judgement, reasons=reasons)
        if where.rival is None:
            return Scored(**_judged(judgement), late=True)
        begins = where.shared and not state.timeline.shared
        state.timeline.hear(where.rival)
        return Scored(**_judged(judgement), late=True, state=encode_state(state), shared=begins)

    def _decide(self, turn: _Turn) -> Judgement:
        recent = [] if turn.where.late else turn.state.recent
        judgement = self._judge.decide(turn.weighed, turn.doubts, recent)
        if turn.spread < SEVERAL or not judgement.alarm:
            return judgement
        return msgspec.structs.replace(judgement, severity=_above(judgement.severity))

    def _tells(self, state: HostState) -> list[Tells]:
        return [expert.tells(state.experts[name]) for name, expert in self.experts.items()]

    def _tell(self, turn: _Turn, *, alarm: bool) -> Contribution:
        state, snapshot = turn.state, turn.view.snapshot
        grown = turn.view.count >= YOUNG and not alarm
        return tell(
            state.told,
            snapshot.host.id,
            interval_of(snapshot.taken_at),
            [case for said in turn.answers.values() for case in said.cases],
            partial(self._tells, state) if grown else None,
            turn.vouched,
        )


def _waves(batch: Sequence[Arrival]) -> list[list[int]]:
    """The places of the batch by turn: every host's first arrival, then every host's second, and so on."""
    waves: list[list[int]] = []
    turns: Counter[HostId] = Counter()
    for at, arrival in enumerate(batch):
        host = arrival.snapshot.host.id
        if turns[host] == len(waves):
            waves.append([])
        waves[turns[host]].append(at)
        turns[host] += 1
    return waves


def _turn(arrival: Arrival, state: HostState, shift: float) -> _Turn:
    snapshot = arrival.snapshot
    where = (
        after_its_time(snapshot)
        if arrival.replayed
        else place(state.timeline, arrival.epoch, snapshot, contested=arrival.contested)
    )
    recalled = state.tables.recall(snapshot)
    if recalled:
        snapshot = msgspec.structs.replace(snapshot, tables=snapshot.tables | recalled)
    sight = look(state.tables, snapshot, recalled=recalled)
    if sight.rows:
        snapshot = msgspec.structs.replace(snapshot, tables=snapshot.tables | sight.rows)
    host, at = snapshot.host.id, snapshot.taken_at
    heard = state.pardons.hear(() if where.late else arrival.sayings, host, at)
    view = View(
        snapshot=snapshot,
        count=state.timeline.count,
        elapsed=where.elapsed,
        gap=where.gap,
        seen=sight.seen,
        unchanged=sight.unchanged,
        doubted=sight.doubted,
        stopped=where.stopped,
        outlook=Outlook(
            knowledge=arrival.knowledge,
            now=interval_of(snapshot.taken_at),
            own=state.told.shown,
            own_loud=state.told.loud,
            own_known=state.told.known,
        ),
        heard=heard,
        digests=_digests(state.tables, sight),
        held=_held(state.tables, sight),
        ids=sight.ids,
        shift=shift,
    )
    return _Turn(arrival=arrival, state=state, where=where, sight=sight, view=view)


def _digests(tables: Tables, sight: Sight) -> dict[str, str]:
    """The canonical digests of the tables that were compared; what is unchanged has the one it had."""
    memory = tables.memory
    known = {name: memory[name].digest for name in sight.unchanged if name in memory}
    return known | {name: now.digest for name, now in sight.fresh.items()}


def _held(tables: Tables, sight: Sight) -> dict[str, bytes]:
    """What the package tables that changed had before: which packages moved explains more than that some did."""
    changed = [name for name in PACKAGES if name in sight.fresh and name in tables.memory]
    return {name: tables.memory[name].ids for name in changed}


def _pardon(turn: _Turn) -> None:
    if not turn.where.late:
        turn.state.pardons.keep(case for said in turn.answers.values() for case in said.cases)
    for name, said in turn.answers.items():
        if not said.cases:
            continue
        weighed = []
        for case in said.cases:
            if turn.view.heard.vouches(case):
                turn.vouched.append(case.print)
            if not turn.view.pardons(case.subject, case.print):
                weighed.append(case)
        turn.answers[name] = said._replace(cases=tuple(weighed))


def _tell_of_spread(turn: _Turn) -> None:
    view = turn.view
    for name, said in turn.answers.items():
        if not said.cases:
            continue
        cases, widest = told_of_spread(said.cases, view.outlook, view.snapshot.taken_at)
        turn.answers[name] = said._replace(cases=cases)
        turn.spread = max(turn.spread, widest)


def _above(severity: Severity) -> Severity:
    order = list(Severity)
    return order[min(severity.rank + 1, len(order) - 1)]


def _lesson(turn: _Turn, name: str, *, alarm: bool) -> Lesson:
    state = turn.answers[name].state
    known = state is turn.state.experts[name]
    return Lesson(turn.view, state, alarm, turn.state.kept.get(name) if known else None)


def _doubts(turn: _Turn) -> tuple[tuple[str, str], ...]:
    """Why nothing may be called normal, what was lost before what is only young."""
    told = (doubt for said in turn.answers.values() for doubt in said.doubts)
    doubts = (*turn.where.blindness, *told, *turn.sight.blindness)
    if turn.view.count >= YOUNG:
        return doubts
    text = f"This host is still being learned: {turn.view.count} of its first {YOUNG} snapshots were seen"
    return (*doubts, ("young", text))


def _judged(judgement: Judgement) -> dict[str, Any]:
    return {name: getattr(judgement, name) for name in judgement.__struct_fields__}
