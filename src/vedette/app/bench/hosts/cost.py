"""CPU and bytes of a detector at work: batches of different hosts, states encoded and decoded at each step as online."""

from collections import defaultdict
from collections.abc import Callable
from time import process_time
from typing import Any

import msgspec

from vedette.app.bench.hosts.fleets import EPOCH, Fleet
from vedette.core import Record, Snapshot, VedetteError, decode_snapshot, encode_snapshot
from vedette.detect import Arrival, Detector, Expert, collected_seldom

__all__ = ["Cost", "measure_cost"]

_FRAME = "frame"


class Cost(Record, frozen=True, kw_only=True):
    """`cpu_us` is process time a snapshot, by expert; what is in none (states, tables, facts, judge) is `frame`.

    It is of a detector that goes on with the states that it holds; `cold_us` is what `all` is in the same run where they are
    made from their bytes. `decode_us` is what it took to decode one, which is no part of `all`: a yardstick for a machine
    that is busy.
    `state_bytes` and `most_bytes` are of one host, mean and the most, by expert; `all` is the whole.
    """

    hosts: int
    snapshots: int
    cpu_us: dict[str, float]
    cold_us: float
    decode_us: float
    state_bytes: dict[str, float]
    most_bytes: dict[str, int]


class _Timed:
    """An expert whose every call is timed, whatever it is called."""

    def __init__(self, expert: Expert[Any], spent: defaultdict[str, float]) -> None:
        self._expert, self._spent = expert, spent

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._expert, name)
        if not callable(found):
            return found
        kind = self._expert.name

        def timed(*arguments: Any, **named: Any) -> Any:
            began = process_time()
            try:
                return found(*arguments, **named)
            finally:
                self._spent[kind] += process_time() - began

        setattr(self, name, timed)
        return timed


def measure_cost(
    detector: Detector,
    fleet: Fleet,
    *,
    cold: Detector,
    warm: int,
    steps: int,
    told: Callable[[int], None] = lambda _more: None,
) -> Cost:
    """Steps the detector through the fleet's batches; only those after the first `warm` are measured. Takes the detector over.

    `cold` is one like it that holds no states. `told` hears of each snapshot by which the fleet came of age, and of each batch.
    """
    states = fleet.aged(detector, told)
    spent: defaultdict[str, float] = defaultdict(float)
    experts: Any = {name: _Timed(expert, spent) for name, expert in detector.experts.items()}
    detector.experts = experts
    collected_seldom()  # as the detector's process does
    total, anew, decoding, count = 0.0, 0.0, 0.0, 0
    for step in range(warm + steps):
        if step == warm:
            spent.clear()
            total, anew, decoding, count = 0.0, 0.0, 0.0, 0
        began = process_time()
        batch = [Arrival(epoch=EPOCH, snapshot=snapshot) for snapshot in fleet.batch()]
        decoding += process_time() - began
        began = process_time()
        scores = detector.step(batch, states)
        total += process_time() - began
        count += len(batch)
        # Through bytes, so that no row was looked at before.
        batch = [msgspec.structs.replace(one, snapshot=_fresh(one.snapshot)) for one in batch]
        began = process_time()
        same = cold.step(batch, states)
        anew += process_time() - began
        if scores != same:
            raise VedetteError("a state that was held gave another answer than its bytes")
        for arrival, scored in zip(batch, scores, strict=True):
            if scored.state is not None:
                states[arrival.snapshot.host.id] = scored.state
        told(1)
    each: dict[str, float] = {name: spent[name] for name in experts}
    each[_FRAME] = total - sum(each.values())
    sizes = [_sizes(state) for state in states.values() if state is not None]
    return Cost(
        hosts=len(states),
        snapshots=count,
        cpu_us={name: round(x / count * 1e6, 1) for name, x in (each | {"all": total}).items()},
        cold_us=round(anew / count * 1e6, 1),
        decode_us=round(decoding / count * 1e6, 1),
        state_bytes={n: round(sum(s[n] for s in sizes) / len(sizes)) for n in sizes[0]},
        most_bytes={n: max(s[n] for s in sizes) for n in sizes[0]},
    )


def _fresh(snapshot: Snapshot) -> Snapshot:
    form = "application/msgpack"
    return decode_snapshot(encode_snapshot(snapshot, form), form)


def _sizes(state: bytes) -> dict[str, int]:
    """Of each expert's part; what is in none is the frame's."""
    parts = msgspec.msgpack.decode(state)["experts"]
    sizes = {name: len(msgspec.msgpack.encode(part)) for name, part in parts.items()}
    return sizes | {_FRAME: len(state) - sum(sizes.values()), "all": len(state)}
