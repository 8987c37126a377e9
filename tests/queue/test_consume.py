"""The consume loop: what happens to each message whatever the handler does."""

import threading
from collections.abc import Sequence
from itertools import pairwise

from tests.contracts.queue_case import message
from tests.queue.loop import EndingClock, Loop, each, name_of

from vedette.core import SystemClock
from vedette.queue import (
    Backoff,
    BatchReport,
    Delivery,
    Done,
    MemoryQueue,
    Outcome,
    Reject,
    Retry,
    consume,
)

_DONE = Done()


def test_handled_messages_leave_the_queue_and_are_reported() -> None:
    bench = Loop()
    bench.queue.append([message(host, seq) for host in "ab" for seq in (1, 2)])
    bench.run(each(lambda _: _DONE))
    assert bench.calls == [[("a", 1, 1), ("a", 2, 1), ("b", 1, 1), ("b", 2, 1)]]
    (report,) = bench.reports
    assert (report.size, report.lanes, report.done, report.lost) == (4, 2, 4, 0)
    assert bench.clock.monotonic() == 0


def test_rejected_messages_go_to_the_dead_letters_and_the_lane_goes_on() -> None:
    bench = Loop()
    bench.queue.append([message(seq=seq) for seq in (1, 2, 3)])
    bench.run(each(lambda d: Reject(reason="unreadable") if d.message.identity.seq == 2 else _DONE))
    assert [letter.identity.seq for letter in bench.queue.dead_letters(limit=5)] == [2]
    assert len(bench.calls) == 1
    assert (bench.reports[0].done, bench.reports[0].rejected) == (2, 1)


def test_after_a_retry_the_rest_of_the_lane_is_not_heard_and_comes_again_in_order() -> None:
    bench = Loop()
    bench.queue.append([message(host, seq) for host in "ab" for seq in (1, 2, 3)])

    def decide(delivery: Delivery) -> Outcome:
        if name_of(delivery) == ("a", 2, 1):
            return Retry(delay_seconds=7, reason="lost the race")
        return Reject(reason="out of turn") if name_of(delivery) == ("a", 3, 1) else _DONE

    bench.run(each(decide))
    assert bench.calls[1:] == [[("a", 2, 2)], [("a", 3, 2)]]
    assert bench.queue.dead_letters(limit=5) == []
    assert round(bench.clock.monotonic(), 1) == 7.0
    assert [(r.done, r.retried) for r in bench.reports] == [(4, 1), (2, 0)]


def test_a_poison_message_holds_back_only_its_lane_with_growing_delays() -> None:
    bench = Loop()
    bench.queue.append([message(host, seq) for seq in (1, 2) for host in "abc"])
    at: list[float] = []

    def decide(delivery: Delivery) -> Outcome:
        host, seq, attempts = name_of(delivery)
        if (host, seq) != ("b", 1):
            return _DONE
        if attempts == 5:
            return Reject(reason="gave up")
        at.append(bench.clock.monotonic())
        raise KeyError("poison")

    bench.run(each(decide))
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
    bench = Loop()
    bench.queue.append([message(seq=1), message(seq=2)])
    bench.run(lambda deliveries: [_DONE] if len(deliveries) == 1 else [])
    assert bench.calls == [[("a", 1, 1), ("a", 2, 1)], [("a", 1, 1)], [("a", 2, 1)]]


def test_messages_seen_before_are_handled_alone_after_the_fresh_ones() -> None:
    bench = Loop()
    bench.queue.append([message("a", 1), message("a", 2)])
    bench.queue.poll(limit=10, lease_seconds=1)
    bench.clock.advance(2)
    bench.queue.append([message("a", 3), message("b", 1), message("c", 1)])
    bench.run(each(lambda _: _DONE))
    assert bench.calls == [
        [("b", 1, 1), ("c", 1, 1)],
        [("a", 1, 2)],
        [("a", 2, 2)],
        [("a", 3, 1)],
    ]


def test_dead_letters_beyond_their_room_go_and_are_told() -> None:
    stop = threading.Event()
    clock = EndingClock(stop)
    queue = MemoryQueue(clock, dead_letter_bytes=100)
    queue.append([message(seq=seq, body=bytes(30)) for seq in range(5)])
    told: list[int] = []
    consume(
        queue,
        each(lambda _: Reject(reason="torn")),
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
            handled.extend(name_of(d)[:2] for d in deliveries)
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
