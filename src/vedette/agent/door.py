"""The server's door as the agent knows it: TLS verified against one pinned authority, every request signed."""

import secrets
import ssl
import threading
from collections.abc import Mapping
from typing import Any, Final, Protocol

import httpx
import msgspec
import structlog

from vedette.agent.route import Route, Unreachable
from vedette.core import Clock, ConfigError, Record
from vedette.seal import SigningKey, sign_request

__all__ = ["LATEST", "Answer", "Door", "Offset", "PassingOffset", "Unreachable", "pinned"]

_log = structlog.get_logger()
_PROBLEMS = "/problems/"
# What no server says before it has looked at the signature.
_TAKEN = frozenset({200, 201, 202, 204})
_MAX_ANSWER = 4 * 1024 * 1024
# The year 3000: no clock shows a later time, and what is reckoned with one stays far from where moments end (the year 9999).
LATEST: Final = 32_503_680_000.0
# The connection broke before an answer was there. Timeouts are not among them: they have cost their time already.
_BROKEN = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class Answer(Record, frozen=True, kw_only=True):
    """A response. `retry_after` and `date` are the headers as they came."""

    status: int
    body: bytes
    retry_after: str | None = None
    date: str | None = None

    def fields(self) -> dict[str, Any]:
        """The JSON object in the body; empty when there is none."""
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def kind(self) -> str:
        """The problem's kind, which is what follows /problems/ in its type; empty when this is no problem of Vedette's."""
        before, ours, kind = str(self.fields().get("type", "")).partition(_PROBLEMS)
        return kind if ours and not before else ""

    def problem(self) -> str:
        """What the server says is wrong, in one line."""
        fields = self.fields()
        text = str(fields.get("detail") or fields.get("title") or "").strip()
        return f"{self.status} {text}".strip()[:500]

    def server_time(self) -> float | None:
        """The server's clock in Unix seconds, where a 401 tells it and it is one that a clock can show."""
        fields = self.fields()
        extensions = fields.get("extensions")
        nested = extensions if isinstance(extensions, dict) else {}
        value = fields.get("server_time", nested.get("server_time"))
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if 0 <= value <= LATEST else None


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


class Offset(Protocol):
    """Where the server's lead over this host's clock is kept, in seconds."""

    @property
    def offset(self) -> float:
        """As last set."""

    def set_offset(self, seconds: float) -> None:
        """Keeps it."""

    def taken(self, created: float, at: float) -> None:
        """A signature was taken that bore `created` (Unix seconds), and was made `at` that boot time."""


class PassingOffset:
    """Keeps the offset for as long as this object lives; nothing is obeyed by it."""

    def __init__(self) -> None:
        self.offset = 0.0

    def set_offset(self, seconds: float) -> None:
        """Keeps it."""
        self.offset = seconds

    def taken(self, created: float, at: float) -> None:
        """Of no use here."""


class Door:
    """Signs and sends requests. Corrects the host's clock by what the server says, and remembers by how much.

    A request whose kept connection turns out to be dead is sent once more over a fresh one, if `repeat` allows that:
    every request of an enrolled host may arrive twice without a second effect. For use by one thread.
    """

    def __init__(
        self,
        route: Route,
        *,
        key: SigningKey,
        clock: Clock,
        journal: Offset,
        repeat: bool = True,
    ) -> None:
        self._route = route
        self._key = key
        self._clock = clock
        self._journal = journal
        self._repeat = repeat
        self._client = route.client()
        self._fresh = True
        self._stale = threading.Event()

    def request(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: bytes = b"",
        content_type: str = "",
        patience: float = 0.0,
        more: Mapping[str, str] | None = None,
    ) -> Answer:
        """Sends one signed request; once more with the server's time when it answers that our clock is off.

        `patience` is added to the timeout, for a long poll. `more` are headers that are not signed.

        Raises:
            Unreachable: no answer came.
        """
        extra = {**(more or {}), **({"Content-Type": content_type} if content_type else {})}
        answer = self._send(method, path, query, body, extra, patience)
        if answer.status != httpx.codes.UNAUTHORIZED or (theirs := answer.server_time()) is None:
            return answer
        offset = theirs - self._clock.now().timestamp()
        self._journal.set_offset(offset)
        _log.warning("door.clock_off", seconds=round(offset, 3))
        return self._send(method, path, query, body, extra, patience)

    def renew(self) -> None:
        """Lets the next request begin with a fresh connection: the network may be another now. Safe from any thread."""
        self._stale.set()

    def close(self) -> None:
        """Closes its connections."""
        self._client.close()

    def _send(
        self,
        method: str,
        path: str,
        query: str,
        body: bytes,
        extra: Mapping[str, str],
        patience: float,
    ) -> Answer:
        if self._stale.is_set():
            self._reconnect()
        kept = not self._fresh
        self._fresh = False
        whole = self._route.prefix + path
        at, created = (
            self._clock.boottime(),
            round(self._clock.now().timestamp() + self._journal.offset),
        )
        headers = sign_request(
            self._key,
            keyid=self._key.kid,
            method=method,
            path=whole,
            query=query,
            body=body,
            created=created,
            nonce=secrets.token_urlsafe(18),
        )
        headers |= extra
        url = self._route.origin + whole + (f"?{query}" if query else "")
        try:
            with self._client.stream(
                method,
                url,
                content=body or None,
                headers=headers,
                timeout=self._route.timeout(patience),
            ) as response:
                answer = Answer(
                    status=response.status_code,
                    body=_bounded(response),
                    retry_after=response.headers.get("retry-after"),
                    date=response.headers.get("date"),
                )
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError) as error:
            self._stale.set()
            if isinstance(error, _BROKEN) and kept and self._repeat:
                return self._send(method, path, query, body, extra, patience)
            raise self._route.failure(error) from error
        if answer.status in _TAKEN:
            self._journal.taken(created, at)
        return answer

    def _reconnect(self) -> None:
        self._stale.clear()
        self._client.close()
        self._client = self._route.client()
        self._fresh = True


def _bounded(response: httpx.Response) -> bytes:
    """The body, if it is of a size that the server has reason to send."""
    pieces, size = [], 0
    for piece in response.iter_bytes():
        size += len(piece)
        if size > _MAX_ANSWER:
            raise Unreachable(f"the answer has more than {_MAX_ANSWER} bytes")
        pieces.append(piece)
    return b"".join(pieces)
