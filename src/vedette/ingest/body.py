"""Reading request bodies within bounds: of each, of all together, and of time."""

import asyncio
from typing import Any

from litestar import Request

from vedette.core import InvalidInput, TooLarge, Unavailable
from vedette.ingest.workers import jittered

__all__ = ["BodyReader"]


class BodyReader:
    """Refuses by Content-Length before a byte is read, and by count while reading. For one event loop."""

    def __init__(self, *, in_flight_bytes: int, seconds: float, retry_seconds: float) -> None:
        self._left = in_flight_bytes
        self._seconds = seconds
        self._retry_seconds = retry_seconds

    async def read(self, request: Request[Any, Any, Any], max_bytes: int) -> bytes:
        """The whole body.

        Raises:
            TooLarge: over `max_bytes`, announced or real.
            InvalidInput: (slow-body, incomplete-body) it did not arrive in time, or not whole.
            Unavailable: too many bodies are being read already.
        """
        reserved = _announced(request, max_bytes)
        if reserved > self._left:
            raise Unavailable(
                "too many requests at once; send it again later",
                retry_after=jittered(self._retry_seconds),
            )
        self._left -= reserved
        try:
            async with asyncio.timeout(self._seconds):
                return await _read(request, max_bytes)
        except TimeoutError as error:
            raise InvalidInput(
                f"the body did not arrive within {self._seconds:g} s", kind="slow-body"
            ) from error
        finally:
            self._left += reserved


def _announced(request: Request[Any, Any, Any], max_bytes: int) -> int:
    text = request.headers.get("content-length")
    if text is None:
        # Chunked: it may come to be as long as allowed.
        return max_bytes
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise InvalidInput("Content-Length is not a number", kind="bad-content-length")
    length = int(text)
    if length > max_bytes:
        raise TooLarge(f"a body may have {max_bytes} bytes here; this one has {length}")
    return length


async def _read(request: Request[Any, Any, Any], max_bytes: int) -> bytes:
    parts: list[bytes] = []
    length = 0
    more = True
    while more:
        event = await request.receive()
        if event["type"] != "http.request":
            raise InvalidInput("the connection ended inside the body", kind="incomplete-body")
        parts.append(event["body"])
        length += len(event["body"])
        if length > max_bytes:
            raise TooLarge(f"a body may have {max_bytes} bytes here; this one has more")
        more = event.get("more_body", False)
    return b"".join(parts)
