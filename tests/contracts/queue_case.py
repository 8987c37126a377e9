"""What the queue's suites share: messages, a broker, a queue open on it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Protocol

import pytest

from vedette.core import Epoch, HostId, Identity, ManualClock, Message, TenantId, digest
from vedette.queue import Appended, Delivery, Queue, Selection

__all__ = [
    "CONFLICT",
    "DUPLICATE",
    "EVERY",
    "NEW",
    "START",
    "Broker",
    "QueueCase",
    "forget",
    "letter_ids",
    "message",
    "seqs",
    "take",
]

NEW, DUPLICATE, CONFLICT = Appended.NEW, Appended.DUPLICATE, Appended.CONFLICT
START = ManualClock().now()
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
        identity=identity, digest=digest(body), body=body, received_at=START, behind=behind
    )


class Broker(Protocol):
    """One place where messages are kept."""

    def open(self, *, max_batch_bytes: int = 1 << 20) -> Queue:
        """A queue upon it, independent of those opened before where that is possible. Retention: one day, of dead letters three."""


def seqs(deliveries: list[Delivery]) -> list[tuple[str, int]]:
    return [(d.message.identity.host, d.message.identity.seq) for d in deliveries]


def letter_ids(queue: Queue) -> tuple[str, ...]:
    return tuple(letter.id for letter in queue.dead_letters(limit=100))


def forget(queue: Queue, clock: ManualClock) -> None:
    """All identities that were accepted by now."""
    clock.advance(timedelta(days=1, seconds=1).total_seconds())
    while queue.prune():
        pass


def take(queue: Queue, limit: int = 100, lease_seconds: float = 60.0) -> list[Delivery]:
    return queue.poll(limit=limit, lease_seconds=lease_seconds)


class QueueCase:
    """A broker with a queue open on it, and the time."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock(START)

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
