"""The queue as every broker must behave: durable, at least once, in order within a lane (tenant and host)."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from vedette.core import HostId, Identity, InvalidInput, LeaseLost, Message, Record, TenantId

__all__ = [
    "DEAD_LETTER_BYTES",
    "DEAD_LETTER_RETENTION",
    "EVERY",
    "HEAD_BYTES",
    "LONGEST_WAIT_SECONDS",
    "MOST_AT_ONCE",
    "Appended",
    "DeadLetter",
    "Delivery",
    "Queue",
    "Selection",
    "Stats",
    "Used",
    "check_appendable",
    "dead_letter_number",
    "plain",
    "refuse_lost",
]

LONGEST_WAIT_SECONDS = 600.0
"""A lease or hold that ends further away than this, and than the lease asked for, was made before the clock was set back."""
HEAD_BYTES = 4_200
"""As much of a dead letter's body as is shown: an envelope's clear header ends within it."""
MOST_AT_ONCE = 500
"""Dead letters that one call replays or purges, whatever is asked."""
DEAD_LETTER_BYTES = 1 << 30
"""Bodies of dead letters in all, beyond which the oldest go."""
DEAD_LETTER_RETENTION = timedelta(days=30)
"""Time for people to look at a dead letter, counted from its last rejection."""
_MAX_SEQ = 2**63 - 1


class Appended(StrEnum):
    """What became of one appended message."""

    NEW = "new"
    DUPLICATE = "duplicate"
    """The same identity with the same digest was accepted before: no second effect."""
    CONFLICT = "conflict"
    """The same identity was, or may have been, accepted before with another digest: this message was not stored."""


class Delivery(Record, frozen=True, kw_only=True):
    """A message lent to one consumer until its lease runs out.

    `token` is opaque and stands for the lease of the message's lane. `attempts` counts deliveries, this one
    included. `position` rises within a lane and is never used again. `replays` is how often the message came back
    from the dead letters: 0 for one that was never there. Attempts are counted anew after each replay.
    """

    message: Message
    token: str
    attempts: int
    position: int
    replays: int = 0


class DeadLetter(Record, frozen=True, kw_only=True):
    """A rejected message, which the queue keeps whole. `id` stays the same through replays.

    `at` is when it was last rejected, `size` its body's in bytes, `head` the first `HEAD_BYTES` of the body, where the
    envelope's clear header stands. `attempts` counts deliveries over all replays.
    """

    id: str
    identity: Identity
    digest: str
    size: int
    head: bytes
    received_at: datetime
    reason: str
    at: datetime
    attempts: int
    replays: int = 0


class Selection(Record, frozen=True, kw_only=True):
    """Which dead letters are meant: those that fit all that is given.

    `since` is within, `until` beyond the span of `DeadLetter.at`; `text` is looked for in the reason, whatever its case.
    """

    tenant: TenantId | None = None
    ids: tuple[str, ...] | None = None
    host: HostId | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


EVERY = Selection()


class Used(Record, frozen=True, kw_only=True):
    """What was accepted of one host; `size` in bytes of bodies."""

    tenant: str
    host: str
    snapshots: int
    size: int


class Stats(Record, frozen=True, kw_only=True):
    """How much waits, messages under lease included.

    The age is that of the message longest in the queue, in seconds.

    Replayed messages count in everything but the age; `replayed` says how many of the depth they are.
    """

    depth: int
    lanes: int
    dead_letters: int
    oldest_age_seconds: float
    replayed: int = 0


class Queue(Protocol):
    """At least once, ordered within a lane, one consumer at a time for each lane.

    Every method is safe to call from several threads and, where the broker allows, from several processes. A method
    that raises `Unavailable` has changed nothing, except that a connection lost while its transaction was being
    committed leaves the outcome open: asking again is always safe.
    """

    def append(self, messages: Sequence[Message]) -> list[Appended]:
        """Stores the new ones in one transaction, on disk when it returns; one answer for each message, in order.

        An accepted identity is remembered with its digest for the retention time, consumed or not. Of those that were
        forgotten (`prune`) each epoch's highest seq is kept for good, with its digest. What is at or below it can't be told
        from another snapshot that was accepted, and is a conflict, even where it was never accepted: its sender gives it
        the number of a new epoch. Only the highest itself is known again, as a duplicate: it is the one whose answer may
        have got lost on the way to a sender that has one under way at a time.

        Raises:
            InvalidInput: one of them can't be stored by any broker (see `check_appendable`); none was.
            Unavailable: the disk is full, read-only or out of reach; none was stored.
        """

    def poll(
        self, *, limit: int, lease_seconds: float, behind_limit: int | None = None
    ) -> list[Delivery]:
        """Leases lanes that wait, and gives their first messages: at most `limit`, in order within each lane.

        Tenants take turns, and within a tenant its lanes, and they share the limit evenly, so no flooding tenant or host
        starves the others. Lanes whose first message is `behind` come after the live ones, with at most `behind_limit`
        messages, and where both wait with at least an eighth of the limits. While a lane has deliveries that are neither committed, rejected nor back, it is not polled again until its lease runs out.
        All consumers ask for leases of about the same length. Should the clock be set back, a lane stays leased or held
        for no longer than `LONGEST_WAIT_SECONDS` or the lease asked for, whichever is more.
        """

    def commit(self, deliveries: Sequence[Delivery]) -> None:
        """Removes handled messages. Late is fine as long as nobody else has taken the lane.

        Raises:
            LeaseLost: some lanes were taken over or given back; their messages stay, the others are removed.
                Its extension `positions` lists those that stay.
        """

    def extend(self, deliveries: Sequence[Delivery], lease_seconds: float) -> None:
        """Makes the leases end `lease_seconds` from now.

        Raises:
            LeaseLost: some lanes are no longer ours; the others were extended.
        """

    def retry(self, delivery: Delivery, *, delay_seconds: float, reason: str) -> None:
        """Gives the lane back and holds it for the delay; its other outstanding deliveries go back with it.

        A delay above `LONGEST_WAIT_SECONDS` is cut to that.

        Raises:
            LeaseLost: the lane is no longer ours; nothing changed.
        """

    def reject(self, delivery: Delivery, *, reason: str) -> None:
        """Moves the message to the dead letters, with the reason as `plain` leaves it.

        Raises:
            LeaseLost: the lane is no longer ours; nothing changed.
        """

    def depth(self) -> int:
        """Messages waiting or under lease."""

    def waiting(self, tenant: TenantId, hosts: Sequence[HostId], /) -> set[HostId]:
        """Those of the hosts of which something waits or is under lease; what was replayed is old and does not count."""

    def used(self, since: datetime, /) -> list[Used]:
        """What was accepted of each host since then, judged or not. For quotas, at a start: it looks at each identity.

        Beyond the retention time nothing is known.
        """

    def stats(self) -> Stats:
        """How much waits and since when; cheap enough to ask each second."""

    def dead_letters(
        self, selection: Selection = EVERY, /, *, limit: int, after: str | None = None
    ) -> list[DeadLetter]:
        """Those of the rejected that are meant, in the order of their first rejection, from the one behind `after` on.

        Raises:
            InvalidInput: `after`, or one of the ids, is not the id of a dead letter.
        """

    def replay(self, selection: Selection, /, *, limit: int) -> list[DeadLetter]:
        """Puts dead letters back at the rear of their lanes, marked (`Delivery.replays`), in one transaction.

        At most `limit` and `MOST_AT_ONCE`, oldest first; gives those that it moved, as they were. One that is not there
        any more is passed over, so a repeat has no second effect.

        Raises:
            InvalidInput: one of the ids is not the id of a dead letter.
        """

    def purge(self, selection: Selection, /, *, limit: int) -> list[DeadLetter]:
        """Deletes dead letters for good, `limit` and `MOST_AT_ONCE` at most; gives those that it deleted.

        In several small transactions: they need little room on the disk. When one of them fails after others, it gives
        what is gone.

        Raises:
            InvalidInput: one of the ids is not the id of a dead letter.
        """

    def prune(self) -> int:
        """Forgets some identities and dead letters that are older than their retention times; how many. Bounded work.

        An identity is forgotten, and its epoch's highest forgotten seq kept, in one transaction.
        """

    def trim(self) -> int:
        """Deletes the dead letters rejected longest ago while all their bodies are over the queue's bound; how many.

        Bounded work, and then a tenth less than the bound is left, so that it is seldom needed.
        """

    def look(self) -> None:
        """What can be known without a write of whether a message could be stored; cheap enough to ask each second.

        Raises:
            Unavailable: it could not, and why.
        """

    def probe(self) -> None:
        """Tries whether a message could be stored now, by a write that changes nothing.

        Raises:
            Unavailable: it could not, and why: `disk-full`, `read-only`, `io-error`, `damaged-data`, or out of reach.
        """

    def close(self) -> None:
        """Releases connections and files. Leases stay until they run out."""


def check_appendable(messages: Sequence[Message]) -> None:
    """Holds every broker to what all of them can store.

    Raises:
        InvalidInput: a `seq` outside 0..2^63-1, or an id with a NUL or a lone surrogate.
    """
    for message in messages:
        identity = message.identity
        if not 0 <= identity.seq <= _MAX_SEQ:
            raise InvalidInput(f"seq must be between 0 and {_MAX_SEQ}", kind="bad-identity")
        for text in (identity.tenant, identity.host, identity.epoch, message.digest):
            if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
                raise InvalidInput(
                    "tenant, host, epoch and digest must be text without NUL and lone surrogates",
                    kind="bad-identity",
                )


def dead_letter_number(text: str) -> int:
    """The number that a dead letter's id bears.

    Raises:
        InvalidInput: it is no such id.
    """
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise InvalidInput(f"{text[:80]!r} is not the id of a dead letter", kind="bad-cursor")
    return int(text)


def plain(reason: str) -> str:
    """A reason as every broker can store it: without NUL and lone surrogates, which a sender may have put in its data."""
    return reason.encode(errors="replace").decode().replace("\0", "\ufffd")


def refuse_lost(deliveries: Sequence[Delivery], ours: Iterable[Delivery]) -> None:
    """Says which leases no longer hold.

    Raises:
        LeaseLost: at least one does not; the extension `positions` lists them.
    """
    held = {delivery.token for delivery in ours}
    lost = [delivery.position for delivery in deliveries if delivery.token not in held]
    if lost:
        raise LeaseLost(
            f"{len(lost)} of {len(deliveries)} deliveries belong to another lease now",
            positions=lost,
        )
