"""What every queue must do. A broker's test class derives from QueueContract and gives it a `broker`."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.contracts.queue_case import (
    CONFLICT,
    DUPLICATE,
    EVERY,
    NEW,
    START,
    Broker,
    forget,
    message,
    seqs,
    take,
)
from tests.contracts.queue_suite_forgetting import ForgettingContract
from tests.contracts.queue_suite_lanes import LanesContract
from tests.contracts.queue_suite_letters import LettersContract
from tests.contracts.queue_suite_turns import TurnsContract

from vedette.core import HostId, InvalidInput, ManualClock, Message, TenantId
from vedette.queue import Queue

__all__ = ["DurableQueueContract", "QueueContract"]


class QueueContract(LanesContract, LettersContract, TurnsContract, ForgettingContract):
    """Behaviour of every queue, tested through the port alone."""

    def test_a_look_and_a_probe_change_nothing(self, queue: Queue) -> None:
        queue.append([message()])
        before = queue.stats()
        queue.look()
        queue.probe()
        assert queue.stats() == before
        assert queue.append([message()]) == [DUPLICATE]

    def test_a_message_comes_back_as_it_was(self, queue: Queue) -> None:
        sent = message("büro/1", 2**63 - 1, body=bytes(range(256)) * 100, tenant="tænant")
        assert queue.append([sent]) == [NEW]
        (delivery,) = take(queue)
        assert delivery.message == sent
        assert delivery.attempts == 1

    def test_each_lane_keeps_its_order(self, queue: Queue) -> None:
        queue.append([message(host, seq) for seq in (3, 1, 2) for host in "ab"])
        got = seqs(take(queue))
        assert [seq for host, seq in got if host == "a"] == [3, 1, 2]
        assert [seq for host, seq in got if host == "b"] == [3, 1, 2]

    def test_nothing_to_do_is_no_error(self, queue: Queue) -> None:
        assert queue.append([]) == []
        assert take(queue) == []
        queue.commit([])
        queue.extend([], 1.0)
        assert queue.dead_letters(limit=5) == []
        assert queue.prune() == 0

    def test_the_same_message_again_is_a_duplicate_even_after_it_was_consumed(
        self, queue: Queue
    ) -> None:
        assert queue.append([message()]) == [NEW]
        assert queue.append([message()]) == [DUPLICATE]
        queue.commit(take(queue))
        assert queue.append([message()]) == [DUPLICATE]
        assert queue.depth() == 0

    def test_the_same_identity_with_other_content_is_a_conflict_and_not_stored(
        self, queue: Queue
    ) -> None:
        queue.append([message()])
        assert queue.append([message(body=b"other"), message("b")]) == [CONFLICT, NEW]
        assert [d.message.body for d in take(queue)] == [b"body", b"body"]

    def test_one_identity_several_times_in_one_batch_is_stored_once(self, queue: Queue) -> None:
        batch = [message(), message(), message(body=b"other"), message(seq=2)]
        assert queue.append(batch) == [NEW, DUPLICATE, CONFLICT, NEW]
        assert seqs(take(queue)) == [("a", 1), ("a", 2)]

    def test_a_batch_may_be_far_larger_than_one_statement(self, queue: Queue) -> None:
        batch = [message(f"h{n % 700}", n) for n in range(1500)]
        assert queue.append([*batch, batch[0]]) == [NEW] * 1500 + [DUPLICATE]
        assert queue.depth() == 1500

    def test_tenants_and_hosts_are_told_apart_whatever_their_names(self, queue: Queue) -> None:
        twins = [message("b/c", tenant="a"), message("c", tenant="a/b")]
        assert queue.append(twins) == [NEW, NEW]
        assert {d.token for d in take(queue, limit=1)} != {d.token for d in take(queue, limit=1)}

    def test_strange_names_and_the_greatest_seq_are_known_again(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        names = ["bü'ro\"\\", "\x01\n\t", "\U0001f5a5 {a,b}", "null", "", "[1]"]
        batch = [message(name, 2**63 - 1, tenant=name, epoch=name) for name in names]
        assert queue.append(batch) == [NEW] * 6
        assert queue.append(batch) == [DUPLICATE] * 6
        forget(queue, clock)
        assert queue.append(batch) == [DUPLICATE] * 6

    @pytest.mark.parametrize("bad", [message(seq=-1), message(seq=2**63), message("nul\0")])
    def test_what_cannot_be_stored_is_refused_and_nothing_is_stored(
        self, queue: Queue, bad: Message
    ) -> None:
        with pytest.raises(InvalidInput):
            queue.append([message("good"), bad])
        assert queue.depth() == 0

    def test_hosts_of_which_something_waits_are_told(self, queue: Queue) -> None:
        queue.append([message(host) for host in "abcd"])
        queue.append([message("e", tenant="u")])
        hosts = [HostId(host) for host in "abcdef"]
        assert queue.waiting(TenantId("t"), hosts) == set("abcd")
        taken = {d.message.identity.host: d for d in take(queue)}
        queue.commit([taken[HostId("a")]])
        queue.retry(taken[HostId("b")], delay_seconds=60, reason="later")
        queue.reject(taken[HostId("c")], reason="torn")
        assert queue.waiting(TenantId("t"), hosts) == set("bd")
        queue.replay(EVERY, limit=9)
        assert queue.waiting(TenantId("t"), hosts) == set("bd")
        assert queue.waiting(TenantId("t"), []) == set()

    def test_what_was_accepted_is_counted_by_host_from_a_time_on_judged_or_not(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        queue.append([message("a", 1, body=b"x" * 7)])
        clock.advance(60)
        queue.append([message("a", seq, body=b"x" * 10) for seq in (2, 3)])
        queue.append([message("b", 1, body=b"xy"), message("a", 3, body=b"x" * 10)])
        queue.commit(take(queue, limit=2))
        found = queue.used(clock.now())
        assert [(u.host, u.snapshots, u.size) for u in found] == [("a", 2, 20), ("b", 1, 2)]
        assert [u.snapshots for u in queue.used(START)] == [3, 1]

    def test_stats_say_how_much_waits_and_since_when(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        assert (queue.stats().depth, queue.stats().oldest_age_seconds) == (0, 0.0)
        queue.append([message("a", 1), message("a", 2), message("b", 1)])
        clock.advance(2.5)
        first, *_ = take(queue)
        queue.reject(first, reason="poison")
        stats = queue.stats()
        assert (stats.depth, stats.lanes, stats.dead_letters) == (2, 2, 1)
        assert stats.oldest_age_seconds == 2.5
        assert queue.depth() == 2

    def test_of_several_appenders_of_one_message_one_stores_it(self, broker: Broker) -> None:
        batches = [[message(f"h{n % 5}", n) for n in range(40)] for _ in range(4)]
        batches[1].reverse()
        queues = [broker.open() for _ in batches]
        with ThreadPoolExecutor(4) as pool:
            answers = list(
                pool.map(lambda pair: pair[0].append(pair[1]), zip(queues, batches, strict=True))
            )
        assert Counter(answer for batch in answers for answer in batch) == {NEW: 40, DUPLICATE: 120}
        assert queues[0].depth() == 40
        for queue in queues:
            queue.close()

    def test_threads_that_append_and_consume_at_once_lose_nothing_and_keep_order(
        self, broker: Broker
    ) -> None:
        queue = broker.open()
        appended = threading.Event()
        got: list[tuple[str, int]] = []
        lock = threading.Lock()

        def append(host: str) -> None:
            for start in range(0, 30, 5):
                queue.append([message(host, seq) for seq in range(start, start + 5)])

        def consume() -> None:
            mine = broker.open()
            while True:
                done = appended.is_set()
                batch = take(mine, limit=7)
                with lock:
                    got.extend(seqs(batch))
                mine.commit(batch)
                if done and not batch and queue.depth() == 0:
                    break
            mine.close()

        with ThreadPoolExecutor(6) as pool:
            consumers = [pool.submit(consume) for _ in range(3)]
            appenders = [pool.submit(append, host) for host in "abc"]
            for future in appenders:
                future.result()
            appended.set()
            for future in consumers:
                future.result()
        for host in "abc":
            assert [seq for name, seq in got if name == host] == list(range(30))
        queue.close()


class DurableQueueContract(QueueContract):
    """Behaviour of queues that outlive their process."""

    def test_what_was_appended_is_there_after_reopening(self, broker: Broker) -> None:
        queue = broker.open()
        queue.append([message(seq=1), message(seq=2), message(seq=3)])
        first, second, _ = take(queue)
        queue.commit([first])
        queue.reject(second, reason="poison")
        queue.close()
        reopened = broker.open()
        assert reopened.depth() == 1
        assert reopened.append([message(seq=seq) for seq in (1, 2, 3, 4)]) == [
            *[DUPLICATE] * 3,
            NEW,
        ]
        assert [letter.reason for letter in reopened.dead_letters(limit=5)] == ["poison"]
        assert take(reopened) == []
        reopened.close()

    def test_what_was_forgotten_is_known_after_reopening(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        queue = broker.open()
        queue.append([message(seq=1), message(seq=2)])
        forget(queue, clock)
        queue.close()
        reopened = broker.open()
        again = [message(seq=1), message(seq=2), message(seq=3)]
        assert reopened.append(again) == [CONFLICT, DUPLICATE, NEW]
        reopened.close()

    def test_queues_opened_at_once_make_the_tables_once(self, broker: Broker) -> None:
        with ThreadPoolExecutor(6) as pool:
            queues = list(pool.map(lambda _: broker.open(), range(6)))
        for number, queue in enumerate(queues):
            assert queue.append([message(seq=number)]) == [NEW]
        assert queues[0].depth() == 6
        for queue in queues:
            queue.close()
