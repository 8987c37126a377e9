"""Since when a reason has been told, where what says it does not know since when it is so."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from vedette.core import Reason
from vedette.detect.fingerprint import fingerprint

__all__ = ["Began", "dated"]

Began = dict[int, float]
"""By the fingerprint of a subject that the last snapshot told without a time: when it was first told, in Unix seconds."""


def dated(
    reasons: Sequence[Reason], began: Mapping[int, float], now: datetime
) -> tuple[tuple[Reason, ...], Began]:
    """The reasons, each with a time, and what is to be kept for the next snapshot. `now` is this snapshot's `taken_at`."""
    told, kept = [], Began()
    for reason in reasons:
        if reason.since is not None:
            told.append(reason)
            continue
        subject = fingerprint(reason.subject)
        kept[subject] = began.get(subject, now.timestamp())
        told.append(replace(reason, since=datetime.fromtimestamp(kept[subject], UTC)))
    return tuple(told), kept
