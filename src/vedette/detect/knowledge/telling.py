"""What one host tells of itself after a snapshot, and what its state keeps of that."""

from collections.abc import Callable, Iterable, Mapping
from math import isfinite, log2
from typing import NamedTuple

import msgspec

from vedette.core import HostId
from vedette.detect.case import Case
from vedette.detect.fingerprint import fingerprint
from vedette.detect.knowledge.contribution import Contribution, Share
from vedette.detect.knowledge.intervals import WINDOW, day_of

__all__ = ["Tells", "Told", "tell"]

_MOST_HELD = 2_000
_MOST_SHOWN = 32  # by one host in one interval
_MOST_KEPT = 256
_MOST_METRICS = 64
_LETTERS = 128
_PHASES = 288


class Tells(NamedTuple):
    """What an expert has learned of a host that is of use to others.

    Prints of what it holds as normal, and the usual scale of each metric.
    """

    held: Iterable[int] = ()
    scales: Mapping[str, float] = {}


class Told(msgspec.Struct, array_like=True, gc=False):
    """Changed by `tell` alone.

    `day` is the last on which this host told what it holds; `shown` and `loud` have the things it told to have appeared,
    with the interval, so that each counts once; `many` were told in `interval`. `known` are those of `shown` of which it
    was seen who did it.
    """

    day: int = -1
    shown: dict[int, int] = {}
    loud: dict[int, int] = {}
    interval: int = 0
    many: int = 0
    known: dict[int, int] = {}


def tell(
    told: Told,
    host: HostId,
    interval: int,
    cases: Iterable[Case],
    tells: Callable[[], Iterable[Tells]] | None,
    vouched: Iterable[int] = (),
) -> Contribution:
    """What goes to others from this snapshot.

    `cases` are those that the judge weighed. `tells` is asked about once a day; it is None for a host that may not say
    what is normal: too young, or in alarm. `vouched` are things that people called normal for its whole cohort. Each host has one voice for each thing, and so many of them in an interval.
    """
    if interval > told.interval:
        told.interval, told.many = interval, 0
    live = [case for case in cases if case.print]
    hostile = any(case.hard and case.nats > 0.0 for case in live)
    shown: dict[int, Share] = {}
    for case in live:
        memory = told.loud if hostile else told.shown
        if case.print not in memory and told.many < _MOST_SHOWN:
            memory[case.print] = told.interval
            told.many += 1
            known = case.accounted and not hostile
            shown[case.print] = Share(int(not hostile), int(hostile), int(known))
            if known:
                told.known[case.print] = told.interval
    for memory in filter(None, (told.shown, told.loud, told.known)):
        _forget(memory, {case.print for case in live}, told.interval)
    if tells is None or not _is_due(told, host, interval):
        return Contribution(shown=shown, vouched=dict.fromkeys(vouched, 1))
    told.day = day_of(interval)
    whole = _whole(list(tells()), shown)
    return msgspec.structs.replace(whole, vouched=dict.fromkeys(vouched, 1))


def _is_due(told: Told, host: HostId, interval: int) -> bool:
    """Once a day, each host at a time of its own; at once for the first time."""
    day = day_of(interval)
    if told.day < 0 or day > told.day + 1:
        return True
    phase = fingerprint(host) % _PHASES
    return day > told.day and interval % _PHASES >= phase


def _whole(tells: list[Tells], shown: dict[int, Share]) -> Contribution:
    held = sorted({thing for one in tells for thing in one.held})
    scales: dict[str, dict[int, int]] = {}
    for one in tells:
        for name, scale in sorted(one.scales.items()):
            if len(scales) < _MOST_METRICS and isfinite(scale) and scale > 0.0:
                scales[name[:_LETTERS]] = {round(4.0 * log2(scale)): 1}
    return Contribution(1, dict.fromkeys(held[:_MOST_HELD], 1), shown, scales)


def _forget(memory: dict[int, int], live: set[int], interval: int) -> None:
    for thing, at in list(memory.items()):
        if at <= interval - 2 * WINDOW and thing not in live:
            del memory[thing]
    while len(memory) > _MOST_KEPT:
        del memory[min(memory, key=lambda thing: (memory[thing], thing))]
