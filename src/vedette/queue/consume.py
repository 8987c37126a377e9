"""The one consume loop: poll, handle, settle. At least once; a poison message holds back only its own lane.

What can go wrong, and what the loop does about it:

- the handler raises: the batch is handed over again one by one, in order; whatever raises alone goes back with a delay
  that grows with its attempts, and the later ones of its lane with it;
- a message comes with `attempts` above 1: it may have ended the process that had it, so its lane is handled one by one,
  after the fresh ones; the handler sees the attempts and may reject;
- the handler raises `Unavailable`: nothing is wrong with the batch; it waits, its leases extended, and is tried again;
- the queue can't settle a message, for a reason that does not pass: its lane is held, longer with each attempt;
- a lease is lost: logged; the new owner delivers those messages again, and the handler takes them without a second effect;
- the queue is unavailable: the loop waits and asks again;
- it can't be pruned: the loop goes on, and pruning is tried again later.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Final

import structlog

from vedette.core import Clock, LeaseLost, Unavailable
from vedette.queue.backoff import Backoff
from vedette.queue.outcome import BatchReport, Done, Handler, Outcome, Reject, Retry
from vedette.queue.pace import Pace
from vedette.queue.port import Delivery, Queue
from vedette.queue.upkeep import Upkeep

__all__ = ["consume"]

_log = structlog.get_logger()

_LONGEST_NAP: Final = 0.25
_SETTLING_TRIES: Final = 5
_BACKOFF: Final = Backoff()


def consume(
    queue: Queue,
    handle: Handler,
    *,
    stop: threading.Event,
    clock: Clock,
    limit: int = 256,
    lease_seconds: float = 60.0,
    idle_seconds: float = 0.05,
    prune_seconds: float = 60.0,
    backoff: Backoff = _BACKOFF,
    jitter: Callable[[], float] = random.random,
    on_batch: Callable[[BatchReport], None] | None = None,
    on_trimmed: Callable[[int], None] | None = None,
    timer: Callable[[str], AbstractContextManager[object]] = nullcontext,
    behind_seconds: float = 0.05,
) -> None:
    """Runs until `stop` is set: a batch in hand is finished first, or given back if it can't be.

    One call of `handle` must end within `lease_seconds`; between single hand-overs the loop extends the leases itself.
    `timer` measures its own stages, `poll` and `settle`. `on_trimmed` is told how many dead letters had to go for room.

    A batch holds as much of what is behind as takes about `behind_seconds`, and the next one none, if something live waits:
    so long at most a live snapshot waits for a batch that has begun, and yet what is behind has every second batch. After a batch that was not full the next poll comes `idle_seconds` after the last, so that
    what arrives meanwhile shares a transaction.
    """
    pace = Pace(behind_seconds)
    loop = _Loop(queue, handle, stop, clock, lease_seconds, backoff, jitter, timer)
    failures, live_first = 0, False
    upkeep = Upkeep(queue, clock, prune_seconds, backoff, jitter, on_trimmed)
    while not stop.is_set():
        upkeep.work()
        try:
            began, most_behind = clock.monotonic(), pace.limit
            poll = partial(queue.poll, limit=limit, lease_seconds=lease_seconds)
            with timer("poll"):
                # After a batch with something that is behind, one of the live alone, if there are any.
                batch = (live_first and poll(behind_limit=0)) or poll(behind_limit=most_behind)
        except Unavailable as error:
            failures += 1
            _log.warning("queue.poll_failed", failures=failures, error=error.detail)
            loop.pause(backoff.delay(failures, jitter()))
            continue
        failures = 0
        if not batch:
            loop.pause(idle_seconds)
            continue
        report = loop.work(batch)
        pace.note(report.size, report.seconds, behind=report.behind > 0)
        if on_batch is not None:
            on_batch(report)
        if report.rejected:
            upkeep.soon()
        took_all = report.size < limit and report.behind < most_behind
        if took_all and not live_first:
            loop.pause(idle_seconds - (clock.monotonic() - began))
        live_first = report.behind > 0


class _AbandonedError(Exception):
    """The batch in hand can't be finished: the process is to stop, or leases were lost while waiting."""


