"""Reading request bodies within bounds: of each, of all together, of one sender's, and of time."""

import asyncio
from collections import Counter
from typing import Any

from litestar import Request

from vedette.core import InvalidInput, Record, Throttled, TooLarge, Unavailable
from vedette.ingest.workers import jittered

__all__ = ["BodyBounds", "BodyReader"]


class BodyBounds(Record, frozen=True, kw_only=True):
    """Bounds of the bodies of one kind of sender, all read by one `BodyReader`.

    `in_flight_bytes` is what all of them may hold in memory while they are read, `per_sender` how many one sender may
    have under way. A body ends within `seconds`, and until then brings `window_bytes` in each `window_seconds`.
    """

    in_flight_bytes: int
    per_sender: int
    seconds: float
    window_seconds: float
    window_bytes: int
    retry_seconds: float


class BodyReader:
    """For one event loop.

    Bytes are charged to the common bound as they arrive. What Content-Length announces can only refuse a body: were it
    charged, a sender could take all of the bound by promising bytes that never come.
    """

    def __init__(self, bounds: BodyBounds) -> None:
        self._bounds = bounds
        self._left = bounds.in_flight_bytes
        self._under_way: Counter[str] = Counter()

    async def read(self, request: Request[Any, Any, Any], max_bytes: int, *, sender: str) -> bytes:
        """The whole body.

        Raises:
            TooLarge: over `max_bytes`, announced or real.
            InvalidInput: (bad-content-length, incomplete-body) it is announced wrongly, or did not arrive whole.
            Throttled: this sender has too many bodies under way.
            Unavailable: too much is being read already; (slow-body) it did not arrive in time.
        """
        _check_announced(request, max_bytes)
        if self._under_way[sender] >= self._bounds.per_sender:
            raise Throttled(
                "too many requests at once from this sender; wait for their answers",
                retry_after=jittered(self._bounds.retry_seconds),
            )
        self._under_way[sender] += 1
        body = bytearray()
        try:
            async with asyncio.timeout(None) as patience:
                await self._fill(body, request, max_bytes, patience)
        except TimeoutError as error:
            # Not a 400: the request may be a good one over a bad line, and an agent gives up what gets a 400.
            raise Unavailable(
                "the body came too slowly; send it again later",
                kind="slow-body",
                retry_after=jittered(self._bounds.retry_seconds),
            ) from error
        finally:
            self._left += len(body)
            self._under_way[sender] -= 1
            # A sender with none must not be kept: addresses are many.
            if not self._under_way[sender]:
                del self._under_way[sender]
        return bytes(body)

    async def _fill(
        self,
        body: bytearray,
        request: Request[Any, Any, Any],
        max_bytes: int,
        patience: asyncio.Timeout,
    ) -> None:
        now = asyncio.get_running_loop().time
        ends = now() + self._bounds.seconds
        due = 0
        more = True
        while more:
            if len(body) >= due:
                due = len(body) + self._bounds.window_bytes
                patience.reschedule(min(ends, now() + self._bounds.window_seconds))
            event = await request.receive()
            if event["type"] != "http.request":
                raise InvalidInput("the connection ended inside the body", kind="incomplete-body")
            self._charge(body, event["body"], max_bytes)
            more = event.get("more_body", False)

    def _charge(self, body: bytearray, part: bytes, max_bytes: int) -> None:
        if len(body) + len(part) > max_bytes:
            raise TooLarge(
                f"a body may have {max_bytes} bytes here; this one has more", max_bytes=max_bytes
            )
        if len(part) > self._left:
            raise Unavailable(
                "too many requests at once; send it again later",
                retry_after=jittered(self._bounds.retry_seconds),
            )
        body += part
        self._left -= len(part)


def _check_announced(request: Request[Any, Any, Any], max_bytes: int) -> None:
    text = request.headers.get("content-length")
    if text is None:
        return
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InvalidInput("Content-Length is not a number", kind="bad-content-length")
    length = int(text)
    if length > max_bytes:
        raise TooLarge(
            f"a body may have {max_bytes} bytes here; this one has {length}", max_bytes=max_bytes
        )
