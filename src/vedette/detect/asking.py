"""Asks one expert about a wave of hosts, and starts it anew where what it had learned of a host can't be used.

A state may be one that an earlier version wrote, or damaged. No host may stay blind for that: the expert goes on with a
fresh state, and the snapshot is not called normal. What an expert can't take in even when fresh is the snapshot's own
fault, and is raised. A wave in which the expert fails is taken again host by host, so that it stays one host's failure.
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any, NamedTuple

from vedette.detect.case import Case
from vedette.detect.expert import Expert
from vedette.detect.view import View

__all__ = ["Answer", "Learned", "Lesson", "ask", "teach"]

_UNUSABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

Doubts = tuple[tuple[str, str], ...]


class Answer(NamedTuple):
    """What an expert said, why nothing may be called normal, and the state to go on with."""

    cases: tuple[Case, ...]
    doubts: Doubts
    state: Any


class Lesson(NamedTuple):
    """What one host's state is to learn. `kept` is the dump that `state` came from, None if it came fresh."""

    view: View
    state: Any
    alarm: bool
    kept: Any


class Learned(NamedTuple):
    """The state after a snapshot, as it is and as MessagePack's types; `doubts` when it had to start anew."""

    state: Any
    dump: Any
    doubts: Doubts = ()


def ask(expert: Expert[Any], views: Sequence[View], states: Sequence[Any]) -> list[Answer]:
    """The expert's answers from these states, or else from fresh ones. Changes nothing."""
    try:
        return _ask(expert, views, states)
    except _UNUSABLE:
        return [_ask_alone(expert, *one) for one in zip(views, states, strict=True)]


def teach(expert: Expert[Any], lessons: Sequence[Lesson]) -> list[Learned]:
    """The snapshots taken into their states, which must not be used again, or else into fresh ones."""
    try:
        return _teach(expert, lessons)
    except _UNUSABLE:
        # Which of the states have learned by now can't be told, so each is made again from its dump.
        return [_teach_alone(expert, lesson) for lesson in lessons]


def _ask_alone(expert: Expert[Any], view: View, state: Any) -> Answer:
    try:
        return _ask(expert, [view], [state])[0]
    except _UNUSABLE:
        (answer,) = _ask(expert, [view], [expert.fresh()])
        return answer._replace(doubts=(*answer.doubts, _anew(expert)))


def _teach_alone(expert: Expert[Any], lesson: Lesson) -> Learned:
    try:
        state = expert.fresh() if lesson.kept is None else expert.load(lesson.kept)
        return _teach(expert, [lesson._replace(state=state)])[0]
    except _UNUSABLE:
        (learned,) = _teach(expert, [lesson._replace(state=expert.fresh())])
        return learned._replace(doubts=(_anew(expert),))


def _ask(expert: Expert[Any], views: Sequence[View], states: Sequence[Any]) -> list[Answer]:
    answers = []
    for view, state, cases in zip(views, states, expert.judge(views, states), strict=True):
        for case in cases:
            if not isfinite(case.nats):
                raise ArithmeticError(f"{expert.name} weighs {case.subject} by no finite number")
        answers.append(Answer(cases, expert.doubts(view, state), state))
    return answers


def _teach(expert: Expert[Any], lessons: Sequence[Lesson]) -> list[Learned]:
    views, states, alarms, _ = zip(*lessons, strict=True)
    after = expert.learn(views, states, alarms)
    if len(after) != len(lessons):
        raise ValueError(f"{expert.name} gave {len(after)} states for {len(lessons)}")
    return [Learned(state, expert.dump(state)) for state in after]


def _anew(expert: Expert[Any]) -> tuple[str, str]:
    text = f"What was learned of this host could not be used and starts anew ({expert.name})"
    return f"state:{expert.name}", text
