"""A fake: the queue in one process's memory, for tests and replay. It behaves like the real ones but outlives nothing."""

import secrets
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

import msgspec

from vedette.core import Clock, HostId, Identity, Message, TenantId
from vedette.queue.fair import MAX_BATCH_BYTES, Head, Ready, Turns
from vedette.queue.port import (
    DEAD_LETTER_BYTES,
    DEAD_LETTER_RETENTION,
    EVERY,
    HEAD_BYTES,
    LONGEST_WAIT_SECONDS,
    MOST_AT_ONCE,
    Appended,
    DeadLetter,
    Delivery,
    Selection,
    Stats,
    Used,
    check_appendable,
    dead_letter_number,
    plain,
    refuse_lost,
)

__all__ = ["MemoryQueue"]

_PRUNED_AT_ONCE = 1_000


class _Waiting:
    """A stored message and how often it was delivered; what it was as a dead letter, if it was replayed."""

    def __init__(self, message: Message, letter: DeadLetter | None = None) -> None:
        self.message = message
        self.attempts = 0
        self.letter = letter

    @property
    def replays(self) -> int:
        return 0 if self.letter is None else self.letter.replays + 1

    def buried(self, fresh_id: str, reason: str, at: datetime) -> DeadLetter:
        """What rejecting it makes of it."""
        before = self.letter
        return DeadLetter(
            id=before.id if before else fresh_id,
            identity=self.message.identity,
            digest=self.message.digest,
            size=len(self.message.body),
            head=self.message.body[:HEAD_BYTES],
            received_at=self.message.received_at,
            reason=reason,
            at=at,
            attempts=self.attempts + (before.attempts if before else 0),
            replays=self.replays,
        )


class _Lane:
    """One host's messages by position, and who holds them."""

    def __init__(self, tenant: str, start: datetime) -> None:
        self.tenant = tenant
        self.waiting: dict[int, _Waiting] = {}
        self.token: str | None = None
        self.leased_until = start
        self.held_until = start
        self.outstanding = 0

    @property
    def behind(self) -> bool:
        """Whether its first message is."""
        first = next(iter(self.waiting.values()))
        return first.message.behind

    def free(self, now: datetime, horizon: datetime) -> bool:
        leased = self.token is not None and now < self.leased_until <= horizon
        return not leased and not now < self.held_until <= horizon

    def settle(self, count: int) -> None:
        """So many deliveries of this lease are dealt with; the last one ends it."""
        self.outstanding -= count
        if self.outstanding <= 0:
            self.token = None


