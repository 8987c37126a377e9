"""The one step: snapshots and their hosts' states give judgements and the next states. Online, in batch, in replay."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from vedette.core import HostId
from vedette.detect.asking import Answer, ask, teach
from vedette.detect.bundle import Bundle
from vedette.detect.experts import make_experts
from vedette.detect.facts import absorb
from vedette.detect.hoststate import HostState, decode_state, encode_state
from vedette.detect.judge import Judge, Judgement
from vedette.detect.scored import Arrival, Scored
from vedette.detect.tables import KNOWN_TABLES, Sight, look
from vedette.detect.timeline import YOUNG, Place, after_its_time, place
from vedette.detect.view import View

__all__ = ["Detector"]


class Detector:
    """Judges with one bundle. Holds nothing of any host: all that is between two snapshots is in the states.

    `experts` are the bundle's, by name. Hosts are computed one by one, so a batch gives the very numbers that its snapshots would give singly.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.experts = make_experts(bundle.parts)
        self._judge = Judge(bundle.parts.get("judge", {}))
        self.model = bundle.digest

    def step(self, batch: Sequence[Arrival], states: Mapping[HostId, bytes | None]) -> list[Scored]:
        """One answer for each arrival, in their order; several of one host are taken one after the other.

        `states` holds what was kept of each host; None or no entry is a host never seen. Nothing given is changed.
        """
        live: dict[HostId, HostState] = {}
        answers = []
        for arrival in batch:
            host = arrival.snapshot.host.id
            if host not in live:
                live[host] = decode_state(states.get(host), self.experts)
            answers.append(self._one(arrival, live[host]))
        return answers

    def _one(self, arrival: Arrival, state: HostState) -> Scored:
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
        view = View(
            snapshot=snapshot,
            count=state.timeline.count,
            elapsed=where.elapsed,
            gap=where.gap,
            seen=sight.seen,
            unchanged=sight.unchanged,
        )
        answers = {
            name: ask(expert, view, state.experts[name]) for name, expert in self.experts.items()
        }
        doubts = _doubts(view, where, sight, answers)
        judgement = self._decide(answers, doubts)
        if where.late:
            return self._late(judgement, where, state)
        dumps: dict[str, Any] = {}
        anew = any(answers[name].state is not state.experts[name] for name in self.experts)
        for name, expert in self.experts.items():
            learned = teach(expert, view, answers[name].state, alarm=judgement.alarm)
            state.experts[name], dumps[name] = learned.state, learned.dump
            if learned.doubts:
                # Doubts change no alarm, so what was learned by it stands.
                doubts, anew = (*learned.doubts, *doubts), True
                judgement = self._decide(answers, doubts)
        changes = absorb(state.tables, snapshot, sight)
        state.tables.learn(snapshot, sight)
        needed = sight.needed
        if anew:
            # What began anew has not read the tables that came by digest, nor would it read them later.
            needed = tuple(sorted({*needed, *(KNOWN_TABLES & snapshot.same.keys())}))
            state.tables.forget()
        begins = where.shared and not state.timeline.shared
        state.timeline.advance(arrival.epoch, snapshot, shared=where.shared)
        return Scored(
            **_judged(judgement),
            facts=changes,
            state=encode_state(state, dumps),
            needed=needed,
            shared=begins,
        )

    def _late(self, judgement: Judgement, where: Place, state: HostState) -> Scored:
        """A late snapshot teaches the experts nothing; that a former epoch goes on must be kept all the same."""
        if where.rival is None:
            return Scored(**_judged(judgement), late=True)
        begins = where.shared and not state.timeline.shared
        state.timeline.hear(where.rival)
        dumps = {name: expert.dump(state.experts[name]) for name, expert in self.experts.items()}
        return Scored(
            **_judged(judgement), late=True, state=encode_state(state, dumps), shared=begins
        )

    def _decide(
        self, answers: Mapping[str, Answer], doubts: tuple[tuple[str, str], ...]
    ) -> Judgement:
        return self._judge.decide({name: said.cases for name, said in answers.items()}, doubts)


def _doubts(
    view: View, where: Place, sight: Sight, answers: Mapping[str, Answer]
) -> tuple[tuple[str, str], ...]:
    """Why nothing may be called normal, what was lost before what is only young."""
    told = (doubt for said in answers.values() for doubt in said.doubts)
    doubts = (*where.blindness, *told, *sight.blindness)
    if view.count >= YOUNG:
        return doubts
    text = (
        f"This host is still being learned: {view.count} of its first {YOUNG} snapshots were seen"
    )
    return (*doubts, ("young", text))


def _judged(judgement: Judgement) -> dict[str, Any]:
    return {name: getattr(judgement, name) for name in judgement.__struct_fields__}
