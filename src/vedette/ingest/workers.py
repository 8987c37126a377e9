"""Threads for what blocks, kept apart from the event loop, with one way to fail."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import structlog

from vedette.core import Unavailable, VedetteError

__all__ = ["Workers", "jittered"]

_LOG = structlog.get_logger()
_P = ParamSpec("_P")
_T = TypeVar("_T")


def jittered(seconds: float) -> float:
    """Somewhere between half and one and a half times the seconds, so that senders told to wait don't return as one."""
    return seconds * (0.5 + secrets.randbelow(1001) / 1000)


class Workers:
    """A pool of threads for the ports. For one event loop. At most `max_waiting` calls are taken on at once."""

    def __init__(
        self, threads: int, *, retry_seconds: float, max_waiting: int | None = None
    ) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="ingest")
        self._retry_seconds = retry_seconds
        self._max_waiting = max_waiting
        self._waiting = 0

    async def run(self, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Calls it in a thread.

        Raises:
            VedetteError: as the call raised it.
            Unavailable: too many wait, or the call failed in another way; the cause is logged. Clients may try again.
        """
        if self._max_waiting is not None and self._waiting >= self._max_waiting:
            raise Unavailable(
                "too many requests at once; send it again later",
                retry_after=jittered(self._retry_seconds),
            )
        loop = asyncio.get_running_loop()
        self._waiting += 1
        try:
            return await loop.run_in_executor(self._pool, lambda: call(*args, **kwargs))
        except VedetteError:
            raise
        except Exception as error:
            _LOG.exception("ingest.port_failed", call=getattr(call, "__qualname__", repr(call)))
            raise Unavailable(
                "the server can't answer this now; nothing was kept",
                retry_after=jittered(self._retry_seconds),
            ) from error
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Waits for the calls under way; takes no new ones."""
        self._pool.shutdown(wait=True)
