"""What every queue must do. A broker's test class derives from QueueContract and gives it a `broker`."""

import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, Protocol

import msgspec
import pytest

from vedette.core import (
    Epoch,
    HostId,
    Identity,
    InvalidInput,
    LeaseLost,
    ManualClock,
    Message,
    TenantId,
    digest,
)
from vedette.queue import Appended, Delivery, Queue, Selection

__all__ = ["Broker", "DurableQueueContract", "QueueContract", "message"]

NEW, DUPLICATE, CONFLICT = Appended.NEW, Appended.DUPLICATE, Appended.CONFLICT
_START = ManualClock().now()
EVERY = Selection()


def message(
    host: str = "a",
    seq: int = 1,
    *,
    body: bytes = b"body",
    tenant: str = "t",
    epoch: str = "e",
    behind: bool = False,
) -> Message:
    """A message whose digest is its body's."""
    identity = Identity(tenant=TenantId(tenant), host=HostId(host), epoch=Epoch(epoch), seq=seq)
    return Message(
        identity=identity, digest=digest(body), body=body, received_at=_START, behind=behind
    )


class Broker(Protocol):
    """One place where messages are kept."""

    def open(self, *, max_batch_bytes: int = 1 << 20) -> Queue:
        """A queue upon it, independent of those opened before where that is possible. Retention: one day, of dead letters three."""


def _seqs(deliveries: list[Delivery]) -> list[tuple[str, int]]:
    return [(d.message.identity.host, d.message.identity.seq) for d in deliveries]


def _ids(queue: Queue) -> tuple[str, ...]:
    return tuple(letter.id for letter in queue.dead_letters(limit=100))


def _forget(queue: Queue, clock: ManualClock) -> None:
    """All identities that were accepted by now."""
    clock.advance(timedelta(days=1, seconds=1).total_seconds())
    while queue.prune():
        pass


def _take(queue: Queue, limit: int = 100, lease_seconds: float = 60.0) -> list[Delivery]:
    return queue.poll(limit=limit, lease_seconds=lease_seconds)