class _Loop:
    """What is done with one batch."""

    def __init__(
        self,
        queue: Queue,
        handle: Handler,
        stop: threading.Event,
        clock: Clock,
        lease_seconds: float,
        backoff: Backoff,
        jitter: Callable[[], float],
        timer: Callable[[str], AbstractContextManager[object]],
    ) -> None:
        self._queue = queue
        self._handle = handle
        self._stop = stop
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._backoff = backoff
        self._jitter = jitter
        self._timer = timer
        self._leased_at = clock.monotonic()
        self._tally: Counter[str] = Counter()

    def pause(self, seconds: float) -> None:
        """Sleeps in naps, so that a stop is noticed."""
        until = self._clock.monotonic() + seconds
        while not self._stop.is_set() and (left := until - self._clock.monotonic()) > 0:
            self._clock.sleep(min(left, _LONGEST_NAP))

    def work(self, batch: Sequence[Delivery]) -> BatchReport:
        """Handles and settles a batch: the fresh lanes together, then the suspected ones one by one."""
        started = self._leased_at = self._clock.monotonic()
        self._tally = Counter()
        suspected = {delivery.token for delivery in batch if delivery.attempts > 1}
        fresh = [delivery for delivery in batch if delivery.token not in suspected]
        rest = [delivery for delivery in batch if delivery.token in suspected]
        try:
            outcomes = self._ask(fresh) if fresh else []
            if outcomes is None:
                rest = fresh + rest
            else:
                self._settle(fresh, outcomes)
            self._one_by_one(rest)
        except _AbandonedError:
            self._give_back(batch)
        return BatchReport(
            size=len(batch),
            behind=sum(delivery.message.behind for delivery in batch),
            lanes=len({delivery.token for delivery in batch}),
            seconds=self._clock.monotonic() - started,
            done=self._tally["done"],
            retried=self._tally["retried"],
            rejected=self._tally["rejected"],
            failed=self._tally["failed"],
            lost=self._tally["lost"],
        )

    def _ask(self, deliveries: Sequence[Delivery]) -> Sequence[Outcome] | None:
        """The handler's outcomes, or None when it raised; waits as long as what it needs is unavailable."""
        failures = 0
        while True:
            try:
                outcomes = _one_each(self._handle(deliveries), deliveries)
            except Unavailable as error:
                failures += 1
                _log.warning("queue.handler_waits", failures=failures, error=error.detail)
                self._wait_holding(deliveries, failures)
            except Exception:  # noqa: BLE001 - whatever it is, no message may be lost for it
                _log.exception("queue.handler_failed", size=len(deliveries), **_ids(deliveries[0]))
                return None
            else:
                return outcomes

    def _wait_holding(self, deliveries: Sequence[Delivery], failures: int) -> None:
        delay = self._backoff.delay(failures, self._jitter())
        self.pause(min(delay, self._lease_seconds / 3))
        if self._stop.is_set():
            raise _AbandonedError
        self._extend(deliveries)

    def _extend(self, deliveries: Sequence[Delivery]) -> None:
        try:
            self._queue.extend(deliveries, self._lease_seconds)
            self._leased_at = self._clock.monotonic()
        except LeaseLost as error:
            self._note_lost(error)
            raise _AbandonedError from error
        except Unavailable as error:
            # The leases may run out meanwhile; fencing decides when the work is settled.
            _log.warning("queue.extend_failed", error=error.detail)

    def _one_by_one(self, deliveries: Sequence[Delivery]) -> None:
        stalled: set[str] = set()
        for index, delivery in enumerate(deliveries):
            if delivery.token in stalled:
                continue
            if self._stop.is_set():
                raise _AbandonedError
            if self._clock.monotonic() - self._leased_at > self._lease_seconds / 3:
                self._extend([d for d in deliveries[index:] if d.token not in stalled])
            outcomes = self._ask([delivery])
            if outcomes is None:
                self._tally["failed"] += 1
                delay = self._backoff.delay(delivery.attempts, self._jitter())
                outcomes = [Retry(delay_seconds=delay, reason="the handler raised")]
            stalled |= self._settle([delivery], outcomes)

    def _settle(self, deliveries: Sequence[Delivery], outcomes: Sequence[Outcome]) -> set[str]:
        """Tells the queue; gives the leases that ended. After the retry of a lane its rest is not heard."""
        done: list[Delivery] = []
        rejected: list[tuple[Delivery, Reject]] = []
        retried: dict[str, tuple[Delivery, Retry]] = {}
        for delivery, outcome in zip(deliveries, outcomes, strict=True):
            if delivery.token in retried:
                continue
            match outcome:
                case Done():
                    done.append(delivery)
                case Reject():
                    rejected.append((delivery, outcome))
                case Retry():
                    retried[delivery.token] = (delivery, outcome)
        ended = set(retried)
        with self._timer("settle"):
            if done and not self._tell("done", done, partial(self._queue.commit, done)):
                ended.update(delivery.token for delivery in done)
        for delivery, reject in rejected:
            if not self._reject(delivery, reject):
                ended.add(delivery.token)
        for delivery, retry in retried.values():
            self._retry(delivery, retry)
        return ended

    def _reject(self, delivery: Delivery, outcome: Reject) -> bool:
        _log.warning("queue.rejected", reason=outcome.reason, **_ids(delivery))
        step = partial(self._queue.reject, delivery, reason=outcome.reason)
        return self._tell("rejected", [delivery], step)

    def _retry(self, delivery: Delivery, outcome: Retry) -> bool:
        _log.info("queue.retried", reason=outcome.reason, **_ids(delivery))
        step = partial(
            self._queue.retry,
            delivery,
            delay_seconds=outcome.delay_seconds,
            reason=outcome.reason,
        )
        return self._tell("retried", [delivery], step)

    def _tell(self, kind: str, deliveries: Sequence[Delivery], step: Callable[[], None]) -> bool:
        """Does one step of settling; whether all of it took effect.

        What does not is delivered again when its lease ends: its effects are durable, the handler will know it.
        """
        count = len(deliveries)
        for failures in range(1, _SETTLING_TRIES + 1):
            try:
                step()
            except LeaseLost as error:
                self._tally[kind] += count - self._note_lost(error)
                return False
            except Unavailable as error:
                _log.warning("queue.settling_failed", failures=failures, error=error.detail)
                self.pause(self._backoff.delay(failures, self._jitter()))
            except Exception:  # noqa: BLE001 - one message that can't be settled must not end the worker
                _log.exception("queue.settling_failed", **_ids(deliveries[0]))
                self._hold(deliveries)
                break
            else:
                self._tally[kind] += count
                return True
        self._tally["lost"] += count
        return False

    def _hold(self, deliveries: Sequence[Delivery]) -> None:
        """Gives their lanes back with a delay; one that can't be given back waits for its lease to run out."""
        for delivery in {delivery.token: delivery for delivery in reversed(deliveries)}.values():
            delay = self._backoff.delay(delivery.attempts, self._jitter())
            try:
                self._queue.retry(delivery, delay_seconds=delay, reason="it can't be settled")
            except Exception:  # noqa: BLE001 - as above
                _log.exception("queue.hold_failed", **_ids(delivery))

    def _note_lost(self, error: LeaseLost) -> int:
        positions: Sequence[int] = error.extensions.get("positions", ())
        _log.warning("queue.lease_lost", positions=positions)
        self._tally["lost"] += len(positions)
        return len(positions)

    def _give_back(self, deliveries: Iterable[Delivery]) -> None:
        """Frees the lanes that are still ours, so that they need not wait for their leases to run out."""
        for delivery in {delivery.token: delivery for delivery in deliveries}.values():
            try:
                self._queue.retry(delivery, delay_seconds=0.0, reason="given back")
            except LeaseLost:
                continue  # settled before, or another's by now
            except Unavailable as error:
                _log.warning("queue.give_back_failed", error=error.detail)
                return


def _one_each(outcomes: Sequence[Outcome], deliveries: Sequence[Delivery]) -> Sequence[Outcome]:
    if len(outcomes) != len(deliveries):
        raise ValueError(
            f"the handler gave {len(outcomes)} outcomes for {len(deliveries)} deliveries"
        )
    return outcomes


def _ids(delivery: Delivery) -> dict[str, str | int]:
    identity = delivery.message.identity
    return {
        "tenant": identity.tenant,
        "host": identity.host,
        "seq": identity.seq,
        "attempts": delivery.attempts,
    }
