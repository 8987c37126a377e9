"""What becomes of a closed incident when its cause is seen again on its host. By the snapshots' times alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from vedette.core import (
    Host,
    Incident,
    IncidentState,
    Resolution,
    Severity,
    Silence,
    Verdict,
)

__all__ = [
    "HARMLESS",
    "LINKED_FOR",
    "MOST_CLOSED",
    "back",
    "comes_back",
    "ended",
    "known_again",
    "shows_more",
    "stays",
]

HARMLESS: Final = frozenset({Resolution.FALSE_POSITIVE, Resolution.BENIGN_CHANGE})
"""What people say of what need not be answered."""
LINKED_FOR: Final = timedelta(days=30)
"""For so long a new incident names the closed one that it is like."""
MOST_CLOSED: Final = 20
"""Of one host so many closed ones are looked at, those that were closed last."""


def known_again(verdict: Verdict, closed: Sequence[Incident]) -> Incident | None:
    """The closed one that has most causes in common with the verdict, of such the one that was closed last."""
    subjects = {reason.subject for reason in verdict.reasons}
    return max(
        (
            one
            for one in closed
            if subjects.intersection(one.causes) and verdict.taken_at - ended(one) <= LINKED_FOR
        ),
        key=lambda one: (len(subjects.intersection(one.causes)), ended(one), one.id),
        default=None,
    )


def comes_back(verdict: Verdict, one: Incident, within: float) -> bool:
    """Whether it is the same again, within so many seconds (0: never) of its closing, or of when it was last seen.

    What people called harmless is the same only while nothing is there that they did not see.
    """
    last = max(ended(one), one.last_abnormal_at)
    if not within or (verdict.taken_at - last).total_seconds() > within:
        return False
    return one.resolution not in HARMLESS or _knows(one, verdict)


def shows_more(verdict: Verdict, one: Incident, severity: Severity) -> bool:
    """Whether it has a cause, or by its weighed severity is worse, than the incident had when it was closed."""
    return severity.rank > one.severity.rank or not _knows(one, verdict)


def stays(
    verdict: Verdict,
    one: Incident,
    host: Host,
    severity: Severity,
    silences: Sequence[Silence],
    near: timedelta,
) -> str:
    """Why it stays closed although it is seen again, or nothing. It is for what shows no more than was closed.

    `near`: so long before its closing a snapshot was on its way.
    """
    closed = ended(one)
    on_its_way = one.resolution is not Resolution.EXPIRED and closed - near <= verdict.taken_at
    if verdict.taken_at <= closed and (verdict.late or on_its_way):
        return "in a snapshot from before it was closed"
    if verdict.late:
        return "in a snapshot that came late"
    if one.resolution not in HARMLESS:
        return ""
    moment = max(verdict.taken_at, closed)
    worst = max(one.severity, severity, key=lambda each: each.rank)
    for silence in sorted(silences, key=lambda each: each.id):
        if silence.in_force_at(moment) and silence.scope.covers(
            host.id, host.labels, one.causes, worst
        ):
            return f"held by {silence.kind} {silence.id} of {silence.owner}"
    return ""


def back(verdict: Verdict, one: Incident) -> tuple[Incident, str]:
    """The incident open again, before the verdict is counted, and in words why."""
    said = (one.resolution or Resolution.EXPIRED).replace("_", " ")
    who = one.closed_by.removeprefix("user:")
    by = "it was closed" if one.resolution is Resolution.EXPIRED else f"{who} closed it as {said}"
    seconds = (verdict.taken_at - ended(one)).total_seconds()
    when = f"again {_words(seconds)} after" if seconds > 0 else f"as of {_words(-seconds)} before"
    again = msgspec.structs.replace(
        one,
        state=IncidentState.OPEN,
        quiet_since=None,
        closed_at=None,
        closed_by="",
        resolution=None,
        # Whoever saw to it before has said that it was over.
        acknowledged_by="",
        acknowledged_at=None,
        returns=one.returns + 1,
        returned_at=verdict.taken_at,
        verdicts_before=one.verdicts,
    )
    return again, f"by itself: seen {when} {by}"


def ended(one: Incident) -> datetime:
    """When it was closed."""
    return one.closed_at or one.last_abnormal_at


def _knows(one: Incident, verdict: Verdict) -> bool:
    return {reason.subject for reason in verdict.reasons}.issubset(one.causes)


def _words(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    hours = round(minutes / 60)
    return f"{hours} hours" if hours < 72 else f"{round(hours / 24)} days"
