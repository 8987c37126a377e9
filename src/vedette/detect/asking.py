"""Asks one expert about one snapshot, and starts it anew where what it had learned of the host can't be used.

A state may be one that an earlier version wrote, or damaged. No host may stay blind for that: the expert goes on with a
fresh state, and the snapshot is not called normal. What an expert can't take in even when fresh is the snapshot's own
fault, and is raised.
"""

from math import isfinite
from typing import Any, NamedTuple

from vedette.detect.case import Case
from vedette.detect.expert import Expert
from vedette.detect.view import View

__all__ = ["Answer", "Learned", "ask", "teach"]

_UNUSABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

Doubts = tuple[tuple[str, str], ...]


class Answer(NamedTuple):
    """What an expert said, why nothing may be called normal, and the state to go on with."""

    cases: tuple[Case, ...]
    doubts: Doubts
    state: Any


class Learned(NamedTuple):
    """The state after a snapshot, as it is and as MessagePack's types; `doubts` when it had to start anew."""

    state: Any
    dump: Any
    doubts: Doubts = ()


def ask(expert: Expert[Any], view: View, state: Any) -> Answer:
    """The expert's answer from its state, or else from a fresh one. Changes nothing."""
    try:
        return _ask(expert, view, state)
    except _UNUSABLE:
        answer = _ask(expert, view, expert.fresh())
        return answer._replace(doubts=(*answer.doubts, _anew(expert)))


def teach(expert: Expert[Any], view: View, state: Any, *, alarm: bool) -> Learned:
    """The snapshot taken into the state, which must not be used again, or else into a fresh one."""
    try:
        return _teach(expert, view, state, alarm=alarm)
    except _UNUSABLE:
        learned = _teach(expert, view, expert.fresh(), alarm=alarm)
        return learned._replace(doubts=(_anew(expert),))


def _ask(expert: Expert[Any], view: View, state: Any) -> Answer:
    cases = expert.judge(view, state)
    for case in cases:
        if not isfinite(case.nats):
            raise ArithmeticError(f"{expert.name} weighs {case.subject} by no finite number")
    return Answer(cases, expert.doubts(view, state), state)


def _teach(expert: Expert[Any], view: View, state: Any, *, alarm: bool) -> Learned:
    after = expert.learn(view, state, alarm=alarm)
    return Learned(after, expert.dump(after))


def _anew(expert: Expert[Any]) -> tuple[str, str]:
    text = f"What was learned of this host could not be used and starts anew ({expert.name})"
    return f"state:{expert.name}", text
