"""HTTP as this server speaks it: uvicorn's protocol, with bounds on what a stranger may send before anyone looks at it.

The parser underneath keeps a request's line, its fields and its trailers in memory, however long they are and however
slowly they come. Here what is no body may have `MAX_HEAD_BYTES`, and as much again as the body itself for the framing of
chunks; and a head must be whole within `HEAD_SECONDS`.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["HEAD_SECONDS", "MAX_HEAD_BYTES", "BoundedProtocol"]

MAX_HEAD_BYTES: Final = 64 * 1024
HEAD_SECONDS: Final = 30.0
_KINDS: Final = {400: "bad-request", 431: "request-header-fields-too-large"}


class BoundedProtocol(HttpToolsProtocol):
    """For uvicorn's `http` setting."""

    head_seconds = HEAD_SECONDS

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._framing = 0
        self._content = 0
        self._in_head = True
        self._patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as its base does
        """Whoever connects is expected to say something."""
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """Counts what is no body. The most that is held over the bound is one read of the socket."""
        self._framing += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._framing > MAX_HEAD_BYTES + self._content:
            self._refuse_framing()
        elif self._in_head and self._framing and self._patience is None:
            self._await_head()

    def on_headers_complete(self) -> None:
        """From here on the application has its own patience."""
        self._in_head = False
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body, taken off what was counted."""
        self._framing -= len(body)
        self._content += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """What comes next is another head."""
        self._in_head = True
        self._framing = self._content = 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is awaited any more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is told as a problem, as everything else is."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _refuse_framing(self) -> None:
        if not self._in_head:
            # The application may be in the middle of its answer.
            self.transport.close()
            return
        self._refuse(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"a request's line and fields may have {MAX_HEAD_BYTES} bytes together",
        )

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        problem = {
            "type": f"/problems/{_KINDS[status]}",
            "title": status.phrase,
            "status": status,
            "detail": detail,
        }
        body = json.dumps(problem).encode()
        head = (
            f"HTTP/1.1 {status:d} {status.phrase}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _await_head(self) -> None:
        self._patience = self.loop.call_later(self.head_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self._patience = None
        if not self.transport.is_closing():
            self.transport.close()
