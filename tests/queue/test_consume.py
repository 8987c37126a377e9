"""The consume loop: what happens to each message whatever the handler does."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest
from tests.contracts.queue_suite import message

from vedette.core import LeaseLost, ManualClock, SystemClock, Unavailable
from vedette.queue import (
    Backoff,
    BatchReport,
    Delivery,
    Done,
    Handler,
    MemoryQueue,
    Outcome,
    Reject,
    Retry,
    consume,
)

_DONE = Done()


class _EndingClock(ManualClock):
    """Sets `stop` once an hour has passed in it, so that a loop that makes no progress ends, too."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        if self.monotonic() > 3600:
            self._stop.set()


class _FaultyQueue(MemoryQueue):
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


class _Bench:
    """A queue, a clock that passes while the loop idles, and what the handler was given."""

    def __init__(self, **faults: int) -> None:
        self.stop = threading.Event()
        self.clock = _EndingClock(self.stop)
        self.queue = _FaultyQueue(self.clock, **faults)
        self.calls: list[list[tuple[str, int, int]]] = []
        self.reports: list[BatchReport] = []

    def run(self, decide: Callable[[Sequence[Delivery]], Sequence[Outcome]]) -> None:
        """Consumes until the queue is empty."""

        def handle(deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
            self.calls.append([_name(d) for d in deliveries])
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


def _name(delivery: Delivery) -> tuple[str, int, int]:
    return delivery.message.identity.host, delivery.message.identity.seq, delivery.attempts


def _each(decide: Callable[[Delivery], Outcome]) -> Handler:
    return lambda deliveries: [decide(delivery) for delivery in deliveries]


def test_handled_messages_leave_the_queue_and_are_reported() -> None:
    bench = _Bench()
    bench.queue.append([message(host, seq) for host in "ab" for seq in (1, 2)])
    bench.run(_each(lambda _: _DONE))
    assert bench.calls == [[("a", 1, 1), ("a", 2, 1), ("b", 1, 1), ("b", 2, 1)]]
    (report,) = bench.reports
    assert (report.size, report.lanes, report.done, report.lost) == (4, 2, 4, 0)
    assert bench.clock.monotonic() == 0


def test_rejected_messages_go_to_the_dead_letters_and_the_lane_goes_on() -> None:
    bench = _Bench()
    bench.queue.append([message(seq=seq) for seq in (1, 2, 3)])
    bench.run(
        _each(lambda d: Reject(reason="unreadable") if d.message.identity.seq == 2 else _DONE)
    )
    assert [letter.identity.seq for letter in bench.queue.dead_letters(limit=5)] == [2]
    assert len(bench.calls) == 1
    assert (bench.reports[0].done, bench.reports[0].rejected) == (2, 1)


def test_after_a_retry_the_rest_of_the_lane_is_not_heard_and_comes_again_in_order() -> None:
    bench = _Bench()
    bench.queue.append([message(host, seq) for host in "ab" for seq in (1, 2, 3)])

    def decide(delivery: Delivery) -> Outcome:
        if _name(delivery) == ("a", 2, 1):
            return Retry(delay_seconds=7, reason="lost the race")
        return Reject(reason="out of turn") if _name(delivery) == ("a", 3, 1) else _DONE

    bench.run(_each(decide))
    assert bench.calls[1:] == [[("a", 2, 2)], [("a", 3, 2)]]
    assert bench.queue.dead_letters(limit=5) == []
    assert round(bench.clock.monotonic(), 1) == 7.0
    assert [(r.done, r.retried) for r in bench.reports] == [(4, 1), (2, 0)]


def test_a_poison_message_holds_back_only_its_lane_with_growing_delays() -> None:
    bench = _Bench()
    bench.queue.append([message(host, seq) for seq in (1, 2) for host in "abc"])
    at: list[float] = []

    def decide(delivery: Delivery) -> Outcome:
        host, seq, attempts = _name(delivery)
        if (host, seq) != ("b", 1):
            return _DONE
        if attempts == 5:
            return Reject(reason="gave up")
        at.append(bench.clock.monotonic())
        raise KeyError("poison")

    bench.run(_each(decide))
    singles = [[("a", 1, 1)], [("b", 1, 1)], [("c", 1, 1)], [("a", 2, 1)], [("c", 2, 1)]]
    assert bench.calls[1:6] == singles
    assert bench.calls[6:] == [[("b", 1, n)] for n in (2, 3, 4, 5)] + [[("b", 2, 5)]]
    # Twice at the start: in the batch, then alone.
    gaps = [round(later - earlier) for earlier, later in pairwise(at[1:])]
    assert gaps == [1, 2, 4]
    (letter,) = bench.queue.dead_letters(limit=5)
    assert (letter.reason, letter.attempts) == ("gave up", 5)
    assert [report.failed for report in bench.reports] == [1, 1, 1, 1, 0]


def test_a_wrong_number_of_outcomes_loses_nothing() -> None:
    bench = _Bench()
    bench.queue.append([message(seq=1), message(seq=2)])
    bench.run(lambda deliveries: [_DONE] if len(deliveries) == 1 else [])
    assert bench.calls == [[("a", 1, 1), ("a", 2, 1)], [("a", 1, 1)], [("a", 2, 1)]]


def test_messages_seen_before_are_handled_alone_after_the_fresh_ones() -> None:
    bench = _Bench()
    bench.queue.append([message("a", 1), message("a", 2)])
    bench.queue.poll(limit=10, lease_seconds=1)
    bench.clock.advance(2)
    bench.queue.append([message("a", 3), message("b", 1), message("c", 1)])
    bench.run(_each(lambda _: _DONE))
    assert bench.calls == [
        [("b", 1, 1), ("c", 1, 1)],
        [("a", 1, 2)],
        [("a", 2, 2)],
        [("a", 3, 1)],
    ]


def test_while_the_handler_is_unavailable_the_batch_waits_with_its_leases() -> None:
    bench = _Bench()
    bench.queue.append([message(host) for host in "ab"])

    def decide(_: Sequence[Delivery]) -> Sequence[Outcome]:
        if bench.clock.monotonic() < 300:
            assert bench.queue.poll(limit=10, lease_seconds=60) == []
            raise Unavailable("the store restarts")
        return [_DONE, _DONE]

    bench.run(decide)
    assert {tuple(call) for call in bench.calls} == {(("a", 1, 1), ("b", 1, 1))}
    assert bench.reports[0].done == 2
    assert 300 <= bench.clock.monotonic() < 325


def test_a_stop_while_the_handler_is_unavailable_gives_the_lanes_back() -> None:
    bench = _Bench()
    bench.queue.append([message(host, seq) for host in "ab" for seq in (1, 2)])

    def decide(_: Sequence[Delivery]) -> Sequence[Outcome]:
        bench.stop.set()
        raise Unavailable("the store restarts")

    bench.run(decide)
    assert len(bench.queue.poll(limit=10, lease_seconds=60)) == 4


def test_lanes_that_can_not_be_given_back_come_again_when_their_leases_end() -> None:
    bench = _Bench(retry=1)
    bench.queue.append([message()])

    def decide(_: Sequence[Delivery]) -> Sequence[Outcome]:
        bench.stop.set()
        raise Unavailable("everything restarts")

    bench.run(decide)
    assert bench.queue.poll(limit=10, lease_seconds=60) == []
    bench.clock.advance(60)
    assert len(bench.queue.poll(limit=10, lease_seconds=60)) == 1


def test_a_message_lost_before_its_rejection_is_not_buried() -> None:
    bench = _Bench()
    bench.queue.append([message()])

    def decide(deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        if deliveries[0].attempts > 1:
            return [_DONE]
        bench.clock.advance(61)
        bench.queue.poll(limit=1, lease_seconds=5)
        return [Reject(reason="unreadable")]

    bench.run(decide)
    assert [(report.rejected, report.lost) for report in bench.reports] == [(0, 1), (0, 0)]
    assert bench.queue.dead_letters(limit=5) == []


def test_a_stop_between_single_messages_gives_the_rest_back() -> None:
    bench = _Bench()
    bench.queue.append([message(seq=seq) for seq in (1, 2, 3)])

    def decide(deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        if len(deliveries) > 1:
            raise KeyError("not all at once")
        bench.stop.set()
        return [_DONE]

    bench.run(decide)
    left = bench.queue.poll(limit=10, lease_seconds=60)
    assert [delivery.message.identity.seq for delivery in left] == [2, 3]


def test_a_stop_lets_the_batch_in_hand_finish() -> None:
    bench = _Bench()
    bench.queue.append([message(seq=1)])

    def decide(_: Sequence[Delivery]) -> Sequence[Outcome]:
        bench.queue.append([message(seq=2)])
        bench.stop.set()
        return [_DONE]

    bench.run(decide)
    assert len(bench.calls) == 1
    assert bench.queue.depth() == 1


def test_a_lost_lease_is_survived_and_left_to_the_new_owner() -> None:
    bench = _Bench()
    bench.queue.append([message("a"), message("b")])
    stolen: list[Delivery] = []

    def decide(deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        if not stolen:
            bench.clock.advance(61)
            stolen.extend(bench.queue.poll(limit=1, lease_seconds=5))
        return [_DONE] * len(deliveries)

    bench.run(decide)
    assert [(report.done, report.lost) for report in bench.reports] == [(1, 1), (1, 0)]
    assert bench.calls == [[("a", 1, 1), ("b", 1, 1)], [("a", 1, 3)]]
    with pytest.raises(LeaseLost):
        bench.queue.commit(stolen)


def test_a_lease_lost_while_waiting_gives_up_the_batch() -> None:
    bench = _Bench()
    bench.queue.append([message("a"), message("b")])
    stolen: list[Delivery] = []

    def decide(deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        if not stolen:
            bench.clock.advance(61)
            stolen.extend(bench.queue.poll(limit=1, lease_seconds=5))
            raise Unavailable("the store restarts")
        return [_DONE] * len(deliveries)

    bench.run(decide)
    assert bench.calls == [[("a", 1, 1), ("b", 1, 1)], [("b", 1, 2)], [("a", 1, 3)]]
    assert (bench.reports[0].done, bench.reports[0].lost) == (0, 1)


def test_leases_are_extended_while_messages_are_handled_one_by_one() -> None:
    bench = _Bench()
    bench.queue.append([message(host, seq) for host in "ab" for seq in range(5)])

    def decide(deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        if len(deliveries) > 1:
            raise KeyError("not all at once")
        bench.clock.advance(25)
        assert bench.queue.poll(limit=10, lease_seconds=1) == []
        return [_DONE]

    bench.run(decide)
    assert len(bench.reports) == 1
    assert bench.reports[0].done == 10
    assert bench.clock.monotonic() == 250


def test_after_a_lease_is_lost_the_rest_of_its_lane_is_not_handled() -> None:
    bench = _Bench()
    bench.queue.append([message(seq=seq) for seq in (1, 2)])

    def decide(deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        if len(deliveries) > 1:
            raise KeyError("not all at once")
        if deliveries[0].attempts == 1:
            bench.clock.advance(61)
            bench.queue.poll(limit=10, lease_seconds=5)
        return [_DONE]

    bench.run(decide)
    assert bench.calls[1:] == [[("a", 1, 1)], [("a", 1, 3)], [("a", 2, 3)]]


@pytest.mark.parametrize("method", ["poll", "commit", "extend"])
def test_a_queue_that_is_unavailable_for_a_while_is_waited_for(method: str) -> None:
    bench = _Bench(**{method: 3})
    bench.queue.append([message(host) for host in "ab"])

    def decide(deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        if method == "extend" and len(bench.calls) < 5:
            raise Unavailable("the store restarts, too")
        return [_DONE] * len(deliveries)

    bench.run(decide)
    assert bench.queue.faults[method] == 0
    assert [report.done for report in bench.reports] == [2]
    assert bench.clock.monotonic() >= 7


def test_what_can_not_be_committed_at_last_is_delivered_again() -> None:
    bench = _Bench(commit=5)
    bench.queue.append([message()])
    bench.run(_each(lambda _: _DONE))
    assert bench.calls == [[("a", 1, 1)], [("a", 1, 2)]]
    assert [(report.done, report.lost) for report in bench.reports] == [(0, 1), (1, 0)]


def test_a_stop_is_noticed_within_a_nap_of_a_long_pause() -> None:
    bench = _Bench(poll=1000)
    naps: list[float] = []

    class _Napping(_EndingClock):
        def sleep(self, seconds: float) -> None:
            naps.append(seconds)
            if len(naps) == 50:
                bench.stop.set()
            super().sleep(seconds)

    clock = _Napping(bench.stop)
    consume(bench.queue, _each(lambda _: _DONE), stop=bench.stop, clock=clock)
    assert len(naps) == 50
    assert max(naps) <= 0.25


def test_old_identities_are_forgotten_while_the_loop_runs() -> None:
    bench = _Bench()
    bench.queue.append([message(seq=1), message(seq=2)])
    bench.queue.commit(bench.queue.poll(limit=2, lease_seconds=1))
    bench.clock.step(bench.clock.now().replace(month=3))
    consume(
        bench.queue,
        _each(lambda _: _DONE),
        stop=bench.stop,
        clock=bench.clock,
        idle_seconds=10.0,
    )
    assert bench.queue.prune() == 0
    assert bench.queue.append([message(seq=1)]) == ["conflict"]


class _UnsettlingQueue(MemoryQueue):
    """A mistake of its own keeps it from settling one host's messages, up to their fourth attempt."""

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        self._stumble(deliveries)
        super().commit(deliveries)

    def reject(self, delivery: Delivery, *, reason: str) -> None:
        self._stumble([delivery])
        super().reject(delivery, reason=reason)

    def _stumble(self, deliveries: Sequence[Delivery]) -> None:
        if any(d.message.identity.host == "a" and d.attempts < 4 for d in deliveries):
            raise KeyError("a mistake")


@pytest.mark.parametrize("outcome", [_DONE, Reject(reason="torn")])
def test_what_cant_be_settled_holds_back_its_own_lane_and_ends_no_loop(outcome: Outcome) -> None:
    stop = threading.Event()
    clock = _EndingClock(stop)
    queue = _UnsettlingQueue(clock)
    queue.append([message(host) for host in "ab"])
    left: list[tuple[float, int]] = []

    def note(_: BatchReport) -> None:
        left.append((round(clock.monotonic()), queue.depth()))
        if queue.depth() == 0:
            stop.set()

    consume(
        queue, _each(lambda _: outcome), stop=stop, clock=clock, jitter=lambda: 0.0, on_batch=note
    )
    assert [left[-1]] == [(7, 0)]
    assert len(left) <= 4 + 1


class _UnprunableQueue(MemoryQueue):
    """Its disk is too full to prune, or its code is wrong."""

    def __init__(self, clock: ManualClock, error: Exception) -> None:
        super().__init__(clock)
        self._error = error
        self.tried: list[float] = []

    def prune(self) -> int:
        self.tried.append(self._clock.monotonic())
        raise self._error


@pytest.mark.parametrize("error", [Unavailable("full", kind="disk-full"), KeyError("a mistake")])
def test_a_queue_that_cant_be_pruned_is_consumed_and_pruned_less_and_less_often(
    error: Exception,
) -> None:
    stop = threading.Event()
    clock = _EndingClock(stop)
    queue = _UnprunableQueue(clock, error)
    seqs = iter(range(1_000))
    handled: list[int] = []

    def handle(deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        handled.extend(d.message.identity.seq for d in deliveries)
        return [_DONE] * len(deliveries)

    def more(_: BatchReport) -> None:
        if len(queue.tried) < 5:
            queue.append([message(seq=next(seqs))])
        else:
            stop.set()

    queue.append([message(seq=next(seqs))])
    consume(
        queue,
        handle,
        stop=stop,
        clock=clock,
        idle_seconds=1.0,
        prune_seconds=1.0,
        on_batch=more,
        jitter=lambda: 0.0,
    )
    assert len(handled) >= 14
    waits = [later - sooner for sooner, later in pairwise(queue.tried)]
    assert waits == [1, 2, 4, 8]


def test_dead_letters_beyond_their_room_go_and_are_told() -> None:
    stop = threading.Event()
    clock = _EndingClock(stop)
    queue = MemoryQueue(clock, dead_letter_bytes=100)
    queue.append([message(seq=seq, body=bytes(30)) for seq in range(5)])
    told: list[int] = []
    consume(
        queue,
        _each(lambda _: Reject(reason="torn")),
        stop=stop,
        clock=clock,
        idle_seconds=1.0,
        on_trimmed=told.append,
    )
    assert told == [2]
    assert [one.identity.seq for one in queue.dead_letters(limit=9)] == [2, 3, 4]


def test_delays_double_up_to_the_most_and_jitter_shortens_by_half_at_most() -> None:
    backoff = Backoff(first_seconds=1, most_seconds=10)
    assert [backoff.delay(n, 0.0) for n in (1, 2, 3, 4, 5, 5000)] == [1, 2, 4, 8, 10, 10]
    assert backoff.delay(3, 1.0) == 2


def test_several_consumers_in_threads_handle_each_message_once_in_order() -> None:
    queue = MemoryQueue(SystemClock())
    stop = threading.Event()
    lock = threading.Lock()
    handled: list[tuple[str, int]] = []
    seqs = range(60)

    def handle(deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
        if any(d.message.identity.seq == 13 and d.attempts < 3 for d in deliveries):
            raise KeyError("poison at first")
        with lock:
            handled.extend(_name(d)[:2] for d in deliveries)
        return [_DONE] * len(deliveries)

    def end(_: BatchReport) -> None:
        # The first half may be handled before the second is in.
        if queue.depth() == 0 and len(handled) == 4 * len(seqs):
            stop.set()

    threads = [
        threading.Thread(
            target=consume,
            args=(queue, handle),
            kwargs={
                "stop": stop,
                "clock": SystemClock(),
                "limit": 16,
                "idle_seconds": 0.005,
                "backoff": Backoff(first_seconds=0.01, most_seconds=0.05),
                "on_batch": end,
            },
        )
        for _ in range(3)
    ]
    queue.append([message(host, seq) for seq in seqs[:30] for host in "abcd"])
    for thread in threads:
        thread.start()
    queue.append([message(host, seq) for seq in seqs[30:] for host in "abcd"])
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    for host in "abcd":
        assert [seq for name, seq in handled if name == host] == list(seqs)
