"""What every queue must do with lanes, leases, retries and rejections."""

from datetime import timedelta

import pytest
from tests.contracts.queue_case import DUPLICATE, START, QueueCase, message, seqs, take

from vedette.core import LeaseLost, ManualClock, digest
from vedette.queue import Queue

__all__ = ["LanesContract"]


class LanesContract(QueueCase):
    """One consumer has a lane at a time, and what it may do ends with its lease."""

    def test_a_lane_is_not_shared_by_two_consumers(self, queue: Queue, other: Queue) -> None:
        queue.append([message(host, seq) for host in "ab" for seq in (1, 2)])
        mine = take(queue, limit=1)
        theirs = take(other)
        assert seqs(mine) == [("a", 1)]
        assert seqs(theirs) == [("b", 1), ("b", 2)]
        assert take(queue) == []

    def test_a_lane_is_free_once_its_last_delivery_is_dealt_with(self, queue: Queue) -> None:
        queue.append([message(seq=seq) for seq in (1, 2, 3)])
        first, second = take(queue, limit=2)
        queue.commit([first])
        assert take(queue) == []
        queue.reject(second, reason="poison")
        assert seqs(take(queue)) == [("a", 3)]

    def test_a_vanished_consumers_messages_come_again_in_order_with_more_attempts(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.append([message(seq=seq) for seq in (1, 2, 3)])
        first, *_ = take(queue, lease_seconds=30)
        queue.commit([first])
        clock.advance(29.9)
        assert take(other) == []
        clock.advance(0.1)
        again = take(other)
        assert seqs(again) == [("a", 2), ("a", 3)]
        assert [d.attempts for d in again] == [2, 2]

    def test_a_zombie_changes_nothing(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        queue.append([message(seq=seq) for seq in (1, 2)])
        mine = take(queue, lease_seconds=1)
        clock.advance(2)
        theirs = take(other, lease_seconds=10)
        with pytest.raises(LeaseLost):
            queue.commit(mine)
        with pytest.raises(LeaseLost):
            queue.extend(mine, 1000)
        with pytest.raises(LeaseLost):
            queue.retry(mine[0], delay_seconds=1000, reason="zombie")
        with pytest.raises(LeaseLost):
            queue.reject(mine[0], reason="zombie")
        assert queue.depth() == 2
        assert queue.dead_letters(limit=1) == []
        assert take(queue) == []
        clock.advance(9)
        other.commit(theirs)
        assert queue.depth() == 0

    def test_a_lost_lease_does_not_undo_the_rest_of_the_commit(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.append([message("a"), message("b")])
        mine = take(queue, lease_seconds=1)
        queue.extend(mine[1:], 100)
        clock.advance(2)
        stolen = take(other)
        with pytest.raises(LeaseLost) as lost:
            queue.commit(mine)
        assert seqs(stolen) == [("a", 1)]
        assert lost.value.extensions["positions"] == [mine[0].position]
        assert queue.depth() == 1

    def test_a_late_commit_counts_while_nobody_took_over(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        queue.append([message()])
        mine = take(queue, lease_seconds=1)
        clock.advance(100)
        queue.commit(mine)
        assert queue.depth() == 0

    def test_an_extended_lease_keeps_the_lane(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.append([message()])
        mine = take(queue, lease_seconds=10)
        clock.advance(9)
        queue.extend(mine, 10)
        clock.advance(9)
        assert take(other) == []
        clock.advance(1)
        assert len(take(other)) == 1

    def test_committing_twice_removes_nothing_more(self, queue: Queue) -> None:
        queue.append([message(seq=1), message(seq=2)])
        first, second = take(queue)
        queue.commit([second])
        queue.append([message(seq=3)])
        queue.commit([second, second])
        assert take(queue) == []
        queue.commit([first])
        assert seqs(take(queue)) == [("a", 3)]

    def test_a_retry_stalls_its_lane_only(self, queue: Queue, clock: ManualClock) -> None:
        queue.append([message(host, seq) for host in "ab" for seq in (1, 2, 3)])
        mine = take(queue)
        a = [d for d in mine if d.message.identity.host == "a"]
        queue.commit(a[:1])
        queue.retry(a[1], delay_seconds=5, reason="not yet")
        queue.commit([d for d in mine if d.message.identity.host == "b"])
        with pytest.raises(LeaseLost):
            queue.commit(a[2:])
        queue.append([message("b", 4)])
        assert seqs(take(queue)) == [("b", 4)]
        clock.advance(5)
        again = take(queue)
        assert seqs(again) == [("a", 2), ("a", 3)]
        assert [d.attempts for d in again] == [2, 2]

    def test_a_rejected_message_is_kept_whole_with_reason_and_attempts(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        queue.append([message(body=b"poison"), message(seq=2)])
        take(queue, lease_seconds=1)
        clock.advance(2)
        poison, fine = take(queue)
        queue.reject(poison, reason="cannot be opened")
        queue.commit([fine])
        (letter,) = queue.dead_letters(limit=10)
        assert (letter.identity, letter.digest) == (poison.message.identity, digest(b"poison"))
        assert (letter.size, letter.head) == (6, b"poison")
        assert letter.received_at == poison.message.received_at
        assert (letter.reason, letter.attempts, letter.at) == ("cannot be opened", 2, clock.now())
        assert queue.depth() == 0
        assert queue.append([poison.message]) == [DUPLICATE]

    def test_a_reason_that_quotes_what_was_sent_is_stored_readably(self, queue: Queue) -> None:
        queue.append([message()])
        queue.reject(take(queue)[0], reason="no table a\0b\ud800")
        assert [letter.reason for letter in queue.dead_letters(limit=5)] == ["no table a\ufffdb?"]

    def test_a_clock_set_back_does_not_keep_lanes_for_as_long(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.append([message("a"), message("b")])
        leased, held = take(queue)
        queue.retry(held, delay_seconds=60, reason="not yet")
        clock.step(START - timedelta(seconds=30))
        assert take(other) == []
        clock.step(START - timedelta(days=1))
        assert seqs(take(other)) == [("a", 1), ("b", 1)]
        with pytest.raises(LeaseLost):
            queue.commit([leased])

    def test_a_lease_longer_than_most_holds_against_one_who_asks_for_the_same(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.append([message()])
        take(queue, lease_seconds=7200)
        assert take(other, lease_seconds=7200) == []
        clock.advance(7200)
        assert len(take(other, lease_seconds=7200)) == 1

    def test_a_delay_is_cut_to_the_longest_wait(self, queue: Queue, clock: ManualClock) -> None:
        queue.append([message()])
        queue.retry(take(queue)[0], delay_seconds=1e6, reason="not yet")
        clock.advance(599)
        assert take(queue) == []
        clock.advance(1)
        assert len(take(queue)) == 1

    def test_rejecting_twice_buries_once(self, queue: Queue) -> None:
        queue.append([message(seq=1), message(seq=2)])
        first, _ = take(queue)
        queue.reject(first, reason="one")
        queue.reject(first, reason="two")
        assert [letter.reason for letter in queue.dead_letters(limit=5)] == ["one"]