class MemoryQueue:
    """FAKE: passes the queue's contract suite except for durability."""

    def __init__(
        self,
        clock: Clock,
        *,
        retention: timedelta = timedelta(days=7),
        dead_letter_retention: timedelta = DEAD_LETTER_RETENTION,
        dead_letter_bytes: int = DEAD_LETTER_BYTES,
        max_batch_bytes: int = MAX_BATCH_BYTES,
    ) -> None:
        self._clock = clock
        self._retention = retention
        self._dead_letter_retention = dead_letter_retention
        self._dead_letter_bytes = dead_letter_bytes
        self._turns = Turns(max_batch_bytes)
        self._lock = threading.Lock()
        self._lane_ids: dict[tuple[str, str], int] = {}
        self._lanes: dict[int, _Lane] = {}
        self._accepted: dict[Identity, tuple[str, datetime]] = {}
        self._sizes: dict[Identity, int] = {}
        self._forgotten: dict[tuple[str, str, str], tuple[int, str]] = {}
        self._dead: dict[int, tuple[DeadLetter, Message]] = {}
        self._last_dead = 0
        self._position = 0

    def append(self, messages: Sequence[Message]) -> list[Appended]:
        """Stores the new ones; in memory only."""
        check_appendable(messages)
        with self._lock:
            for tenant, host in sorted({(m.identity.tenant, m.identity.host) for m in messages}):
                self._open_lane(tenant, host)
            return [self._append_one(message) for message in messages]

    def _open_lane(self, tenant: str, host: str) -> None:
        if (tenant, host) not in self._lane_ids:
            lane = len(self._lane_ids) + 1
            self._lane_ids[tenant, host] = lane
            self._lanes[lane] = _Lane(tenant, self._clock.now())

    def _append_one(self, message: Message) -> Appended:
        identity = message.identity
        if identity in self._accepted:
            same = self._accepted[identity][0] == message.digest
            return Appended.DUPLICATE if same else Appended.CONFLICT
        seq, digest = self._forgotten.get(_epoch(identity), (-1, ""))
        if identity.seq <= seq:
            same = (identity.seq, message.digest) == (seq, digest)
            return Appended.DUPLICATE if same else Appended.CONFLICT
        self._accepted[message.identity] = (message.digest, self._clock.now())
        self._sizes[message.identity] = len(message.body)
        lane = self._lane_ids[message.identity.tenant, message.identity.host]
        self._position += 1
        self._lanes[lane].waiting[self._position] = _Waiting(message)
        return Appended.NEW

    def poll(
        self, *, limit: int, lease_seconds: float, behind_limit: int | None = None
    ) -> list[Delivery]:
        """Leases waiting lanes in turn, and gives their first messages."""
        with self._lock:
            now = self._clock.now()
            horizon = now + timedelta(seconds=max(lease_seconds, LONGEST_WAIT_SECONDS))
            ready = [
                Ready(lane=number, tenant=lane.tenant, behind=lane.behind)
                for number, lane in sorted(self._lanes.items())
                if lane.waiting and lane.free(now, horizon)
            ]
            most = limit if behind_limit is None else behind_limit
            candidates = self._turns.candidates(ready, limit, most)
            taken = self._turns.choose(candidates, limit, most, self._heads)
            counts = Counter(head.lane for head in taken)
            secret = secrets.token_hex(16)
            for number, count in counts.items():
                lane = self._lanes[number]
                lane.token = secret
                lane.leased_until = now + timedelta(seconds=lease_seconds)
                lane.outstanding = count
            return [
                self._deliver(head, secret)
                for head in sorted(taken, key=lambda head: head.position)
            ]

    def _heads(self, lanes: Sequence[int], share: int) -> dict[int, list[Head]]:
        return {
            lane: [
                Head(lane=lane, position=position, size=len(waiting.message.body))
                for position, waiting in islice(self._lanes[lane].waiting.items(), share)
            ]
            for lane in lanes
        }

    def _deliver(self, head: Head, secret: str) -> Delivery:
        waiting = self._lanes[head.lane].waiting[head.position]
        waiting.attempts += 1
        return Delivery(
            message=waiting.message,
            token=f"{head.lane}.{secret}",
            attempts=waiting.attempts,
            position=head.position,
            replays=waiting.replays,
        )

    def _ours(self, deliveries: Sequence[Delivery]) -> list[tuple[_Lane, Delivery]]:
        """Those whose lease still holds."""
        ours = []
        for delivery in deliveries:
            number, _, secret = delivery.token.partition(".")
            lane = self._lanes[int(number)]
            if lane.token == secret:
                ours.append((lane, delivery))
        return ours

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        """Removes handled messages."""
        with self._lock:
            ours = self._ours(deliveries)
            for lane, delivery in ours:
                if lane.waiting.pop(delivery.position, None) is not None:
                    lane.settle(1)
        refuse_lost(deliveries, [d for _, d in ours])

    def extend(self, deliveries: Sequence[Delivery], lease_seconds: float) -> None:
        """Makes the leases end later."""
        with self._lock:
            ours = self._ours(deliveries)
            for lane, _ in ours:
                lane.leased_until = self._clock.now() + timedelta(seconds=lease_seconds)
        refuse_lost(deliveries, [d for _, d in ours])

    def retry(self, delivery: Delivery, *, delay_seconds: float, reason: str) -> None:  # noqa: ARG002 - the port's form
        """Gives the lane back and holds it."""
        delay = timedelta(seconds=min(delay_seconds, LONGEST_WAIT_SECONDS))
        with self._lock:
            ours = self._ours([delivery])
            for lane, _ in ours:
                lane.token = None
                lane.held_until = self._clock.now() + delay
        refuse_lost([delivery], [d for _, d in ours])

    def reject(self, delivery: Delivery, *, reason: str) -> None:
        """Moves the message to the dead letters."""
        with self._lock:
            ours = self._ours([delivery])
            for lane, _ in ours:
                waiting = lane.waiting.pop(delivery.position, None)
                if waiting is not None:
                    lane.settle(1)
                    self._bury(waiting, plain(reason))
        refuse_lost([delivery], [d for _, d in ours])

    def _bury(self, waiting: _Waiting, reason: str) -> None:
        if waiting.letter is None:
            self._last_dead += 1
        letter = waiting.buried(str(self._last_dead), reason, self._clock.now())
        self._dead[int(letter.id)] = (letter, waiting.message)

    def depth(self) -> int:
        """Messages waiting or under lease."""
        return self.stats().depth

    def waiting(self, tenant: TenantId, hosts: Sequence[HostId], /) -> set[HostId]:
        """Those of the hosts of which something waits."""
        with self._lock:
            lanes = {host: self._lane_ids.get((tenant, host)) for host in hosts}
            return {
                host
                for host, lane in lanes.items()
                if lane is not None
                and any(not one.replays for one in self._lanes[lane].waiting.values())
            }

    def used(self, since: datetime, /) -> list[Used]:
        """What was accepted of each host since then."""
        counts: Counter[tuple[str, str]] = Counter()
        sizes: Counter[tuple[str, str]] = Counter()
        with self._lock:
            for identity, (_, at) in self._accepted.items():
                if at >= since:
                    key = (identity.tenant, identity.host)
                    counts[key] += 1
                    sizes[key] += self._sizes[identity]
        return [
            Used(tenant=key[0], host=key[1], snapshots=count, size=sizes[key])
            for key, count in sorted(counts.items())
        ]

    def stats(self) -> Stats:
        """How much waits and since when."""
        with self._lock:
            lanes = [lane.waiting for lane in self._lanes.values() if lane.waiting]
            fresh = [item for lane in lanes for item in lane.items() if not item[1].replays]
            first = min(fresh, default=None, key=lambda item: item[0])
            age = self._clock.now() - first[1].message.received_at if first else timedelta()
            return Stats(
                depth=sum(map(len, lanes)),
                lanes=len(lanes),
                dead_letters=len(self._dead),
                oldest_age_seconds=max(0.0, age.total_seconds()),
                replayed=sum(map(len, lanes)) - len(fresh),
            )

    def dead_letters(
        self, selection: Selection = EVERY, /, *, limit: int, after: str | None = None
    ) -> list[DeadLetter]:
        """Those of the rejected that are meant, in the order of their first rejection."""
        start = 0 if after is None else dead_letter_number(after)
        with self._lock:
            return [one for one in self._chosen(selection) if int(one.id) > start][:limit]

    def replay(self, selection: Selection, /, *, limit: int) -> list[DeadLetter]:
        """Puts dead letters back at the rear of their lanes."""
        with self._lock:
            letters = self._chosen(selection)[: min(limit, MOST_AT_ONCE)]
            for letter in letters:
                _, message = self._dead.pop(int(letter.id))
                lane = self._lane_ids[message.identity.tenant, message.identity.host]
                self._position += 1
                self._lanes[lane].waiting[self._position] = _Waiting(
                    msgspec.structs.replace(message, behind=True), letter
                )
            return letters

    def purge(self, selection: Selection, /, *, limit: int) -> list[DeadLetter]:
        """Forgets dead letters for good."""
        with self._lock:
            letters = self._chosen(selection)[: min(limit, MOST_AT_ONCE)]
            for letter in letters:
                del self._dead[int(letter.id)]
            return letters

    def _chosen(self, selection: Selection) -> list[DeadLetter]:
        ids = selection.ids
        wanted = None if ids is None else {dead_letter_number(one) for one in ids}
        return [
            letter
            for number, (letter, _) in sorted(self._dead.items())
            if (wanted is None or number in wanted) and _fits(selection, letter)
        ]

    def prune(self) -> int:
        """Forgets identities and dead letters older than their retention times."""
        with self._lock:
            now = self._clock.now()
            horizon = now - self._retention
            old = [identity for identity, (_, at) in self._accepted.items() if at < horizon]
            for identity in old[:_PRUNED_AT_ONCE]:
                mark = identity.seq, self._accepted[identity][0]
                epoch = _epoch(identity)
                self._forgotten[epoch] = max(mark, self._forgotten.get(epoch, mark))
                del self._accepted[identity], self._sizes[identity]
            buried = now - self._dead_letter_retention
            dead = [number for number, (one, _) in self._dead.items() if one.at < buried]
            for number in dead[:_PRUNED_AT_ONCE]:
                del self._dead[number]
            return len(old[:_PRUNED_AT_ONCE]) + len(dead[:_PRUNED_AT_ONCE])

    def trim(self) -> int:
        """Forgets the dead letters rejected longest ago while they are over the bound."""
        with self._lock:
            size = sum(one.size for one, _ in self._dead.values())
            if size <= self._dead_letter_bytes:
                return 0
            before = len(self._dead)
            for number, (one, _) in sorted(
                self._dead.items(), key=lambda item: (item[1][0].at, item[0])
            ):
                if size <= self._dead_letter_bytes - self._dead_letter_bytes // 10:
                    break
                del self._dead[number]
                size -= one.size
            return before - len(self._dead)

    def look(self) -> None:
        """There is always room."""

    def probe(self) -> None:
        """There is always room."""

    def close(self) -> None:
        """Nothing to release."""


def _epoch(identity: Identity) -> tuple[str, str, str]:
    return identity.tenant, identity.host, identity.epoch


def _fits(selection: Selection, letter: DeadLetter) -> bool:
    return (
        selection.tenant in {None, letter.identity.tenant}
        and selection.host in {None, letter.identity.host}
        and (selection.since is None or letter.at >= selection.since)
        and (selection.until is None or letter.at < selection.until)
        and (selection.text is None or selection.text.lower() in letter.reason.lower())
    )
