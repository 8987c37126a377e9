"""What an alarm has behind it: how many of the last snapshots were abnormal by the same thing."""

from collections.abc import Iterable

from vedette.core import Confirmation
from vedette.detect.fingerprint import fingerprint

__all__ = ["Recent", "confirmed", "remembered"]

_WINDOW = 10
_SUBJECTS = 5

Recent = list[list[int]]
"""Of a host's last snapshots, oldest first: fingerprints of the subjects that made each abnormal; none for the others."""


def confirmed(recent: Recent, subjects: Iterable[str], experts: int) -> Confirmation:
    """What there is behind an abnormal snapshot, which itself counts."""
    mine = set(_prints(subjects))
    before = recent[-(_WINDOW - 1) :]
    again = sum(not mine.isdisjoint(one) for one in before)
    return Confirmation(abnormal=again + 1, of=len(before) + 1, experts=experts)


def remembered(recent: Recent, subjects: Iterable[str]) -> Recent:
    """The last snapshots with one more; no subjects when it was not abnormal."""
    return [*recent, _prints(subjects)][-(_WINDOW - 1) :]


def _prints(subjects: Iterable[str]) -> list[int]:
    return [fingerprint(subject) for subject in list(subjects)[:_SUBJECTS]]
