"""Asking in waves: what one host brings an expert to costs no other host anything."""

from collections.abc import Sequence
from math import sqrt
from typing import Any

import pytest
from tests.fixtures.quiet_host import quiet_snapshots

from vedette.detect import Case, View
from vedette.detect.asking import Lesson, ask, teach
from vedette.detect.knowledge import Tells

SEVEN = [View(snapshot=snapshot, count=3) for snapshot in quiet_snapshots(7)]


class Counting:
    """An expert that counts in its states, in place, and fails on states below zero only when it comes to them."""

    name = "counting"

    def fresh(self) -> list[int]:
        return [0]

    def judge(self, views: Sequence[View], states: Sequence[list[int]]) -> list[tuple[Case, ...]]:
        return [
            (Case(expert=self.name, subject=f"{view.snapshot.seq}", nats=_root(state[0]), text=""),)
            for view, state in zip(views, states, strict=True)
        ]

    def doubts(self, _view: View, _state: list[int]) -> tuple[tuple[str, str], ...]:
        return ()

    def learn(
        self, views: Sequence[View], states: Sequence[list[int]], alarms: Sequence[bool]
    ) -> list[list[int]]:
        for view, state, _ in zip(views, states, alarms, strict=True):
            _root(state[0])
            state[0] += view.count
        return list(states)

    def tells(self, _state: list[int]) -> Tells:
        return Tells()

    def dump(self, state: list[int]) -> Any:
        return list(state)

    def load(self, raw: Any) -> list[int]:
        return list(raw)


def _root(number: int) -> float:
    if number < 0:
        raise ArithmeticError
    return sqrt(number)


class Deaf(Counting):
    """One that gives no answer for the last host of a wave."""

    def learn(
        self, views: Sequence[View], states: Sequence[list[int]], alarms: Sequence[bool]
    ) -> list[list[int]]:
        return super().learn(views, states, alarms)[: max(1, len(views) - 1)]


def lessons(numbers: Sequence[int]) -> list[Lesson]:
    return [
        Lesson(view, [number], alarm=False, kept=[number])
        for view, number in zip(SEVEN, numbers, strict=True)
    ]


@pytest.mark.parametrize("at", range(7))
def test_a_state_that_fails_begins_anew_and_the_others_answer_from_theirs(at: int) -> None:
    states = [[number] for number in range(1, 8)]
    states[at] = [-1]
    answers = ask(Counting(), SEVEN, states)
    assert [answer.state is state for answer, state in zip(answers, states, strict=True)] == [
        place != at for place in range(7)
    ]
    assert [bool(answer.doubts) for answer in answers] == [place == at for place in range(7)]
    assert [answer.cases[0].nats for answer in answers] == [
        0.0 if place == at else (place + 1) ** 0.5 for place in range(7)
    ]


@pytest.mark.parametrize("at", range(7))
def test_a_wave_that_fails_half_way_teaches_no_state_twice(at: int) -> None:
    numbers = [10 * place for place in range(7)]
    numbers[at] = -1
    learned = teach(Counting(), lessons(numbers))
    assert [one.state for one in learned] == [
        [3] if place == at else [10 * place + 3] for place in range(7)
    ]
    assert [one.dump for one in learned] == [one.state for one in learned]
    assert [bool(one.doubts) for one in learned] == [place == at for place in range(7)]


def test_what_came_fresh_is_taught_again_from_fresh() -> None:
    view, expert = SEVEN[0], Counting()
    broken = Lesson(view, [-1], alarm=False, kept=[-1])
    learned = teach(expert, [Lesson(view, expert.fresh(), alarm=False, kept=None), broken])
    assert [one.state for one in learned] == [[3], [3]]
    assert not learned[0].doubts


def test_an_expert_that_answers_for_too_few_is_asked_host_by_host() -> None:
    learned = teach(Deaf(), lessons(range(7)))
    assert [one.state for one in learned] == [[place + 3] for place in range(7)]


def test_what_fails_even_fresh_is_raised() -> None:
    class Broken(Counting):
        def fresh(self) -> list[int]:
            return [-1]

    with pytest.raises(ArithmeticError):
        ask(Broken(), SEVEN[:2], [[1], [-1]])
    with pytest.raises(ArithmeticError):
        teach(Broken(), lessons([1, -1, 1, 1, 1, 1, 1]))
