"""The same hostile thing on several hosts within a short time: told, and never excused."""

from collections.abc import Sequence
from datetime import datetime
from math import ceil

import msgspec

from vedette.detect.case import Case
from vedette.detect.knowledge.outlook import Outlook

__all__ = ["SEVERAL", "told_of_spread"]

SEVERAL = 2
"""Other hosts from which on a spread is a worm's rather than chance."""


def told_of_spread(
    cases: Sequence[Case], outlook: Outlook, taken_at: datetime
) -> tuple[tuple[Case, ...], int]:
    """The cases, each alarming one with the words of its spread, and the most other hosts that one of them is on."""
    widest = 0
    told = []
    for case in cases:
        found = outlook.spread(case.print) if case.print and case.nats > 0.0 else None
        if found is None:
            told.append(case)
            continue
        widest = max(widest, found.hosts)
        minutes = max(1, ceil((taken_at.timestamp() - found.since) / 60.0))
        others = "1 other host" if found.hosts == 1 else f"{found.hosts} other hosts"
        text = f"{case.text}; also on {others} within {minutes} minutes"
        told.append(msgspec.structs.replace(case, text=text))
    return tuple(told), widest
