"""Answers that are held back until the verdict is there: one look at the store for all who wait, and none while nobody does.

What is accepted is on disk before any of this begins, so nothing that goes wrong here is told to the client as an error:
it gets the plain answer.
"""

import asyncio
from collections.abc import Callable

import structlog

from vedette.core import Clock, Identity, VedetteError, Waiter
from vedette.ingest.ports import Waits
from vedette.ingest.settings import IngestSettings
from vedette.ingest.workers import Workers

__all__ = ["Awaiting"]

_LOG = structlog.get_logger()
_Answer = asyncio.Future[bytes | None]


class Awaiting:
    """For one event loop. Who waits holds neither a thread nor a connection to the store; beyond `verdict_waiters` nobody waits.

    Once it is `draining` all who wait are let go.
    """

    def __init__(
        self,
        waits: Waits,
        clock: Clock,
        settings: IngestSettings,
        draining: Callable[[], bool],
    ) -> None:
        self._waits = waits
        self._clock = clock
        self._most = settings.verdict_waiters
        self._look_seconds = settings.verdict_look_seconds
        # A thread of its own: that the store is slow here must not keep a signer from being looked up.
        self._workers = Workers(1, retry_seconds=1.0)
        self._answers: dict[Identity, _Answer] = {}
        self._fresh: dict[Identity, Waiter] = {}
        self._task: asyncio.Task[None] | None = None
        self._draining = draining

    async def ruling(self, waiter: Waiter) -> bytes | None:
        """The signed verdict, or None when it is not there by `waiter.until` or can't be waited for."""
        seconds = (waiter.until - self._clock.now()).total_seconds()
        taken = waiter.identity in self._answers
        if self._draining() or taken or seconds <= 0 or len(self._answers) >= self._most:
            return None
        answer: _Answer = asyncio.get_running_loop().create_future()
        self._answers[waiter.identity] = answer
        self._fresh[waiter.identity] = waiter
        if self._task is None:
            self._task = asyncio.create_task(self._watch())
        try:
            return await asyncio.wait_for(answer, seconds)
        except TimeoutError:
            return None
        finally:
            self._answers.pop(waiter.identity, None)
            self._fresh.pop(waiter.identity, None)

    async def close(self) -> None:
        """Ends when the last who waits is let go; for when it is draining."""
        if self._task is not None:
            await self._task
        self._workers.close()

    async def _watch(self) -> None:
        try:
            while self._answers and not self._draining():
                await self._look()
                await asyncio.sleep(self._look_seconds)
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_result(None)
        finally:
            self._task = None

    async def _look(self) -> None:
        fresh, self._fresh = self._fresh, {}
        asked = [one for one in self._answers if one not in fresh]
        try:
            if fresh:
                await self._workers.run(self._waits.ask, list(fresh.values()))
            found = await self._workers.run(self._waits.answered, [*asked, *fresh])
        except VedetteError as error:
            _LOG.warning("ingest.waits_unavailable", waiting=len(self._answers), kind=error.kind)
            self._fresh = {
                one: waiter for one, waiter in fresh.items() if one in self._answers
            } | self._fresh
            return
        for identity, blob in found.items():
            answer = self._answers.get(identity)
            if answer is not None and not answer.done():
                answer.set_result(blob)
