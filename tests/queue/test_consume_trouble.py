"""The consume loop when the handler, the queue or a lease fails, or it is told to stop."""

import threading
from collections.abc import Sequence
from itertools import pairwise

import pytest
from tests.contracts.queue_case import message
from tests.queue.loop import EndingClock, Loop, each
from tests.queue.test_consume import _DONE

from vedette.core import LeaseLost, ManualClock, Unavailable
from vedette.queue import BatchReport, Delivery, MemoryQueue, Outcome, Reject, consume


def test_while_the_handler_is_unavailable_the_batch_waits_with_its_leases() -> None:
    bench = Loop()
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
    bench = Loop()
    bench.queue.append([message(host, seq) for host in "ab" for seq in (1, 2)])

    def decide(_: Sequence[Delivery]) -> Sequence[Outcome]:
        bench.stop.set()
        raise Unavailable("the store restarts")

    bench.run(decide)
    assert len(bench.queue.poll(limit=10, lease_seconds=60)) == 4


def test_lanes_that_can_not_be_given_back_come_again_when_their_leases_end() -> None:
    bench = Loop(retry=1)
    bench.queue.append([message()])

    def decide(_: Sequence[Delivery]) -> Sequence[Outcome]:
        bench.stop.set()
        raise Unavailable("everything restarts")

    bench.run(decide)
    assert bench.queue.poll(limit=10, lease_seconds=60) == []
    bench.clock.advance(60)
    assert len(bench.queue.poll(limit=10, lease_seconds=60)) == 1


def test_a_message_lost_before_its_rejection_is_not_buried() -> None:
    bench = Loop()
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
    bench = Loop()
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
    bench = Loop()
    bench.queue.append([message(seq=1)])

    def decide(_: Sequence[Delivery]) -> Sequence[Outcome]:
        bench.queue.append([message(seq=2)])
        bench.stop.set()
        return [_DONE]

    bench.run(decide)
    assert len(bench.calls) == 1
    assert bench.queue.depth() == 1


def test_a_lost_lease_is_survived_and_left_to_the_new_owner() -> None:
    bench = Loop()
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
    bench = Loop()
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
    bench = Loop()
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
    bench = Loop()
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
    bench = Loop(**{method: 3})
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
    bench = Loop(commit=5)
    bench.queue.append([message()])
    bench.run(each(lambda _: _DONE))
    assert bench.calls == [[("a", 1, 1)], [("a", 1, 2)]]
    assert [(report.done, report.lost) for report in bench.reports] == [(0, 1), (1, 0)]


def test_a_stop_is_noticed_within_a_nap_of_a_long_pause() -> None:
    bench = Loop(poll=1000)
    naps: list[float] = []

    class _Napping(EndingClock):
        def sleep(self, seconds: float) -> None:
            naps.append(seconds)
            if len(naps) == 50:
                bench.stop.set()
            super().sleep(seconds)

    clock = _Napping(bench.stop)
    consume(bench.queue, each(lambda _: _DONE), stop=bench.stop, clock=clock)
    assert len(naps) == 50
    assert max(naps) <= 0.25


def test_old_identities_are_forgotten_while_the_loop_runs() -> None:
    bench = Loop()
    bench.queue.append([message(seq=1), message(seq=2)])
    bench.queue.commit(bench.queue.poll(limit=2, lease_seconds=1))
    bench.clock.step(bench.clock.now().replace(month=3))
    consume(
        bench.queue,
        each(lambda _: _DONE),
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
    clock = EndingClock(stop)
    queue = _UnsettlingQueue(clock)
    queue.append([message(host) for host in "ab"])
    left: list[tuple[float, int]] = []

    def note(_: BatchReport) -> None:
        left.append((round(clock.monotonic()), queue.depth()))
        if queue.depth() == 0:
            stop.set()

    consume(
        queue, each(lambda _: outcome), stop=stop, clock=clock, jitter=lambda: 0.0, on_batch=note
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
    clock = EndingClock(stop)
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