class QueueContract:
    """Behaviour of every queue, tested through the port alone."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock(_START)

    @pytest.fixture
    def broker(self, clock: ManualClock) -> Broker:
        raise NotImplementedError

    @pytest.fixture
    def queue(self, broker: Broker) -> Iterator[Queue]:
        queue = broker.open()
        yield queue
        queue.close()

    @pytest.fixture
    def other(self, broker: Broker) -> Iterator[Queue]:
        """A second consumer of the same messages."""
        queue = broker.open()
        yield queue
        queue.close()

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
        (delivery,) = _take(queue)
        assert delivery.message == sent
        assert delivery.attempts == 1

    def test_each_lane_keeps_its_order(self, queue: Queue) -> None:
        queue.append([message(host, seq) for seq in (3, 1, 2) for host in "ab"])
        got = _seqs(_take(queue))
        assert [seq for host, seq in got if host == "a"] == [3, 1, 2]
        assert [seq for host, seq in got if host == "b"] == [3, 1, 2]

    def test_nothing_to_do_is_no_error(self, queue: Queue) -> None:
        assert queue.append([]) == []
        assert _take(queue) == []
        queue.commit([])
        queue.extend([], 1.0)
        assert queue.dead_letters(limit=5) == []
        assert queue.prune() == 0

    def test_the_same_message_again_is_a_duplicate_even_after_it_was_consumed(
        self, queue: Queue
    ) -> None:
        assert queue.append([message()]) == [NEW]
        assert queue.append([message()]) == [DUPLICATE]
        queue.commit(_take(queue))
        assert queue.append([message()]) == [DUPLICATE]
        assert queue.depth() == 0

    def test_the_same_identity_with_other_content_is_a_conflict_and_not_stored(
        self, queue: Queue
    ) -> None:
        queue.append([message()])
        assert queue.append([message(body=b"other"), message("b")]) == [CONFLICT, NEW]
        assert [d.message.body for d in _take(queue)] == [b"body", b"body"]

    def test_one_identity_several_times_in_one_batch_is_stored_once(self, queue: Queue) -> None:
        batch = [message(), message(), message(body=b"other"), message(seq=2)]
        assert queue.append(batch) == [NEW, DUPLICATE, CONFLICT, NEW]
        assert _seqs(_take(queue)) == [("a", 1), ("a", 2)]

    def test_a_batch_may_be_far_larger_than_one_statement(self, queue: Queue) -> None:
        batch = [message(f"h{n % 700}", n) for n in range(1500)]
        assert queue.append([*batch, batch[0]]) == [NEW] * 1500 + [DUPLICATE]
        assert queue.depth() == 1500

    def test_tenants_and_hosts_are_told_apart_whatever_their_names(self, queue: Queue) -> None:
        twins = [message("b/c", tenant="a"), message("c", tenant="a/b")]
        assert queue.append(twins) == [NEW, NEW]
        assert {d.token for d in _take(queue, limit=1)} != {d.token for d in _take(queue, limit=1)}

    def test_strange_names_and_the_greatest_seq_are_known_again(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        names = ["bü'ro\"\\", "\x01\n\t", "\U0001f5a5 {a,b}", "null", "", "[1]"]
        batch = [message(name, 2**63 - 1, tenant=name, epoch=name) for name in names]
        assert queue.append(batch) == [NEW] * 6
        assert queue.append(batch) == [DUPLICATE] * 6
        _forget(queue, clock)
        assert queue.append(batch) == [DUPLICATE] * 6

    @pytest.mark.parametrize("bad", [message(seq=-1), message(seq=2**63), message("nul\0")])
    def test_what_cannot_be_stored_is_refused_and_nothing_is_stored(
        self, queue: Queue, bad: Message
    ) -> None:
        with pytest.raises(InvalidInput):
            queue.append([message("good"), bad])
        assert queue.depth() == 0

    def test_a_lane_is_not_shared_by_two_consumers(self, queue: Queue, other: Queue) -> None:
        queue.append([message(host, seq) for host in "ab" for seq in (1, 2)])
        mine = _take(queue, limit=1)
        theirs = _take(other)
        assert _seqs(mine) == [("a", 1)]
        assert _seqs(theirs) == [("b", 1), ("b", 2)]
        assert _take(queue) == []

    def test_a_lane_is_free_once_its_last_delivery_is_dealt_with(self, queue: Queue) -> None:
        queue.append([message(seq=seq) for seq in (1, 2, 3)])
        first, second = _take(queue, limit=2)
        queue.commit([first])
        assert _take(queue) == []
        queue.reject(second, reason="poison")
        assert _seqs(_take(queue)) == [("a", 3)]

    def test_a_vanished_consumers_messages_come_again_in_order_with_more_attempts(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.append([message(seq=seq) for seq in (1, 2, 3)])
        first, *_ = _take(queue, lease_seconds=30)
        queue.commit([first])
        clock.advance(29.9)
        assert _take(other) == []
        clock.advance(0.1)
        again = _take(other)
        assert _seqs(again) == [("a", 2), ("a", 3)]
        assert [d.attempts for d in again] == [2, 2]

    def test_a_zombie_changes_nothing(self, queue: Queue, other: Queue, clock: ManualClock) -> None:
        queue.append([message(seq=seq) for seq in (1, 2)])
        mine = _take(queue, lease_seconds=1)
        clock.advance(2)
        theirs = _take(other, lease_seconds=10)
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
        assert _take(queue) == []
        clock.advance(9)
        other.commit(theirs)
        assert queue.depth() == 0

    def test_a_lost_lease_does_not_undo_the_rest_of_the_commit(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.append([message("a"), message("b")])
        mine = _take(queue, lease_seconds=1)
        queue.extend(mine[1:], 100)
        clock.advance(2)
        stolen = _take(other)
        with pytest.raises(LeaseLost) as lost:
            queue.commit(mine)
        assert _seqs(stolen) == [("a", 1)]
        assert lost.value.extensions["positions"] == [mine[0].position]
        assert queue.depth() == 1

    def test_a_late_commit_counts_while_nobody_took_over(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        queue.append([message()])
        mine = _take(queue, lease_seconds=1)
        clock.advance(100)
        queue.commit(mine)
        assert queue.depth() == 0

    def test_an_extended_lease_keeps_the_lane(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.append([message()])
        mine = _take(queue, lease_seconds=10)
        clock.advance(9)
        queue.extend(mine, 10)
        clock.advance(9)
        assert _take(other) == []
        clock.advance(1)
        assert len(_take(other)) == 1

    def test_committing_twice_removes_nothing_more(self, queue: Queue) -> None:
        queue.append([message(seq=1), message(seq=2)])
        first, second = _take(queue)
        queue.commit([second])
        queue.append([message(seq=3)])
        queue.commit([second, second])
        assert _take(queue) == []
        queue.commit([first])
        assert _seqs(_take(queue)) == [("a", 3)]

    def test_a_retry_stalls_its_lane_only(self, queue: Queue, clock: ManualClock) -> None:
        queue.append([message(host, seq) for host in "ab" for seq in (1, 2, 3)])
        mine = _take(queue)
        a = [d for d in mine if d.message.identity.host == "a"]
        queue.commit(a[:1])
        queue.retry(a[1], delay_seconds=5, reason="not yet")
        queue.commit([d for d in mine if d.message.identity.host == "b"])
        with pytest.raises(LeaseLost):
            queue.commit(a[2:])
        queue.append([message("b", 4)])
        assert _seqs(_take(queue)) == [("b", 4)]
        clock.advance(5)
        again = _take(queue)
        assert _seqs(again) == [("a", 2), ("a", 3)]
        assert [d.attempts for d in again] == [2, 2]

    def test_a_rejected_message_is_kept_whole_with_reason_and_attempts(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        queue.append([message(body=b"poison"), message(seq=2)])
        _take(queue, lease_seconds=1)
        clock.advance(2)
        poison, fine = _take(queue)
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
        queue.reject(_take(queue)[0], reason="no table a\0b\ud800")
        assert [letter.reason for letter in queue.dead_letters(limit=5)] == ["no table a\ufffdb?"]

    def test_a_clock_set_back_does_not_keep_lanes_for_as_long(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.append([message("a"), message("b")])
        leased, held = _take(queue)
        queue.retry(held, delay_seconds=60, reason="not yet")
        clock.step(_START - timedelta(seconds=30))
        assert _take(other) == []
        clock.step(_START - timedelta(days=1))
        assert _seqs(_take(other)) == [("a", 1), ("b", 1)]
        with pytest.raises(LeaseLost):
            queue.commit([leased])

    def test_a_lease_longer_than_most_holds_against_one_who_asks_for_the_same(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.append([message()])
        _take(queue, lease_seconds=7200)
        assert _take(other, lease_seconds=7200) == []
        clock.advance(7200)
        assert len(_take(other, lease_seconds=7200)) == 1

    def test_a_delay_is_cut_to_the_longest_wait(self, queue: Queue, clock: ManualClock) -> None:
        queue.append([message()])
        queue.retry(_take(queue)[0], delay_seconds=1e6, reason="not yet")
        clock.advance(599)
        assert _take(queue) == []
        clock.advance(1)
        assert len(_take(queue)) == 1

    def test_rejecting_twice_buries_once(self, queue: Queue) -> None:
        queue.append([message(seq=1), message(seq=2)])
        first, _ = _take(queue)
        queue.reject(first, reason="one")
        queue.reject(first, reason="two")
        assert [letter.reason for letter in queue.dead_letters(limit=5)] == ["one"]

    def test_dead_letters_are_read_page_by_page(self, queue: Queue) -> None:
        queue.append([message(seq=seq) for seq in range(5)])
        for delivery in _take(queue):
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
            queue.reject(_take(queue)[0], reason=reason)
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
        assert found(tenant="t", ids=_ids(queue)) == ["No key 100%", "torn"]
        assert found(ids=()) == []
        with pytest.raises(InvalidInput):
            queue.dead_letters(Selection(ids=("1 OR 1=1",)), limit=9)

    def test_a_replayed_message_comes_again_whole_and_marked_at_the_rear_of_its_lane(
        self, queue: Queue, other: Queue
    ) -> None:
        queue.append([message(seq=1, body=b"poison"), message(seq=2)])
        poison, second = _take(queue)
        queue.reject(poison, reason="torn")
        queue.commit([second])
        queue.append([message(seq=3)])
        (moved,) = other.replay(EVERY, limit=9)
        assert moved.reason == "torn"
        assert queue.dead_letters(limit=9) == []
        third, again = _take(queue)
        assert (third.message.identity.seq, third.replays) == (3, 0)
        assert again.message == msgspec.structs.replace(poison.message, behind=True)
        assert (again.replays, again.attempts) == (1, 1)

    def test_replaying_twice_has_no_second_effect(self, queue: Queue) -> None:
        queue.append([message(body=b"poison")])
        queue.reject(_take(queue)[0], reason="torn")
        one = Selection(ids=_ids(queue))
        assert [len(queue.replay(one, limit=9)) for _ in range(3)] == [1, 0, 0]
        queue.commit(_take(queue))
        assert queue.replay(one, limit=9) == []
        assert queue.stats().depth == 0

    def test_what_can_still_not_be_handled_returns_under_its_id_with_all_attempts(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        queue.append([message()])
        queue.reject(_take(queue)[0], reason="torn")
        ids = _ids(queue)
        queue.append([message("b")])
        queue.reject(_take(queue)[0], reason="b's")
        clock.advance(60)
        queue.replay(Selection(ids=ids), limit=9)
        _take(queue, lease_seconds=1)
        clock.advance(2)
        queue.reject(_take(queue)[0], reason="torn still")
        first, _ = queue.dead_letters(limit=9)
        assert (first.id, first.reason, first.at) == (*ids, "torn still", clock.now())
        assert (first.attempts, first.replays) == (3, 1)
        queue.replay(Selection(ids=ids), limit=9)
        assert [d.replays for d in _take(queue)] == [2]

    def test_a_replay_is_bounded_and_keeps_the_order_of_rejection(self, queue: Queue) -> None:
        queue.append([message(seq=seq) for seq in range(4)])
        for delivery in _take(queue):
            queue.reject(delivery, reason="torn")
        assert [one.identity.seq for one in queue.replay(EVERY, limit=3)] == [0, 1, 2]
        assert _seqs(_take(queue)) == [("a", 0), ("a", 1), ("a", 2)]
        assert [one.identity.seq for one in queue.dead_letters(limit=9)] == [3]

    def test_of_many_that_replay_at_once_one_moves_each_letter(self, broker: Broker) -> None:
        queues = [broker.open() for _ in range(4)]
        queues[0].append([message(seq=seq) for seq in range(20)])
        for delivery in _take(queues[0]):
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
        queue.reject(_take(queue)[0], reason="torn")
        clock.advance(3600)
        queue.replay(EVERY, limit=9)
        assert queue.append([message(), message(body=b"other")]) == [DUPLICATE, CONFLICT]
        assert (queue.stats().depth, queue.stats().oldest_age_seconds) == (1, 0.0)

    def test_purged_letters_are_gone_for_good_and_others_stay(self, queue: Queue) -> None:
        queue.append([message(host, body=host.encode()) for host in "abc"])
        for delivery in _take(queue):
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
        first, second = _take(queue)
        queue.reject(first, reason="torn")
        clock.advance(timedelta(days=2).total_seconds())
        queue.retry(second, delay_seconds=0, reason="wait")
        queue.reject(_take(queue)[0], reason="torn")
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
            queue.reject(_take(queue)[0], reason="torn")
        assert queue.trim() == 0
        queue.append([message("flood", 10, body=bytes(5_000)), message("flood", 11)])
        clock.advance(1)
        for delivery in _take(queue):
            queue.reject(delivery, reason="torn")
        assert queue.trim() == 11
        assert [one.identity.seq for one in queue.dead_letters(limit=99)] == [11]
        assert queue.trim() == 0

    def test_what_was_replayed_is_told_apart_in_the_depth(self, queue: Queue) -> None:
        queue.append([message(seq=seq) for seq in range(3)])
        for delivery in _take(queue):
            queue.reject(delivery, reason="torn")
        queue.replay(EVERY, limit=9)
        queue.append([message("b"), message("c", behind=True)])
        assert (queue.stats().depth, queue.stats().replayed) == (5, 3)

    def test_a_flooding_host_leaves_room_for_the_others(self, queue: Queue) -> None:
        queue.append([message("flood", seq) for seq in range(200)])
        queue.append([message(host) for host in "abc"])
        got = Counter(host for host, _ in _seqs(_take(queue, limit=8)))
        assert got == {"flood": 2, "a": 1, "b": 1, "c": 1}

    def test_a_lone_host_gets_the_whole_limit(self, queue: Queue) -> None:
        queue.append([message("flood", seq) for seq in range(20)])
        assert len(_take(queue, limit=8)) == 8

    def test_lanes_take_turns_when_more_wait_than_fit(self, queue: Queue) -> None:
        hosts = "abcdefg"
        queue.append([message(host, seq) for seq in range(3) for host in hosts])
        served: list[str] = []
        for _ in range(7):
            batch = _take(queue, limit=3)
            served += [d.message.identity.host for d in batch]
            queue.commit(batch)
        assert [served[n : n + 7] for n in (0, 7, 14)] == [list(hosts)] * 3

    def test_tenants_share_a_batch_evenly_however_many_hosts_each_has(self, queue: Queue) -> None:
        queue.append([message(f"h{n}", seq) for n in range(30) for seq in range(3)])
        queue.append([message("lone", seq, tenant="small") for seq in range(9)])
        got = Counter(d.message.identity.tenant for d in _take(queue, limit=12))
        assert got == {"t": 6, "small": 6}

    def test_tenants_take_turns_when_more_wait_than_fit(self, queue: Queue) -> None:
        for tenant in ("t", "u", "v"):
            queue.append([message(f"h{n}", tenant=tenant) for n in range(4)])
        served = Counter[str]()
        for _ in range(3):
            batch = _take(queue, limit=2)
            served += Counter(d.message.identity.tenant for d in batch)
            queue.commit(batch)
        assert set(served.values()) == {2}

    def test_what_is_behind_waits_for_the_live_but_for_its_share(self, queue: Queue) -> None:
        queue.append([message(f"old{n}", seq, behind=True) for n in range(9) for seq in range(9)])
        queue.append([message(f"new{n}") for n in range(40)])
        first, second, third = (_take(queue, limit=16) for _ in range(3))
        for batch in (first, second):
            assert sum(d.message.behind for d in batch) == 2
        assert len(first) == len(second) == 16
        # Only twelve live ones are left, so the rest is for what is behind.
        assert Counter(d.message.behind for d in third) == {False: 12, True: 4}

    def test_what_is_behind_has_a_bound_of_its_own(self, queue: Queue) -> None:
        queue.append([message(f"old{n}", seq, behind=True) for n in range(9) for seq in range(9)])
        assert len(queue.poll(limit=50, lease_seconds=60, behind_limit=5)) == 5
        queue.append([message(f"new{n}") for n in range(40)])
        batch = queue.poll(limit=50, lease_seconds=60, behind_limit=4)
        assert Counter(d.message.behind for d in batch) == {False: 40, True: 4}

    def test_a_lane_that_is_behind_keeps_its_order(self, queue: Queue) -> None:
        queue.append([message(seq=n, behind=n < 4) for n in range(1, 7)])
        assert _seqs(_take(queue)) == [("a", n) for n in range(1, 7)]

    def test_a_batch_is_bounded_in_bytes_and_one_large_message_still_goes(
        self, broker: Broker
    ) -> None:
        queue = broker.open(max_batch_bytes=100)
        queue.append([message("a", 1, body=b"x" * 60), message("b", 1, body=b"x" * 60)])
        queue.append([message("c", 1, body=b"x" * 500)])
        sizes = []
        while batch := _take(queue):
            sizes.append([len(d.message.body) for d in batch])
            queue.commit(batch)
        assert sizes == [[60], [60], [500]]
        queue.close()

    def test_accepted_identities_are_forgotten_after_the_retention_time(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        queue.append([message()])
        queue.commit(_take(queue))
        clock.advance(timedelta(days=1).total_seconds())
        assert queue.prune() == 0
        assert queue.append([message()]) == [DUPLICATE]
        clock.advance(1)
        assert queue.prune() == 1
        assert queue.append([message(seq=2)]) == [NEW]
        assert queue.prune() == 0

    def test_what_may_be_a_forgotten_identity_is_a_conflict_and_leaves_no_trace(
        self, queue: Queue, other: Queue, clock: ManualClock
    ) -> None:
        queue.append([message(seq=seq) for seq in (5, 3, 7)])
        queue.commit(_take(queue))
        _forget(queue, clock)
        # 4 was never accepted; that can't be told any more.
        batch = [message(seq=seq, body=b"other") for seq in (3, 4, 7, 8)]
        assert other.append(batch) == [CONFLICT, CONFLICT, CONFLICT, NEW]
        assert queue.append([message(seq=4, body=b"other")] * 2) == [CONFLICT, CONFLICT]
        assert _seqs(_take(queue)) == [("a", 8)]
        assert [one.snapshots for one in queue.used(_START)] == [1]

    def test_the_last_one_forgotten_is_still_known_by_its_digest(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        queue.append([message(seq=1), message(seq=2)])
        queue.commit(_take(queue))
        _forget(queue, clock)
        assert queue.append([message(seq=2), message(seq=2)]) == [DUPLICATE, DUPLICATE]
        assert queue.append([message(seq=1)]) == [CONFLICT]
        assert queue.depth() == 0

    def test_what_was_forgotten_is_kept_by_epoch_host_and_tenant(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        queue.append([message(seq=5)])
        queue.commit(_take(queue))
        _forget(queue, clock)
        others = [
            message("b", 5),
            message(seq=5, tenant="u"),
            message(seq=5, epoch="f"),
            message(seq=6),
        ]
        assert queue.append([*others, message(seq=4)]) == [NEW] * 4 + [CONFLICT]

    def test_how_far_an_epoch_was_forgotten_never_goes_back(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        for seqs in ((9,), (10, 11)):
            queue.append([message(seq=seq) for seq in seqs])
            queue.commit(_take(queue))
        _forget(queue, clock)
        queue.append([message(seq=12)])
        _forget(queue, clock)
        assert [d.message.identity.seq for d in _take(queue)] == [12]
        assert queue.append([message(seq=12), message(seq=11)]) == [DUPLICATE, CONFLICT]

    def test_a_great_batch_is_held_against_what_was_forgotten(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        old = [message(f"h{n % 300}", n) for n in range(900)]
        queue.append(old)
        _forget(queue, clock)
        late = [message(f"h{n % 300}", n, body=b"other") for n in range(1200)]
        assert queue.append(late) == [CONFLICT] * 900 + [NEW] * 300

    def test_hosts_of_which_something_waits_are_told(self, queue: Queue) -> None:
        queue.append([message(host) for host in "abcd"])
        queue.append([message("e", tenant="u")])
        hosts = [HostId(host) for host in "abcdef"]
        assert queue.waiting(TenantId("t"), hosts) == set("abcd")
        taken = {d.message.identity.host: d for d in _take(queue)}
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
        queue.commit(_take(queue, limit=2))
        found = queue.used(clock.now())
        assert [(u.host, u.snapshots, u.size) for u in found] == [("a", 2, 20), ("b", 1, 2)]
        assert [u.snapshots for u in queue.used(_START)] == [3, 1]

    def test_stats_say_how_much_waits_and_since_when(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        assert (queue.stats().depth, queue.stats().oldest_age_seconds) == (0, 0.0)
        queue.append([message("a", 1), message("a", 2), message("b", 1)])
        clock.advance(2.5)
        first, *_ = _take(queue)
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
                batch = _take(mine, limit=7)
                with lock:
                    got.extend(_seqs(batch))
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
        first, second, _ = _take(queue)
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
        assert _take(reopened) == []
        reopened.close()

    def test_what_was_forgotten_is_known_after_reopening(
        self, broker: Broker, clock: ManualClock
    ) -> None:
        queue = broker.open()
        queue.append([message(seq=1), message(seq=2)])
        _forget(queue, clock)
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
