"""Whose key is it? Requests that wait together are looked up together, by one query in one thread."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

from vedette.core import Unavailable, VedetteError
from vedette.ingest.ports import Hosts, Signer, Timer
from vedette.ingest.workers import Workers, jittered

__all__ = ["Signers"]

_MAX_BATCH = 256


class _Asked(NamedTuple):
    kid: str
    answer: asyncio.Future[Signer | None]


class Signers:
    """Nothing is remembered: each request is answered by a look that began after it came, so a revoked key is refused at once.

    While one look is on its way, what is asked gathers for the next. For one event loop.
    """

    def __init__(
        self, hosts: Hosts, workers: Workers, timer: Timer, *, retry_seconds: float
    ) -> None:
        self._hosts = hosts
        self._workers = workers
        self._timer = timer
        self._retry_seconds = retry_seconds
        self._asked: deque[_Asked] = deque()
        self._task: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> Signer | None:
        """Who signs with this key, or None.

        Raises:
            Unavailable: the store can't be asked now.
        """
        answer: asyncio.Future[Signer | None] = asyncio.get_running_loop().create_future()
        self._asked.append(_Asked(kid, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        return await answer

    async def _drain(self) -> None:
        try:
            while self._asked:
                await self._answer(
                    [self._asked.popleft() for _ in range(min(len(self._asked), _MAX_BATCH))]
                )
        finally:
            self._task = None

    async def _answer(self, asked: list[_Asked]) -> None:
        try:
            found = await self._workers.run(self._look, {each.kid for each in asked})
        except VedetteError as error:
            for each in asked:
                if not each.answer.done():
                    each.answer.set_exception(self._unavailable(error))
            return
        for each in asked:
            if not each.answer.done():
                each.answer.set_result(found.get(each.kid))

    def _unavailable(self, error: VedetteError) -> Unavailable:
        # One of its own for each: senders that are told to wait must not return as one.
        return Unavailable(error.detail, retry_after=jittered(self._retry_seconds))

    def _look(self, kids: set[str]) -> Mapping[str, Signer]:
        with self._timer("signers"):
            return self._hosts.signers(kids)
