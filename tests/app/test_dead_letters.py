"""What becomes of a replayed dead letter: one linked late verdict at most, and nothing of the host is touched."""

from collections.abc import Iterator
from contextlib import nullcontext

import msgspec
import pytest
from tests.fixtures.quiet_host import quiet_snapshots
from tests.fixtures.sealed import TENANT, message

from vedette.app.detecting import load_detector
from vedette.app.pipeline import MAX_ATTEMPTS, Pipeline
from vedette.app.wiring import policies_from
from vedette.core import (
    Host,
    Label,
    ManualClock,
    Message,
    Snapshot,
    Verdict,
    replayed_id,
    verdict_id,
)
from vedette.queue import Delivery, Done, MemoryQueue, Outcome, Reject, Selection
from vedette.seal import KeyRing
from vedette.store import Store

LOST, KEPT = KeyRing.generate(), KeyRing.generate()
CLOCK = ManualClock()
DETECTOR = load_detector(None)
POLICIES = policies_from(None)


@pytest.fixture
def store(migrated_url: str) -> Iterator[Store]:
    opened = Store(migrated_url, CLOCK)
    yield opened
    opened.close()


class _Bench:
    """A queue and a pipeline step by step, so that a crash can fall between any two steps."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.queue = MemoryQueue(CLOCK)

    def handle(self, deliveries: list[Delivery], ring: KeyRing = KEPT) -> list[Outcome]:
        """What the pipeline does, without telling the queue."""
        pipeline = Pipeline(
            store=self.store,
            ring=ring,
            detector=DETECTOR,
            policies=lambda _tenant: POLICIES,
            clock=CLOCK,
            timer=lambda _stage: nullcontext(),
        )
        return list(pipeline.handle(deliveries))

    def poll(self) -> list[Delivery]:
        return self.queue.poll(limit=100, lease_seconds=30)

    def work(self, ring: KeyRing = KEPT) -> list[Outcome]:
        """Handles all that waits, and settles it."""
        deliveries = self.poll()
        outcomes = self.handle(deliveries, ring)
        for delivery, outcome in zip(deliveries, outcomes, strict=True):
            if isinstance(outcome, Reject):
                self.queue.reject(delivery, reason=outcome.reason)
            else:
                self.queue.commit([delivery])
        return outcomes

    def replay(self) -> int:
        return len(self.queue.replay(Selection(), limit=100))

    def verdicts(self) -> list[Verdict]:
        found = self.store.verdicts.find(TENANT, limit=500).items
        return sorted(found, key=lambda one: (one.seq, one.of or ""))

    def host(self) -> Host:
        return self.store.hosts.find(TENANT).items[0]


def _sealed(snapshots: list[Snapshot], *lost: int) -> list[Message]:
    """Those of the numbers in `lost` are sealed to the key that is not there at first."""
    return [message(one, LOST if one.seq in lost else KEPT, CLOCK.now()) for one in snapshots]


@pytest.fixture
def bench(store: Store) -> _Bench:
    """Forty snapshots of a quiet host, of which the 35th could not be opened."""
    bench = _Bench(store)
    bench.queue.append(_sealed(list(quiet_snapshots(40)), 35))
    bench.work()
    return bench


def test_a_letter_that_can_be_read_now_gets_a_linked_late_verdict(bench: _Bench) -> None:
    before = (bench.host(), bench.store.states.load(TENANT, [bench.host().id]))
    CLOCK.advance(3600)
    assert bench.replay() == 1
    assert bench.work(LOST) == [Done()]
    first, again = (one for one in bench.verdicts() if one.seq == 35)
    assert (first.of, first.reasons[0].subject) == (None, "unreadable")
    assert (again.of, again.id, again.late) == (first.id, replayed_id(first.id), True)
    assert again.label is Label.UNKNOWN
    assert again.experts
    assert bench.store.verdicts.replays(TENANT, first.id) == [again]
    assert (bench.host(), bench.store.states.load(TENANT, [bench.host().id])) == before
    assert bench.queue.stats().dead_letters == 0


def test_it_is_late_even_if_nothing_came_after_it(store: Store) -> None:
    bench = _Bench(store)
    bench.queue.append(_sealed(list(quiet_snapshots(3)), 3))
    bench.work()
    before = bench.store.states.load(TENANT, [bench.host().id])
    bench.replay()
    bench.work(LOST)
    assert [(one.seq, one.late) for one in bench.verdicts()] == [
        (1, False),
        (2, False),
        (3, False),
        (3, True),
    ]
    assert bench.store.states.load(TENANT, [bench.host().id]) == before


def test_a_letter_that_still_can_not_be_read_returns_without_a_second_verdict(
    bench: _Bench,
) -> None:
    for replays in (1, 2):
        assert bench.replay() == 1
        assert isinstance(bench.work()[0], Reject)
        (letter,) = bench.queue.dead_letters(limit=9)
        assert (letter.replays, letter.attempts) == (replays, replays + 1)
        assert len(bench.verdicts()) == 40


def test_a_crash_before_the_commit_makes_no_second_verdict(bench: _Bench) -> None:
    bench.replay()
    assert bench.handle(bench.poll(), LOST) == [Done()]
    CLOCK.advance(31)
    assert bench.work(LOST) == [Done()]
    assert len(bench.verdicts()) == 41


def test_a_crash_before_the_rejection_loses_nothing(bench: _Bench) -> None:
    bench.replay()
    bench.handle(bench.poll())
    CLOCK.advance(31)
    bench.work()
    assert bench.queue.stats().dead_letters == 1
    assert len(bench.verdicts()) == 40


def test_one_whose_verdict_is_there_is_done_whenever_it_comes_again(bench: _Bench) -> None:
    bench.replay()
    (delivery,) = bench.poll()
    assert bench.handle([delivery], LOST) == [Done()]
    bench.queue.reject(delivery, reason="a worker with an older key had it meanwhile")
    bench.replay()
    assert bench.work(LOST) == [Done()]
    assert len(bench.verdicts()) == 41


def test_one_that_never_comes_to_an_end_is_given_up_again(bench: _Bench) -> None:
    bench.replay()
    (delivery,) = bench.poll()
    tired = msgspec.structs.replace(delivery, attempts=MAX_ATTEMPTS + 1)
    (outcome,) = bench.handle([tired], LOST)
    assert isinstance(outcome, Reject)
    assert len(bench.verdicts()) == 40


def test_a_repeat_without_the_mark_of_a_replay_is_not_read_again(bench: _Bench) -> None:
    bench.replay()
    (delivery,) = bench.poll()
    unmarked = msgspec.structs.replace(delivery, replays=0)
    assert isinstance(bench.handle([unmarked], LOST)[0], Reject)
    assert len(bench.verdicts()) == 40


def test_another_content_under_the_identity_is_not_judged(bench: _Bench) -> None:
    (other,) = _sealed([list(quiet_snapshots(40, seed=2))[34]])
    bench.replay()
    (delivery,) = bench.poll()
    forged = msgspec.structs.replace(delivery, message=other)
    assert isinstance(bench.handle([forged])[0], Reject)
    assert len(bench.verdicts()) == 40


def test_what_a_host_sent_before_it_was_revoked_can_be_read_later(bench: _Bench) -> None:
    host = bench.store.hosts.revoke(TENANT, bench.host().id, "user:root", "sold")
    bench.replay()
    bench.work(LOST)
    assert len(bench.verdicts()) == 41
    assert bench.store.hosts.get(TENANT, host.id) == host


def test_without_a_first_verdict_it_is_judged_as_if_it_had_just_come(store: Store) -> None:
    bench = _Bench(store)
    (only,) = _sealed(list(quiet_snapshots(1)))
    bench.queue.append([only])
    bench.queue.reject(bench.poll()[0], reason="by a store that was lost since")
    bench.replay()
    bench.work()
    (verdict,) = bench.verdicts()
    assert (verdict.id, verdict.late, verdict.of) == (verdict_id(only.identity), False, None)
