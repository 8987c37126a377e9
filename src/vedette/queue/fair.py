"""Which waiting messages a poll takes, so that no lane starves another."""

from collections.abc import Iterable, Sequence

from vedette.core import Record

__all__ = ["MAX_BATCH_BYTES", "Head", "share_of", "take_turns"]

MAX_BATCH_BYTES = 32 * 1024 * 1024
"""Bodies in one batch, so that a consumer's memory is bounded; one message above it still goes, alone."""


class Head(Record, frozen=True, kw_only=True):
    """A message at the front of its lane; `size` is its body's, in bytes."""

    lane: int
    position: int
    size: int


def share_of(limit: int, lanes: int) -> int:
    """How many messages each of so many waiting lanes may have in a batch; rounded up."""
    return -(-limit // lanes)


def take_turns(
    lanes: Iterable[Sequence[Head]], limit: int, *, max_bytes: int = MAX_BATCH_BYTES
) -> list[Head]:
    """One of each lane, then a second of each, until the limit or the bytes are used up; each lane's order kept."""
    waiting = [iter(lane) for lane in lanes]
    taken: list[Head] = []
    room = max_bytes
    while waiting and len(taken) < limit:
        further = []
        for lane in waiting:
            head = next(lane, None)
            if head is None:
                continue
            room -= head.size
            if len(taken) == limit or (taken and room < 0):
                return taken
            taken.append(head)
            further.append(lane)
        waiting = further
    return taken
