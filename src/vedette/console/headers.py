"""Headers that every answer to people bears (OWASP Secure Headers; CSP Level 3; RFC 6797)."""

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["CSP", "SecureHeaders", "secure_headers"]

# connect-src lets the page's own module fetch the fragment it refreshes; nothing else may be loaded from anywhere.
CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


def secure_headers(hsts_seconds: int) -> dict[str, str]:
    """The headers by name; HSTS only where asked for."""
    headers = {
        "content-security-policy": CSP,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "cache-control": "no-store",
    }
    if hsts_seconds:
        headers["strict-transport-security"] = f"max-age={hsts_seconds}"
    return headers


class SecureHeaders(ASGIMiddleware):
    """Adds them to every answer of a router, errors included; what a route set itself stays."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, hsts_seconds: int) -> None:
        self._headers = secure_headers(hsts_seconds)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Wraps `send`."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = MutableScopeHeaders.from_message(message)
                for name, value in self._headers.items():
                    present.setdefault(name, value)
            await send(message)

        await next_app(scope, receive, send_with_headers)
