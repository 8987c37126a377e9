"""The one step: snapshots and their hosts' states give judgements and the next states. Online, in batch, in replay."""

from collections.abc import Mapping, Sequence
from typing import Any

from vedette.core import HostId, Snapshot
from vedette.detect.bundle import Bundle
from vedette.detect.experts import make_experts
from vedette.detect.facts import absorb
from vedette.detect.hoststate import HostState, decode_state, encode_state
from vedette.detect.judge import Judge, Judgement
from vedette.detect.scored import Arrival, Scored
from vedette.detect.tables import CORE_METRICS, Sight, look
from vedette.detect.timeline import YOUNG, Place, place
from vedette.detect.view import View

__all__ = ["Detector"]


class Detector:
    """Judges with one bundle. Holds nothing of any host: all that is between two snapshots is in the states.

    Hosts are computed one by one, so a batch gives the very numbers that its snapshots would give singly.
    """

    def __init__(self, bundle: Bundle) -> None:
        self._experts = make_experts(bundle.parts)
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
                live[host] = decode_state(states.get(host), self._experts)
            answers.append(self._one(arrival, live[host]))
        return answers

    def _one(self, arrival: Arrival, state: HostState) -> Scored:
        snapshot = arrival.snapshot
        where = place(state.timeline, arrival.epoch, snapshot)
        sight = look(state.tables, snapshot, new_epoch=where.new_epoch)
        view = View(
            snapshot=snapshot,
            count=state.timeline.count,
            elapsed=where.elapsed,
            gap=where.gap,
            seen=sight.seen,
            unchanged=sight.unchanged,
        )
        cases = {
            name: expert.judge(view, state.experts[name]) for name, expert in self._experts.items()
        }
        judgement = self._judge.decide(cases, _doubts(view, where, sight))
        if where.late:
            return Scored(**_judged(judgement), late=True)
        return self._learn(arrival, state, view, sight, judgement, new_epoch=where.new_epoch)

    def _learn(
        self,
        arrival: Arrival,
        state: HostState,
        view: View,
        sight: Sight,
        judgement: Judgement,
        *,
        new_epoch: bool,
    ) -> Scored:
        for name, expert in self._experts.items():
            state.experts[name] = expert.learn(view, state.experts[name], alarm=judgement.alarm)
        changes = absorb(state.tables, arrival.snapshot, sight)
        _expect(state, arrival.snapshot, sight, new_epoch=new_epoch)
        state.timeline.advance(arrival.epoch, arrival.snapshot)
        return Scored(
            **_judged(judgement),
            facts=changes,
            state=encode_state(state, self._experts),
            needed=sight.needed,
        )


def _doubts(view: View, where: Place, sight: Sight) -> tuple[tuple[str, str], ...]:
    """Why nothing may be called normal, what was lost before what is only young."""
    doubts = (*where.blindness, *sight.blindness)
    if view.count >= YOUNG:
        return doubts
    text = (
        f"This host is still being learned: {view.count} of its first {YOUNG} snapshots were seen"
    )
    return (*doubts, ("young", text))


def _expect(state: HostState, snapshot: Snapshot, sight: Sight, *, new_epoch: bool) -> None:
    """What later snapshots of this epoch must bring, or else they are blind."""
    tables = state.tables
    if new_epoch:
        tables.usual, tables.metrics, tables.width = {}, [], 0
    for name in sorted(sight.seen | sight.unchanged):
        tables.usual.setdefault(name, name in snapshot.unread)
    here = [name for name in CORE_METRICS if name in snapshot.metrics or name in tables.metrics]
    tables.metrics, tables.width = here, max(len(snapshot.metrics), tables.width)


def _judged(judgement: Judgement) -> dict[str, Any]:
    return {name: getattr(judgement, name) for name in judgement.__struct_fields__}
