"""Peers that no longer answer: a program tries one of them look after look, and never gets through."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from vedette.detect.view import View

__all__ = ["Deaf", "listen"]

_SOCKETS = "process_open_sockets"
_TRYING, _THROUGH = frozenset({"SYN_SENT", "SYN-SENT"}), frozenset({"ESTABLISHED", "ESTAB"})
_LOOKS, _LONGER = 4, 2
_MOST, _LETTERS, _LONGEST = 32, 64, 10_000
_USUAL = ""  # the key of the longest run that ended by itself


class Deaf(NamedTuple):
    """A program whose peer does not answer, its attempts now, and for how many times the looks that tell."""

    name: str
    now: int
    times: float


def listen(
    view: View, before: dict[str, int], *, first: bool
) -> tuple[tuple[Deaf, ...], dict[str, int]]:
    """What is found, and the state after: looks in a row by program and peer, and the longest that is usual."""
    rows = view.rows(_SOCKETS)
    trying = [row for row in rows if row.get("state") in _TRYING]
    if not trying and len(before) <= 1:
        return (), before
    attempts = Counter(_pair(row, view) for row in trying)
    through = {_pair(row, view) for row in rows if row.get("state") in _THROUGH}
    usual = before.get(_USUAL, 0)
    limit = max(_LOOKS, _LONGER * usual)
    runs, found = {}, []
    for pair in sorted({*attempts, *before} - {_USUAL}):
        run = before.get(pair, 0)
        if pair in through or (run == 1 and pair not in attempts):
            # It ended by itself: so long is usual here.
            usual = max(usual, run if run < limit else 0)
        else:
            # Between two attempts it waits; that is no answer.
            runs[pair] = min(run + 1, _LONGEST) if pair in attempts else run - 1
    if first:
        usual = max(usual, _LOOKS if attempts else 0)
    for pair, run in runs.items():
        if run >= limit and attempts[pair]:
            found.append(Deaf(pair.split(" ", 1)[0], attempts[pair], run / limit))
    kept = sorted(runs.items(), key=lambda one: (-one[1], one[0]))[: _MOST - 1]
    return tuple(found), dict(sorted({**dict(kept), _USUAL: usual}.items()))


def _pair(row: Mapping[str, object], view: View) -> str:
    owner = str(view.by_pid.get(str(row.get("pid")), {}).get("name"))[:_LETTERS].replace(" ", "_")
    return f"{owner} {str(row.get('remote_address'))[:_LETTERS]}:{row.get('remote_port')}"[:200]
