"""Dead letters of the queue as the console's port wants them: without bodies."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from vedette import queue as queues
from vedette.console import DeadLetter, LetterChoice
from vedette.core import InvalidInput, TenantId
from vedette.queue import Queue, Selection
from vedette.seal import read_header

__all__ = ["Letters"]


class _Clear(TypedDict):
    taken_at: datetime | None
    key_id: str | None
    content_type: str | None


class Letters:
    """Every call is about one tenant alone."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def find(
        self, tenant: TenantId, choice: LetterChoice, *, limit: int, after: str | None
    ) -> Sequence[DeadLetter]:
        """Those that fit."""
        found = self._queue.dead_letters(_selection(tenant, choice), limit=limit, after=after)
        return [_letter(one) for one in found]

    def replay(self, tenant: TenantId, choice: LetterChoice, *, limit: int) -> Sequence[DeadLetter]:
        """Puts those that fit back in their lanes."""
        return [_letter(one) for one in self._queue.replay(_selection(tenant, choice), limit=limit)]

    def purge(self, tenant: TenantId, choice: LetterChoice, *, limit: int) -> Sequence[DeadLetter]:
        """Deletes those that fit."""
        return [_letter(one) for one in self._queue.purge(_selection(tenant, choice), limit=limit)]


def _selection(tenant: TenantId, choice: LetterChoice) -> Selection:
    return Selection(
        tenant=tenant,
        ids=choice.ids,
        host=choice.host,
        since=choice.since,
        until=choice.until,
        text=choice.text,
    )


def _letter(letter: queues.DeadLetter) -> DeadLetter:
    return DeadLetter(
        id=letter.id,
        host=letter.identity.host,
        epoch=letter.identity.epoch,
        seq=letter.identity.seq,
        size=letter.size,
        digest=letter.digest,
        reason=letter.reason,
        attempts=letter.attempts,
        replays=letter.replays,
        received_at=letter.received_at,
        rejected_at=letter.at,
        **_clear(letter.head),
    )


def _clear(head: bytes) -> _Clear:
    """What the clear header says, if it can be read: a damaged one is no reason to show nothing."""
    try:
        header = read_header(head)
    except InvalidInput:
        return {"taken_at": None, "key_id": None, "content_type": None}
    return {
        "taken_at": header.taken_at,
        "key_id": header.kid,
        "content_type": header.content_type,
    }
