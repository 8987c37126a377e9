"""What the door is told of the queue."""

import time

from tests.contracts.queue_case import message

from vedette.app.door import QueueWatch
from vedette.core import SystemClock
from vedette.queue import MemoryQueue, Selection


def test_letters_that_were_put_back_refuse_no_host() -> None:
    clock = SystemClock()
    queue = MemoryQueue(clock)
    queue.append([message(seq=seq) for seq in range(5)])
    for delivery in queue.poll(limit=9, lease_seconds=60):
        queue.reject(delivery, reason="torn")
    queue.replay(Selection(), limit=9)
    queue.append([message("b")])
    with QueueWatch(queue, 2, clock) as watch:
        deadline = time.monotonic() + 30
        while not watch.is_open() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (watch.is_open(), watch.flow().depth) == (True, 1)
