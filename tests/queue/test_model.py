"""Any order of calls gives the same answers from SQLite as from the in-memory queue."""

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.contracts.queue_case import message

from vedette.core import HostId, LeaseLost, ManualClock
from vedette.queue import Delivery, MemoryQueue, Queue, Selection, SqlQueue

# All that it runs has plain tests, too.
pytestmark = pytest.mark.no_cover

_MESSAGES = st.builds(
    message,
    st.sampled_from("abc"),
    st.integers(0, 6),
    body=st.sampled_from([b"x" * 10, b"y" * 40]),
    tenant=st.sampled_from(["t", "u"]),
    epoch=st.sampled_from(["e", "f"]),
    behind=st.booleans(),
)
_Pair = tuple[Delivery, Delivery]


class QueuesAgree(RuleBasedStateMachine):
    """Every rule is done to both; `_lent` holds what was ever polled, stale or not."""

    def __init__(self) -> None:
        super().__init__()
        self._directory = Path(tempfile.mkdtemp(prefix="vedette-queue-"))
        self._clock = ManualClock()
        self._model = MemoryQueue(
            self._clock,
            retention=timedelta(seconds=30),
            dead_letter_retention=timedelta(seconds=40),
            dead_letter_bytes=100,
            max_batch_bytes=60,
        )
        self._real = SqlQueue(
            f"sqlite:///{self._directory / 'queue.sqlite'}",
            self._clock,
            retention=timedelta(seconds=30),
            dead_letter_retention=timedelta(seconds=40),
            dead_letter_bytes=100,
            max_batch_bytes=60,
        )
        self._lent: list[_Pair] = []

    def teardown(self) -> None:
        self._real.close()
        shutil.rmtree(self._directory)

    def _both(self, act: Any) -> Any:
        answers = [_answer(act, self._model, 0), _answer(act, self._real, 1)]
        assert answers[0] == answers[1]
        return answers[0]

    def _chosen(self, data: st.DataObject) -> list[_Pair]:
        indexes = st.integers(0, len(self._lent) - 1)
        return [self._lent[index] for index in data.draw(st.lists(indexes, max_size=5))]

    @rule(batch=st.lists(_MESSAGES, max_size=6))
    def append(self, batch: list[Any]) -> None:
        self._both(lambda queue, _: queue.append(batch))

    @rule(
        limit=st.integers(1, 6),
        lease=st.integers(1, 10),
        behind=st.none() | st.integers(1, 6),
    )
    def poll(self, limit: int, lease: int, behind: int | None) -> None:
        model = self._model.poll(limit=limit, lease_seconds=lease, behind_limit=behind)
        real = self._real.poll(limit=limit, lease_seconds=lease, behind_limit=behind)
        assert [_seen(delivery) for delivery in model] == [_seen(delivery) for delivery in real]
        self._lent += zip(model, real, strict=True)

    @precondition(lambda self: self._lent)
    @rule(data=st.data())
    def commit(self, data: st.DataObject) -> None:
        chosen = self._chosen(data)
        self._both(lambda queue, side: queue.commit([pair[side] for pair in chosen]))

    @precondition(lambda self: self._lent)
    @rule(data=st.data(), lease=st.integers(1, 10))
    def extend(self, data: st.DataObject, lease: int) -> None:
        chosen = self._chosen(data)
        self._both(lambda queue, side: queue.extend([pair[side] for pair in chosen], lease))

    @precondition(lambda self: self._lent)
    @rule(data=st.data(), delay=st.integers(0, 10))
    def retry(self, data: st.DataObject, delay: int) -> None:
        for pair in self._chosen(data)[:1]:
            self._both(
                lambda queue, side, pair=pair: queue.retry(
                    pair[side], delay_seconds=delay, reason="r"
                )
            )

    @precondition(lambda self: self._lent)
    @rule(data=st.data())
    def reject(self, data: st.DataObject) -> None:
        for pair in self._chosen(data)[:1]:
            self._both(lambda queue, side, pair=pair: queue.reject(pair[side], reason="r"))

    @rule(host=st.sampled_from("abc"), limit=st.integers(1, 3))
    def replay(self, host: str, limit: int) -> None:
        chosen = Selection(host=HostId(host))
        self._both(lambda queue, _: queue.replay(chosen, limit=limit))

    @rule(host=st.sampled_from("abc"), limit=st.integers(1, 3))
    def purge(self, host: str, limit: int) -> None:
        chosen = Selection(host=HostId(host))
        self._both(lambda queue, _: queue.purge(chosen, limit=limit))

    @rule(seconds=st.integers(0, 12))
    def wait(self, seconds: int) -> None:
        self._clock.advance(seconds)

    @rule()
    def prune(self) -> None:
        self._both(lambda queue, _: queue.prune())

    @rule()
    def trim(self) -> None:
        self._both(lambda queue, _: queue.trim())

    @invariant()
    def same_counts(self) -> None:
        self._both(lambda queue, _: queue.stats())

    @invariant()
    def same_dead_letters(self) -> None:
        self._both(lambda queue, _: queue.dead_letters(limit=100))


def _seen(delivery: Delivery) -> tuple[Any, ...]:
    return delivery.message, delivery.attempts, delivery.replays


def _answer(act: Any, queue: Queue, side: int) -> Any:
    """What it gives, or how many leases it finds lost."""
    try:
        return act(queue, side)
    except LeaseLost as error:
        return "lost", len(error.extensions["positions"])


TestQueuesAgree = QueuesAgree.TestCase
TestQueuesAgree.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
