"""The consume loop over a queue in memory whose faults and time are the test's."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence

from vedette.core import ManualClock, Unavailable
from vedette.queue import BatchReport, Delivery, Handler, MemoryQueue, Outcome, consume

__all__ = ["EndingClock", "FaultyQueue", "Loop", "each", "name_of"]


class EndingClock(ManualClock):
    """Sets `stop` once an hour has passed in it, so that a loop that makes no progress ends, too."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        if self.monotonic() > 3600:
            self._stop.set()


class FaultyQueue(MemoryQueue):
    """A fault injector: each of the named methods is unavailable so many times."""

    def __init__(self, clock: ManualClock, **faults: int) -> None:
        super().__init__(clock)
        self.faults = Counter(faults)

    def _maybe_fail(self, method: str) -> None:
        if self.faults[method] > 0:
            self.faults[method] -= 1
            raise Unavailable("the disk is full")

    def poll(
        self, *, limit: int, lease_seconds: float, behind_limit: int | None = None
    ) -> list[Delivery]:
        self._maybe_fail("poll")
        return super().poll(limit=limit, lease_seconds=lease_seconds, behind_limit=behind_limit)

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        self._maybe_fail("commit")
        super().commit(deliveries)

    def extend(self, deliveries: Sequence[Delivery], lease_seconds: float) -> None:
        self._maybe_fail("extend")
        super().extend(deliveries, lease_seconds)

    def retry(self, delivery: Delivery, *, delay_seconds: float, reason: str) -> None:
        self._maybe_fail("retry")
        super().retry(delivery, delay_seconds=delay_seconds, reason=reason)


class Loop:
    """A queue, a clock that passes while the loop idles, and what the handler was given."""

    def __init__(self, **faults: int) -> None:
        self.stop = threading.Event()
        self.clock = EndingClock(self.stop)
        self.queue = FaultyQueue(self.clock, **faults)
        self.calls: list[list[tuple[str, int, int]]] = []
        self.reports: list[BatchReport] = []

    def run(self, decide: Callable[[Sequence[Delivery]], Sequence[Outcome]]) -> None:
        """Consumes until the queue is empty."""

        def handle(deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
            self.calls.append([name_of(d) for d in deliveries])
            return decide(deliveries)

        def note(report: BatchReport) -> None:
            self.reports.append(report)
            if self.queue.depth() == 0:
                self.stop.set()

        consume(
            self.queue,
            handle,
            stop=self.stop,
            clock=self.clock,
            jitter=lambda: 0.0,
            on_batch=note,
        )


def name_of(delivery: Delivery) -> tuple[str, int, int]:
    return delivery.message.identity.host, delivery.message.identity.seq, delivery.attempts


def each(decide: Callable[[Delivery], Outcome]) -> Handler:
    return lambda deliveries: [decide(delivery) for delivery in deliveries]
