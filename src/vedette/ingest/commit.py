"""Group commit: requests that wait together are made durable together, by one append and so by one fsync."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import NamedTuple

import structlog

from vedette.core import Message, Unavailable, VedetteError
from vedette.ingest.ports import Timer
from vedette.ingest.workers import Workers, jittered

__all__ = ["GroupCommit"]

_LOG = structlog.get_logger()


class _Waiting(NamedTuple):
    message: Message
    outcome: asyncio.Future[str]


class GroupCommit:
    """While one append is on its way to the disk, what arrives gathers for the next.

    There is no timer: an idle server appends at once, a busy one in ever larger batches. Not thread-safe: for one event
    loop. `appends` and `appended` count calls and messages.
    """

    def __init__(
        self,
        append: Callable[[Sequence[Message]], Sequence[str]],
        workers: Workers,
        *,
        max_batch: int,
        max_waiting: int,
        max_bytes: int,
        retry_seconds: float,
        timer: Timer = nullcontext,
        on_append: Callable[[int], None] | None = None,
    ) -> None:
        self._append = append
        self._workers = workers
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._max_bytes = max_bytes
        self._retry_seconds = retry_seconds
        self._timer = timer
        self._on_append = on_append
        self._waiting: deque[_Waiting] = deque()
        self._bytes = 0
        self._task: asyncio.Task[None] | None = None
        self._closed = False
        self.appends = 0
        self.appended = 0

    async def add(self, message: Message) -> str:
        """`new`, `duplicate` or `conflict`, once the append that bore the message has returned.

        A caller that gives up meanwhile does not take its message back: it may be stored all the same.

        Raises:
            Unavailable: too much waits already, the append failed, or the server is stopping.
        """
        if self._closed:
            raise self._unavailable("the server is stopping")
        full = len(self._waiting) >= self._max_waiting
        if full or self._bytes + len(message.body) > self._max_bytes:
            raise self._unavailable("too many snapshots wait to be stored")
        outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(message, outcome))
        self._bytes += len(message.body)
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        return await outcome

    async def close(self) -> None:
        """Appends what waits, and takes nothing more."""
        self._closed = True
        if self._task is not None:
            await self._task

    async def _drain(self) -> None:
        try:
            while self._waiting:
                await self._append_batch(self._take())
        finally:
            self._task = None

    def _take(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        while self._waiting and len(batch) < self._max_batch:
            batch.append(self._waiting.popleft())
        return batch

    async def _append_batch(self, batch: list[_Waiting]) -> None:
        self.appends += 1
        try:
            outcomes = await self._workers.run(self._timed, [item.message for item in batch])
            if len(outcomes) != len(batch):
                raise self._unavailable("the queue did not answer for every snapshot")
        except VedetteError as error:
            # Whatever went wrong with the batch says nothing about each message: all of them are asked to come again.
            _LOG.error("ingest.append_failed", messages=len(batch), kind=error.kind)
            outcomes = []
        finally:
            self._bytes -= sum(len(item.message.body) for item in batch)
        if not outcomes:
            self._fail(batch)
            return
        self.appended += len(batch)
        if self._on_append is not None:
            self._on_append(len(batch))
        for item, outcome in zip(batch, outcomes, strict=True):
            if not item.outcome.done():
                item.outcome.set_result(outcome)

    def _timed(self, messages: Sequence[Message]) -> Sequence[str]:
        with self._timer("append"):
            return self._append(messages)

    def _fail(self, batch: list[_Waiting]) -> None:
        for item in batch:
            if not item.outcome.done():
                item.outcome.set_exception(self._unavailable("the snapshot could not be stored"))

    def _unavailable(self, detail: str) -> Unavailable:
        return Unavailable(
            f"{detail}; send it again later", retry_after=jittered(self._retry_seconds)
        )
