"""What every queue must do with dead letters."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.contracts.queue_case import (
    CONFLICT,
    DUPLICATE,
    EVERY,
    Broker,
    QueueCase,
    letter_ids,
    message,
    seqs,
    take,
)

from vedette.core import HostId, InvalidInput, ManualClock
from vedette.queue import Queue, Selection

__all__ = ["LettersContract"]


class LettersContract(QueueCase):
    """Kept whole, found, replayed once, and gone after their time or beyond their room."""

    def test_dead_letters_are_read_page_by_page(self, queue: Queue) -> None:
        queue.append([message(seq=seq) for seq in range(5)])
        for delivery in take(queue):
            queue.reject(delivery, reason="poison")
        pages = []
        after = None
        while page := queue.dead_letters(limit=2, after=after):
            pages.append([letter.identity.seq for letter in page])
            after = page[-1].id
        assert pages == [[0, 1], [2, 3], [4]]
        with pytest.raises(InvalidInput):
            queue.dead_letters(limit=2, after="'; --")

    def test_dead_letters_are_told_apart_by_tenant_host_time_and_reason(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        first = clock.now()
        for host, tenant, reason in (
            ("a", "t", "No key 100%"),
            ("b", "t", "torn"),
            ("a", "u", "x"),
        ):
            queue.append([message(host, tenant=tenant)])
            queue.reject(take(queue)[0], reason=reason)
            clock.advance(60)
        second = first + timedelta(seconds=60)

        def found(**asked: Any) -> list[str]:
            return [one.reason for one in queue.dead_letters(Selection(**asked), limit=9)]

        assert found(tenant="t") == ["No key 100%", "torn"]
        assert found(tenant="t", host="a") == ["No key 100%"]
        assert found(text="KEY 100%") == ["No key 100%"]
        assert found(text="%") == ["No key 100%"]
        assert found(since=second) == ["torn", "x"]
        assert found(until=second) == ["No key 100%"]
        assert found(tenant="t", ids=letter_ids(queue)) == ["No key 100%", "torn"]
        assert found(ids=()) == []
        with pytest.raises(InvalidInput):
            queue.dead_letters(Selection(ids=("1 OR 1=1",)), limit=9)

    def test_a_replayed_message_comes_again_whole_and_marked_at_the_rear_of_its_lane(
        self, queue: Queue, other: Queue
    ) -> None:
        queue.append([message(seq=1, body=b"poison"), message(seq=2)])
        poison, second = take(queue)
        queue.reject(poison, reason="torn")
        queue.commit([second])
        queue.append([message(seq=3)])
        (moved,) = other.replay(EVERY, limit=9)
        assert moved.reason == "torn"
        assert queue.dead_letters(limit=9) == []
        third, again = take(queue)
        assert (third.message.identity.seq, third.replays) == (3, 0)
        assert again.message == msgspec.structs.replace(poison.message, behind=True)
        assert (again.replays, again.attempts) == (1, 1)

    def test_replaying_twice_has_no_second_effect(self, queue: Queue) -> None:
        queue.append([message(body=b"poison")])
        queue.reject(take(queue)[0], reason="torn")
        one = Selection(ids=letter_ids(queue))
        assert [len(queue.replay(one, limit=9)) for _ in range(3)] == [1, 0, 0]
        queue.commit(take(queue))
        assert queue.replay(one, limit=9) == []
        assert queue.stats().depth == 0

    def test_what_can_still_not_be_handled_returns_under_its_id_with_all_attempts(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        queue.append([message()])
        queue.reject(take(queue)[0], reason="torn")
        ids = letter_ids(queue)
        queue.append([message("b")])
        queue.reject(take(queue)[0], reason="b's")
        clock.advance(60)
        queue.replay(Selection(ids=ids), limit=9)
        take(queue, lease_seconds=1)
        clock.advance(2)
        queue.reject(take(queue)[0], reason="torn still")
        first, _ = queue.dead_letters(limit=9)
        assert (first.id, first.reason, first.at) == (*ids, "torn still", clock.now())
        assert (first.attempts, first.replays) == (3, 1)
        queue.replay(Selection(ids=ids), limit=9)
        assert [d.replays for d in take(queue)] == [2]

    def test_a_replay_is_bounded_and_keeps_the_order_of_rejection(self, queue: Queue) -> None:
        queue.append([message(seq=seq) for seq in range(4)])
        for delivery in take(queue):
            queue.reject(delivery, reason="torn")
        assert [one.identity.seq for one in queue.replay(EVERY, limit=3)] == [0, 1, 2]
        assert seqs(take(queue)) == [("a", 0), ("a", 1), ("a", 2)]
        assert [one.identity.seq for one in queue.dead_letters(limit=9)] == [3]

    def test_of_many_that_replay_at_once_one_moves_each_letter(self, broker: Broker) -> None:
        queues = [broker.open() for _ in range(4)]
        queues[0].append([message(seq=seq) for seq in range(20)])
        for delivery in take(queues[0]):
            queues[0].reject(delivery, reason="torn")
        with ThreadPoolExecutor(4) as pool:
            moved = list(pool.map(lambda queue: queue.replay(EVERY, limit=20), queues))
        assert sum(map(len, moved)) == 20
        assert queues[0].stats().depth == 20
        for queue in queues:
            queue.close()

    def test_a_replayed_message_is_still_known_and_says_nothing_of_delay(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        queue.append([message()])
        queue.reject(take(queue)[0], reason="torn")
        clock.advance(3600)
        queue.replay(EVERY, limit=9)
        assert queue.append([message(), message(body=b"other")]) == [DUPLICATE, CONFLICT]
        assert (queue.stats().depth, queue.stats().oldest_age_seconds) == (1, 0.0)

    def test_purged_letters_are_gone_for_good_and_others_stay(self, queue: Queue) -> None:
        queue.append([message(host, body=host.encode()) for host in "abc"])
        for delivery in take(queue):
            queue.reject(delivery, reason="torn")
        purged = queue.purge(Selection(host=HostId("b")), limit=9)
        assert [one.identity.host for one in purged] == ["b"]
        assert queue.purge(Selection(host=HostId("b")), limit=9) == []
        assert [one.identity.host for one in queue.dead_letters(limit=9)] == ["a", "c"]
        assert [one.identity.host for one in queue.purge(EVERY, limit=1)] == ["a"]
        assert queue.append([message("b", body=b"b")]) == [DUPLICATE]

    def test_dead_letters_are_pruned_after_their_own_retention_time(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        queue.append([message("a"), message("b")])
        first, second = take(queue)
        queue.reject(first, reason="torn")
        clock.advance(timedelta(days=2).total_seconds())
        queue.retry(second, delay_seconds=0, reason="wait")
        queue.reject(take(queue)[0], reason="torn")
        queue.prune()
        assert len(queue.dead_letters(limit=9)) == 2
        clock.advance(timedelta(days=1, seconds=1).total_seconds())
        queue.prune()
        assert [one.identity.host for one in queue.dead_letters(limit=9)] == ["b"]

    def test_the_oldest_dead_letters_go_when_all_take_too_much_room(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        for seq in range(10):
            queue.append([message("flood", seq, body=bytes(100))])
            clock.advance(1)
            queue.reject(take(queue)[0], reason="torn")
        assert queue.trim() == 0
        queue.append([message("flood", 10, body=bytes(5_000)), message("flood", 11)])
        clock.advance(1)
        for delivery in take(queue):
            queue.reject(delivery, reason="torn")
        assert queue.trim() == 11
        assert [one.identity.seq for one in queue.dead_letters(limit=99)] == [11]
        assert queue.trim() == 0

    def test_what_was_replayed_is_told_apart_in_the_depth(self, queue: Queue) -> None:
        queue.append([message(seq=seq) for seq in range(3)])
        for delivery in take(queue):
            queue.reject(delivery, reason="torn")
        queue.replay(EVERY, limit=9)
        queue.append([message("b"), message("c", behind=True)])
        assert (queue.stats().depth, queue.stats().replayed) == (5, 3)
