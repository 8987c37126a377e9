"""Programs that take the processors, beside their own past.

Only while nearly all of the machine's processors are in use, or far more of them than usual. Of each process the time it used since the last look gives a
number of processors. It counts when its program took the larger part of what all processes used, it itself at least half a processor, and
four times what it used on average in its life until then. Four looks in a row tell, or half as many again as a program
of that name ever took without an alarm; three do where it is found running, which says the same without a clock. What serves others and has twice the usual traffic is at work, not at fault.
"""

from collections.abc import Mapping
from math import log
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from vedette.core import Row
from vedette.detect.behaviour.hostile import PILES
from vedette.detect.inventory.fact import number
from vedette.detect.odds import nats

__all__ = ["Burn", "Burning", "burn"]

_FULL, _MORE, _FAR_MORE = (
    0.85,
    0.1,
    1.8,
)  # of all processors; beyond what is usual, and times as much
_SPACED = 45.0  # seconds between two looks that count
_LOOKS, _LONGER = 4, 1.5
_LEAST, _TIMES, _SHARE = 0.5, 4.0, 0.5
_SETTLED = 900.0  # seconds a process must have run for its average to say something
_BUSIER = 2.0  # times the usual traffic
_MOST, _MOST_KNOWN = 256, 32
_LONGEST = 10_000


class Burn(msgspec.Struct, array_like=True, gc=False):
    """What is taken down while the processors are full, and what is usual.

    `at` is when the processes' times were last taken (Unix seconds; 0: the processors were not full), by process id the
    milliseconds used, the looks in a row that counted, and the thousandths of a processor used on average before these;
    `traffic` and `usual` (of all processors) are what is usual; `known` the most looks in a row of each
    program that came without an alarm.
    """

    at: float = 0.0
    traffic: float = 0.0
    used: dict[str, tuple[int, int, int]] = {}
    known: dict[int, int] = {}
    usual: float = 0.0


class Burning(NamedTuple):
    """A process that takes so many processors, this `part` of what all processes take, and used so many before, with its nats."""

    pid: str
    now: float
    part: float
    before: float
    nats: float


def burn(
    state: Burn,
    rows: Mapping[str, Row],
    owners: Mapping[str, int],
    *,
    now: float,
    full: float,
    traffic: float,
) -> tuple[tuple[Burning, ...], Burn]:
    """What is found among `owners` (programs by process id), and the state after. `full` and `traffic` are NaN where not sent."""
    busy = full >= min(_FULL, max(state.usual + _MORE, _FAR_MORE * state.usual))
    if not (busy and full <= 1.5 and state.usual):
        if state.at:
            state = replace(state, at=0.0, used={}, known=_ended(state, owners))
        return (), _calmer(state, full, traffic)
    if state.at and now - state.at < _SPACED:
        return (), state
    times = {pid: _spent(rows[pid]) for pid in owners}
    kept = sorted(times, key=lambda pid: (-times[pid], pid))[:_MOST]
    if not state.at:
        return (), replace(state, at=now, used={pid: (times[pid], 0, -1) for pid in kept})
    seconds = 1_000.0 * (now - state.at)
    busier = state.traffic > 0.0 and traffic > _BUSIER * state.traffic
    took = {
        pid: max(times[pid] - state.used[pid][0], 0) / seconds for pid in kept if pid in state.used
    }
    whole, programs = sum(took.values()), dict[int, float]()
    for pid, share in took.items():
        programs[owners[pid]] = programs.get(owners[pid], 0.0) + share
    found, used = [], {}
    for pid in kept:
        spent, run, before = state.used.get(pid, (0, 0, -1))
        before = before if run else _average(rows[pid], spent, state.at)
        share = took.get(pid, 0.0)
        running = rows[pid].get("state") == "R"
        # A request that never ends keeps one worker after the other, so the workers are counted together.
        large = programs.get(owners[pid], 0.0) >= _SHARE * whole
        large = large and (share >= _LEAST or (running and full >= _FULL))
        counts = large and share > 0.0 and not busier and 0.0 <= _TIMES * before < 1_000.0 * share
        run = min(run + 1, _LONGEST) if counts else 0
        used[pid] = times[pid], run, before
        limit = max(_LOOKS - running, _LONGER * state.known.get(owners[pid], 0))
        if run >= limit:
            evidence = PILES["burn"]
            score = nats(evidence.seen, evidence.rate) + log(run / limit)
            found.append(Burning(pid, share, share / whole, before / 1_000.0, score))
    return tuple(found), replace(state, at=now, used=used)


def _calmer(state: Burn, full: float, traffic: float) -> Burn:
    """With what is usual, which follows by a tenth a look; what was not sent stays as it is."""
    if not 0.0 <= full <= 1.5:
        return state
    traffic = traffic if traffic >= 0.0 else state.traffic
    if not state.usual:
        return replace(state, traffic=traffic, usual=max(full, 0.01))
    return replace(
        state,
        traffic=state.traffic + 0.1 * (traffic - state.traffic),
        usual=max(state.usual + 0.1 * (full - state.usual), 0.01),
    )


def _spent(row: Row) -> int:
    return min(max(number(row, "user_time", 0), 0) + max(number(row, "system_time", 0), 0), 2**62)


def _average(row: Row, spent: int, at: float) -> int:
    """The thousandths of a processor that it used in its life so far; -1 for one that is too young to say."""
    life = at - number(row, "start_time", 0)
    return -1 if life < _SETTLED else min(round(spent / life), 10**9)


def _ended(state: Burn, owners: Mapping[str, int]) -> dict[int, int]:
    """With the looks of those that are over now, which did not come to an alarm."""
    known = dict(state.known)
    for pid, (_, run, _) in state.used.items():
        program = owners.get(pid)
        if program is not None and 0 < run < max(_LOOKS, _LONGER * known.get(program, 0)):
            known[program] = max(known.pop(program, 0), run)
    return dict(list(known.items())[-_MOST_KNOWN:])
