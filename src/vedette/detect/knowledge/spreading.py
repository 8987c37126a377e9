"""The same thing on several hosts within a short time, hostile or by nobody who was seen: told, and never excused."""

from collections.abc import Sequence
from datetime import datetime
from math import ceil

import msgspec

from vedette.detect.case import Case
from vedette.detect.knowledge.outlook import Outlook, Spread

__all__ = ["SEVERAL", "told_of_spread"]

SEVERAL = 2
"""Other hosts from which on a spread is a worm's rather than chance."""


def told_of_spread(
    cases: Sequence[Case], outlook: Outlook, taken_at: datetime
) -> tuple[tuple[Case, ...], int]:
    """The cases, each alarming one with the words of its spread, and the most other hosts that a hostile one of them is on."""
    widest = 0
    told = []
    for case in cases:
        live = case.print != 0 and case.nats > 0.0
        found, whose = outlook.spread(case.print) if live else None, ""
        if found is not None:
            widest = max(widest, found.hosts)
        elif live and case.foothold and not case.accounted:
            # People roll things out by hand too: it is said, and weighs no more for it.
            found, whose = outlook.unaccounted(case.print), ", and nobody was seen who did it"
        told.append(case if found is None else _with_words(case, found, taken_at, whose))
    return tuple(told), widest


def _with_words(case: Case, found: Spread, taken_at: datetime, whose: str) -> Case:
    minutes = max(1, ceil((taken_at.timestamp() - found.since) / 60.0))
    others = "1 other host" if found.hosts == 1 else f"{found.hosts} other hosts"
    text = f"{case.text}; also on {others} within {minutes} minutes{whose}"
    return msgspec.structs.replace(case, text=text)
