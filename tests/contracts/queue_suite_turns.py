"""How every queue shares a batch."""

from collections import Counter

from tests.contracts.queue_case import Broker, QueueCase, message, seqs, take

from vedette.queue import Queue

__all__ = ["TurnsContract"]


class TurnsContract(QueueCase):
    """No tenant, host or backlog takes what others wait for."""

    def test_a_flooding_host_leaves_room_for_the_others(self, queue: Queue) -> None:
        queue.append([message("flood", seq) for seq in range(200)])
        queue.append([message(host) for host in "abc"])
        got = Counter(host for host, _ in seqs(take(queue, limit=8)))
        assert got == {"flood": 2, "a": 1, "b": 1, "c": 1}

    def test_a_lone_host_gets_the_whole_limit(self, queue: Queue) -> None:
        queue.append([message("flood", seq) for seq in range(20)])
        assert len(take(queue, limit=8)) == 8

    def test_lanes_take_turns_when_more_wait_than_fit(self, queue: Queue) -> None:
        hosts = "abcdefg"
        queue.append([message(host, seq) for seq in range(3) for host in hosts])
        served: list[str] = []
        for _ in range(7):
            batch = take(queue, limit=3)
            served += [d.message.identity.host for d in batch]
            queue.commit(batch)
        assert [served[n : n + 7] for n in (0, 7, 14)] == [list(hosts)] * 3

    def test_tenants_share_a_batch_evenly_however_many_hosts_each_has(self, queue: Queue) -> None:
        queue.append([message(f"h{n}", seq) for n in range(30) for seq in range(3)])
        queue.append([message("lone", seq, tenant="small") for seq in range(9)])
        got = Counter(d.message.identity.tenant for d in take(queue, limit=12))
        assert got == {"t": 6, "small": 6}

    def test_tenants_take_turns_when_more_wait_than_fit(self, queue: Queue) -> None:
        for tenant in ("t", "u", "v"):
            queue.append([message(f"h{n}", tenant=tenant) for n in range(4)])
        served = Counter[str]()
        for _ in range(3):
            batch = take(queue, limit=2)
            served += Counter(d.message.identity.tenant for d in batch)
            queue.commit(batch)
        assert set(served.values()) == {2}

    def test_what_is_behind_waits_for_the_live_but_for_its_share(self, queue: Queue) -> None:
        queue.append([message(f"old{n}", seq, behind=True) for n in range(9) for seq in range(9)])
        queue.append([message(f"new{n}") for n in range(40)])
        first, second, third = (take(queue, limit=16) for _ in range(3))
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
        assert seqs(take(queue)) == [("a", n) for n in range(1, 7)]

    def test_a_batch_is_bounded_in_bytes_and_one_large_message_still_goes(
        self, broker: Broker
    ) -> None:
        queue = broker.open(max_batch_bytes=100)
        queue.append([message("a", 1, body=b"x" * 60), message("b", 1, body=b"x" * 60)])
        queue.append([message("c", 1, body=b"x" * 500)])
        sizes = []
        while batch := take(queue):
            sizes.append([len(d.message.body) for d in batch])
            queue.commit(batch)
        assert sizes == [[60], [60], [500]]
        queue.close()
