"""Logins in the making: how many there are at once, and whether others are under way in one look after another.

A login is through within seconds, and whoever types a password is one process all the while. So a look, which shows one moment
of a minute, seldom meets a login, and hardly ever two that began since the look before. Where it does again and again, somebody tries
many times a minute, however few at once.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vedette.core import Row
from vedette.detect.inventory.fact import number
from vedette.detect.view import View

__all__ = ["Knocks", "coming_in", "fresh", "is_begun", "knocks"]

_BEGUN = re.compile(r"^sshd(?:-session|-auth)?: .*\[(?:priv|net|preauth|accepted)\]$")
# One word: whose session it is, or who forwards alone (`ssh -N`, the way through a bastion), which has none. Those that come in
# have another in brackets.
_THROUGH = re.compile(r"^sshd(?:-session)?: [^\s\[]\S*$")
_TOGETHER = 2  # logins that began since the last look
_LOOKS, _LONGER = 3, 2
_YOUNG = 30  # looks in which every run is taken as the host's way
_DAY = 1_440  # looks in a row after which it is the host's way, as all that was told for so long and stays
_MOST = (
    4.0  # times the looks that tell: how long it goes on makes it surer, but no graver without end
)
_LESSON = 1  # looks by which a run that was told makes longer ones usual
_SLACK = 5.0  # seconds by which two looks' clocks may differ


class Knocks(NamedTuple):
    """Looks in a row with several new logins under way: now, and the longest run that is usual. `told` is how often the looks that tell."""

    run: int
    usual: int
    told: float


def is_begun(command: str) -> bool:
    """Whether a process of the SSH server serves a login that is not through."""
    return command[:4] == "sshd" and _BEGUN.match(command[:200]) is not None


def coming_in(begun: Sequence[Row], rows: Mapping[str, Row]) -> list[Row]:
    """The logins that are not through. Each has one process or two, parent and child; one whose child is its user's is through."""
    through = {
        str(row.get("parent"))
        for row in rows.values()
        if _THROUGH.match(str(row.get("cmdline") or "")[:200])
    }
    coming = {str(row.get("pid")): row for row in begun}
    return [
        row
        for pid, row in coming.items()
        if pid not in through and str(row.get("parent")) not in coming
    ]


def fresh(coming: Sequence[Row], view: View) -> int:
    """How many of them began since the look before."""
    before = view.snapshot.taken_at.timestamp() - (view.elapsed or 60.0) - _SLACK
    return sum(number(row, "start_time", 0) > before for row in coming)


def knocks(now: int, before: tuple[int, float], count: int) -> Knocks:
    """What so many new logins under way say, after this many looks. `before` has the usual run, and the run so far."""
    usual, run = before[0], int(before[1])
    limit = max(_LOOKS, _LONGER * usual)
    if now < _TOGETHER:
        usual = max(usual, run if run < limit else usual + _LESSON)
        return Knocks(0, usual, 0.0)
    run += 1
    if count < _YOUNG or run >= _DAY:
        return Knocks(run, max(usual, run), 0.0)
    return Knocks(run, usual, min(run / limit, _MOST) if run >= limit else 0.0)
