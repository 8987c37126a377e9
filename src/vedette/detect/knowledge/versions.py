"""Cuts what was told into versions: one for each interval that closes, of each cohort and of the fleet."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from vedette.core import Record
from vedette.detect.knowledge.contribution import Contribution, merge
from vedette.detect.knowledge.intervals import FLEET, WINDOW

__all__ = ["Part", "cut"]

_MOST_HELD, _MOST_SHOWN = 8_000, 4_000


class Part(Record, frozen=True, kw_only=True):
    """What a cohort told in one interval; or, as a part of a version, what that version adds to the one before."""

    cohort: str
    interval: int
    told: Contribution


def cut(told: Iterable[Part], *, closed: int, upto: int) -> list[Part]:
    """The parts of the versions after `closed` up to `upto`, in order, with the fleet's.

    Each interval is a version of its own, so that it is all the same whether several close at once or one by one. What
    came after its interval had closed goes into the first version still open; by then it may be too old to be new.
    """
    sums: dict[int, dict[str, list[Contribution]]] = defaultdict(lambda: defaultdict(list))
    for part in told:
        version = max(part.interval, closed + 1)
        if part.interval > upto:
            continue
        one = part.told
        if version - part.interval >= WINDOW:
            one = msgspec.structs.replace(one, shown={})
        if one:
            sums[version][part.cohort].append(one)
    parts = []
    for version, cohorts in sorted(sums.items()):
        merged = {cohort: merge(ones) for cohort, ones in sorted(cohorts.items())}
        merged[FLEET] = merge(merged.values())
        merged = {cohort: _bounded(one) for cohort, one in merged.items()}
        parts += [Part(cohort=cohort, interval=version, told=one) for cohort, one in merged.items()]
    return parts


def _bounded(told: Contribution) -> Contribution:
    """With the commonest things only: a version is small, however many hosts tell at once."""
    if len(told.held) <= _MOST_HELD and len(told.shown) <= _MOST_SHOWN:
        return told
    held = sorted(told.held.items(), key=lambda item: (-item[1], item[0]))[:_MOST_HELD]
    shown = sorted(told.shown.items(), key=lambda item: (-item[1].loud, -item[1].soft, item[0]))[
        :_MOST_SHOWN
    ]
    return msgspec.structs.replace(told, held=dict(held), shown=dict(shown))
