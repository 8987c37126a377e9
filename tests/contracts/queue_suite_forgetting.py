"""What every queue must know of identities that it has forgotten."""

from datetime import timedelta

from tests.contracts.queue_case import (
    CONFLICT,
    DUPLICATE,
    NEW,
    START,
    QueueCase,
    forget,
    message,
    seqs,
    take,
)

from vedette.core import ManualClock
from vedette.queue import Queue

__all__ = ["ForgettingContract"]


class ForgettingContract(QueueCase):
    """Memory ends, but nothing is taken twice, and nothing is swallowed."""

    def test_accepted_identities_are_forgotten_after_the_retention_time(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        queue.append([message()])
        queue.commit(take(queue))
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
        queue.commit(take(queue))
        forget(queue, clock)
        # 4 was never accepted; that can't be told any more.
        batch = [message(seq=seq, body=b"other") for seq in (3, 4, 7, 8)]
        assert other.append(batch) == [CONFLICT, CONFLICT, CONFLICT, NEW]
        assert queue.append([message(seq=4, body=b"other")] * 2) == [CONFLICT, CONFLICT]
        assert seqs(take(queue)) == [("a", 8)]
        assert [one.snapshots for one in queue.used(START)] == [1]

    def test_the_last_one_forgotten_is_still_known_by_its_digest(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        queue.append([message(seq=1), message(seq=2)])
        queue.commit(take(queue))
        forget(queue, clock)
        assert queue.append([message(seq=2), message(seq=2)]) == [DUPLICATE, DUPLICATE]
        assert queue.append([message(seq=1)]) == [CONFLICT]
        assert queue.depth() == 0

    def test_what_was_forgotten_is_kept_by_epoch_host_and_tenant(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        queue.append([message(seq=5)])
        queue.commit(take(queue))
        forget(queue, clock)
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
        for numbers in ((9,), (10, 11)):
            queue.append([message(seq=seq) for seq in numbers])
            queue.commit(take(queue))
        forget(queue, clock)
        queue.append([message(seq=12)])
        forget(queue, clock)
        assert [d.message.identity.seq for d in take(queue)] == [12]
        assert queue.append([message(seq=12), message(seq=11)]) == [DUPLICATE, CONFLICT]

    def test_a_great_batch_is_held_against_what_was_forgotten(
        self, queue: Queue, clock: ManualClock
    ) -> None:
        old = [message(f"h{n % 300}", n) for n in range(900)]
        queue.append(old)
        forget(queue, clock)
        late = [message(f"h{n % 300}", n, body=b"other") for n in range(1200)]
        assert queue.append(late) == [CONFLICT] * 900 + [NEW] * 300
