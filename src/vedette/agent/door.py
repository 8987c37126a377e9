"""The server's door as the agent knows it: TLS verified against one pinned authority, every request signed."""

import secrets
import ssl
from math import isfinite
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import structlog

from vedette.agent.journal import Journal
from vedette.core import Clock, ConfigError, Record, Unavailable
from vedette.seal import SigningKey, sign_request

__all__ = ["Answer", "Door", "Unreachable", "pinned"]

_log = structlog.get_logger()
_MAX_ANSWER = 4 * 1024 * 1024


class Unreachable(Unavailable):
    """No answer came: no network, no server, no trust in its certificate, or none in time."""

    default_kind = "unreachable"


class Answer(Record, frozen=True, kw_only=True):
    """A response. `retry_after` is the header as it came."""

    status: int
    body: bytes
    retry_after: str | None = None

    def fields(self) -> dict[str, Any]:
        """The JSON object in the body; empty when there is none."""
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def problem(self) -> str:
        """What the server says is wrong, in one line."""
        fields = self.fields()
        text = str(fields.get("detail") or fields.get("title") or "").strip()
        return f"{self.status} {text}".strip()[:500]

    def server_time(self) -> float | None:
        """The server's clock in Unix seconds, where a 401 tells it."""
        fields = self.fields()
        extensions = fields.get("extensions")
        nested = extensions if isinstance(extensions, dict) else {}
        value = fields.get("server_time", nested.get("server_time"))
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            return None
        return float(value)


def pinned(ca_pem: str) -> ssl.SSLContext:
    """Trusts this authority and no other, checks the server's name, and takes TLS 1.2 at least.

    Raises:
        ConfigError: that is no certificate.
    """
    try:
        context = ssl.create_default_context(cadata=ca_pem)
    except (ssl.SSLError, ValueError) as error:
        raise ConfigError(f"the server's authority is no certificate: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Door:
    """Signs and sends requests. Corrects the host's clock by what the server says, and remembers by how much."""

    def __init__(
        self,
        server: str,
        *,
        context: ssl.SSLContext,
        key: SigningKey,
        clock: Clock,
        journal: Journal,
        timeout: float,
        proxy: str | None = None,
    ) -> None:
        url = urlsplit(server)
        self._origin = f"{url.scheme}://{url.netloc}"
        self._prefix = url.path.rstrip("/")
        self._key = key
        self._clock = clock
        self._journal = journal
        self._timeout = timeout
        # The environment's proxies and certificates are not the operator's word; settings are.
        self._client = httpx.Client(
            verify=context, proxy=proxy, trust_env=False, follow_redirects=False
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: bytes = b"",
        content_type: str = "",
        patience: float = 0.0,
    ) -> Answer:
        """Sends one signed request; once more with the server's time when it answers that our clock is off.

        `patience` is added to the timeout, for a long poll.

        Raises:
            Unreachable: no answer came.
        """
        answer = self._send(method, path, query, body, content_type, patience)
        if answer.status != httpx.codes.UNAUTHORIZED or (theirs := answer.server_time()) is None:
            return answer
        offset = theirs - self._clock.now().timestamp()
        self._journal.set_offset(offset)
        _log.warning("door.clock_off", seconds=round(offset, 3))
        return self._send(method, path, query, body, content_type, patience)

    def close(self) -> None:
        """Closes its connections."""
        self._client.close()

    def _send(
        self, method: str, path: str, query: str, body: bytes, content_type: str, patience: float
    ) -> Answer:
        whole = self._prefix + path
        headers = sign_request(
            self._key,
            keyid=self._key.kid,
            method=method,
            path=whole,
            query=query,
            body=body,
            created=round(self._clock.now().timestamp() + self._journal.offset),
            nonce=secrets.token_urlsafe(18),
        )
        if content_type:
            headers["Content-Type"] = content_type
        url = self._origin + whole + (f"?{query}" if query else "")
        try:
            with self._client.stream(
                method,
                url,
                content=body or None,
                headers=headers,
                timeout=httpx.Timeout(self._timeout, read=self._timeout + patience),
            ) as response:
                return Answer(
                    status=response.status_code,
                    body=_bounded(response),
                    retry_after=response.headers.get("retry-after"),
                )
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
            raise Unreachable(f"{self._origin}: {str(error) or type(error).__name__}") from error


def _bounded(response: httpx.Response) -> bytes:
    """The body, if it is of a size that the server has reason to send."""
    pieces, size = [], 0
    for piece in response.iter_bytes():
        size += len(piece)
        if size > _MAX_ANSWER:
            raise Unreachable(f"the answer has more than {_MAX_ANSWER} bytes")
        pieces.append(piece)
    return b"".join(pieces)
