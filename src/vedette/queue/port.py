"""The queue as every broker must behave: durable, at least once, in order within a lane (tenant and host)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from vedette.core import InvalidInput, LeaseLost, Message, Record

__all__ = [
    "LONGEST_WAIT_SECONDS",
    "Appended",
    "DeadLetter",
    "Delivery",
    "Queue",
    "Stats",
    "check_appendable",
    "plain",
    "refuse_lost",
]

LONGEST_WAIT_SECONDS = 600.0
"""A lease or hold that ends further away than this, and than the lease asked for, was made before the clock was set back."""
_MAX_SEQ = 2**63 - 1


class Appended(StrEnum):
    """What became of one appended message."""

    NEW = "new"
    DUPLICATE = "duplicate"
    """The same identity with the same digest was accepted before: no second effect."""
    CONFLICT = "conflict"
    """The same identity was accepted before with another digest: this message was not stored."""


class Delivery(Record, frozen=True, kw_only=True):
    """A message lent to one consumer until its lease runs out.

    `token` is opaque and stands for the lease of the message's lane. `attempts` counts deliveries, this one
    included. `position` rises within a lane and is never used again.
    """

    message: Message
    token: str
    attempts: int
    position: int


class DeadLetter(Record, frozen=True, kw_only=True):
    """A rejected message, kept whole. `id` is what paging continues after."""

    id: str
    message: Message
    reason: str
    at: datetime
    attempts: int


class Stats(Record, frozen=True, kw_only=True):
    """How much waits, messages under lease included. The age is that of the message longest in the queue, in seconds."""

    depth: int
    lanes: int
    dead_letters: int
    oldest_age_seconds: float


class Queue(Protocol):
    """At least once, ordered within a lane, one consumer at a time for each lane.

    Every method is safe to call from several threads and, where the broker allows, from several processes. A method
    that raises `Unavailable` has changed nothing, except that a connection lost while its transaction was being
    committed leaves the outcome open: asking again is always safe.
    """

    def append(self, messages: Sequence[Message]) -> list[Appended]:
        """Stores the new ones in one transaction, on disk when it returns; one answer for each message, in order.

        An accepted identity is remembered with its digest for the retention time, consumed or not.

        Raises:
            InvalidInput: one of them can't be stored by any broker (see `check_appendable`); none was.
            Unavailable: the disk is full, read-only or out of reach; none was stored.
        """

    def poll(self, *, limit: int, lease_seconds: float) -> list[Delivery]:
        """Leases lanes that wait, and gives their first messages: at most `limit`, in order within each lane.

        Lanes take turns, and share the limit evenly, so a flooding host does not starve the others. While a lane has
        deliveries that are neither committed, rejected nor back, it is not polled again until its lease runs out.
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

    def stats(self) -> Stats:
        """How much waits and since when; cheap enough to ask each second."""

    def dead_letters(self, *, limit: int, after: str | None = None) -> list[DeadLetter]:
        """The rejected, oldest first, from the one behind `after` on.

        Raises:
            InvalidInput: `after` is not the id of a dead letter.
        """

    def prune(self) -> int:
        """Forgets some identities that were accepted longer ago than the retention time; how many. Bounded work."""

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
