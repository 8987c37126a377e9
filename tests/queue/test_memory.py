"""The in-memory queue keeps the contract."""

from datetime import timedelta

import pytest
from tests.contracts.queue_case import Broker
from tests.contracts.queue_suite import QueueContract

from vedette.core import ManualClock
from vedette.queue import MemoryQueue, Queue


class _InMemory:
    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._queue: MemoryQueue | None = None

    def open(self, *, max_batch_bytes: int = 1 << 20) -> Queue:
        if self._queue is None:
            self._queue = MemoryQueue(
                self._clock,
                retention=timedelta(days=1),
                dead_letter_retention=timedelta(days=3),
                dead_letter_bytes=1_000,
                max_batch_bytes=max_batch_bytes,
            )
        return self._queue


class TestMemoryQueue(QueueContract):
    """One queue, opened as often as asked."""

    @pytest.fixture
    def broker(self, clock: ManualClock) -> Broker:
        return _InMemory(clock)
