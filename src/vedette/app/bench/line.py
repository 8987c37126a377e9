"""One keep-alive connection over TLS that speaks just enough HTTP/1.1, so that many senders fit into one process."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

import msgspec

from vedette.core import Record, Unavailable

__all__ = ["Line", "Reply"]


class Reply(Record, frozen=True, kw_only=True):
    """An answer. Header names are in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def fields(self) -> dict[str, Any]:
        """The JSON object in the body; empty when there is none."""
        try:
            found = msgspec.json.decode(self.body)
        except msgspec.MsgspecError:
            return {}
        return found if isinstance(found, dict) else {}


class Line:
    """Connects when first used, and again after a failure. One request at a time."""

    def __init__(self, port: int, context: ssl.SSLContext) -> None:
        self._port = port
        self._context = context
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """One POST and its answer; on a new connection where the server has closed the idle one.

        Raises:
            Unavailable: no answer came.
        """
        if self._reader is not None and self._reader.at_eof():
            self.close()
        try:
            async with asyncio.timeout(60.0):
                reader, writer = await self._connected()
                head = [f"POST {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
                head += [f"{name}: {value}" for name, value in headers.items()]
                writer.write("\r\n".join([*head, "", ""]).encode("latin-1") + body)
                await writer.drain()
                return await self._reply(reader)
        except (OSError, EOFError, ssl.SSLError, TimeoutError, ValueError) as error:
            self.close()
            raise Unavailable(f"no answer: {type(error).__name__} {error}") from error

    async def open(self) -> None:
        """Connects now, so that no measured request pays for the handshake."""
        await self._connected()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(
                "localhost", self._port, ssl=self._context, family=2
            )
        return self._reader, self._writer

    async def _reply(self, reader: asyncio.StreamReader) -> Reply:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return Reply(status=int(head[0].split(" ", 2)[1]), headers=headers, body=body)

    def close(self) -> None:
        """Gives the connection up."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None
