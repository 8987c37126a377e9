"""Posts one body to one destination, once, within a bounded time, and tells apart what may work later."""

from datetime import datetime
from email.utils import parsedate_to_datetime

import anyio
import httpx

from vedette.core import ConfigError
from vedette.respond.destinations import Webhook
from vedette.respond.telling import Answer

__all__ = ["deliver"]

# Request Timeout, Too Early and Too Many Requests (RFC 9110, 8470, 6585) ask to come again.
_LATER = frozenset({408, 425, 429})
_LONGEST_WAIT = 86_400.0


def deliver(webhook: Webhook, body: bytes, headers: dict[str, str], now: datetime) -> Answer:
    """What came of it. The answer's body is not read: its status says all that is asked."""
    try:
        return _judged(*anyio.run(_post, webhook, body, headers), now)
    except (httpx.HTTPError, OSError, ConfigError) as error:
        return _unanswered(webhook, error)


async def _post(webhook: Webhook, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    # The one bound on all of it: the client's own are for each read, which a slow peer can draw out.
    with anyio.fail_after(webhook.timeout_seconds):
        async with (
            httpx.AsyncClient(
                verify=webhook.context(),
                timeout=webhook.timeout_seconds,
                follow_redirects=False,
                # Neither proxies nor passwords come from the environment: it goes where the settings say.
                trust_env=False,
            ) as client,
            client.stream(
                "POST",
                webhook.url,
                content=body,
                headers={"content-type": "application/json", "user-agent": "vedette", **headers},
            ) as answer,
        ):
            return answer.status_code, answer.headers.get("retry-after", "")


def _judged(status: int, retry_after: str, now: datetime) -> Answer:
    if 200 <= status < 300:
        return Answer(verdict="accepted", words=f"HTTP {status}")
    if 300 <= status < 400:
        return Answer(
            verdict="never",
            words=f"HTTP {status}: it leads elsewhere, and redirects are not followed; set the URL where it ends",
        )
    if 400 <= status < 500 and status not in _LATER:
        return Answer(verdict="never", words=f"HTTP {status}")
    return Answer(verdict="later", words=f"HTTP {status}", wait_seconds=_wait(retry_after, now))


def _wait(retry_after: str, now: datetime) -> float:
    """RFC 9110, 10.2.3: seconds or a date; what is neither is no wish."""
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after[:9]), _LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):  # of an offset or a year without end
        return 0.0
    if until.tzinfo is None:
        return 0.0
    return min(max((until - now).total_seconds(), 0.0), _LONGEST_WAIT)


def _unanswered(webhook: Webhook, error: Exception) -> Answer:
    """It may work later. The error's own words may hold the URL, which may hold a token."""
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        words = f"no answer within {webhook.timeout_seconds:g} seconds"
    elif isinstance(error, ConfigError):
        words = error.detail
    else:
        words = _unreached(error)
    return Answer(verdict="later", words=words)


def _unreached(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        if "certificate" in str(cause):
            return "its certificate is not trusted: set ca_file, or have the certificate made anew"
        cause = cause.__cause__ or cause.__context__
    return f"it can't be reached ({type(error).__name__})"
