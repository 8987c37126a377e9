"""How requests reach the server: directly or through a proxy, over connections that notice when they are dead."""

import socket
import ssl
from urllib.parse import urlsplit

import httpx

from vedette.core import Unavailable

__all__ = ["Route", "Unreachable", "place"]

_CONNECT_SECONDS = 10.0
_IDLE_SECONDS, _PROBE_SECONDS, _PROBES = 15, 5, 3


class Unreachable(Unavailable):
    """No answer came: no network, no server, no trust in its certificate, or none in time.

    `reached` is False where not even a connection came about. Trying again then costs the server nothing.
    """

    default_kind = "unreachable"

    def __init__(self, detail: str, *, reached: bool = True) -> None:
        super().__init__(detail)
        self.reached = reached


class Route:
    """The way to one server. `proxy` may bear a name and a password; they go to the proxy and into no message.

    The environment's proxies and certificates (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE) are not the operator's word:
    settings are.
    """

    def __init__(
        self, server: str, *, context: ssl.SSLContext, timeout: float, proxy: str | None
    ) -> None:
        url = urlsplit(server)
        self.origin = f"{url.scheme}://{url.netloc}"
        self.prefix = url.path.rstrip("/")
        self._context = context
        self._timeout = timeout
        self._proxy = proxy
        self._place = place(proxy) if proxy else ""

    def client(self) -> httpx.Client:
        """A client without connections yet."""
        transport = httpx.HTTPTransport(
            verify=self._context,
            proxy=httpx.Proxy(self._proxy) if self._proxy else None,
            trust_env=False,
            socket_options=self._options(),
        )
        return httpx.Client(transport=transport, trust_env=False, follow_redirects=False)

    def timeout(self, patience: float = 0.0) -> httpx.Timeout:
        """For one request; `patience` is added for an answer that may take its time.

        A server's addresses are tried one after the other, so a connection gets less: one of them (IPv6, say) may
        lead nowhere.
        """
        return httpx.Timeout(
            self._timeout,
            connect=min(self._timeout, _CONNECT_SECONDS),
            read=self._timeout + patience,
        )

    def failure(self, error: Exception) -> Unreachable:
        """What went wrong, in words that say where."""
        if isinstance(error, httpx.ProxyError):
            # By 502 to 504 a proxy says that it can't reach the server either.
            return Unreachable(self._refusal(str(error)), reached=not str(error).startswith("50"))
        way = f"{self.origin} through the proxy {self._place}" if self._place else self.origin
        early = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
        reached = not early or _distrust(error)
        what = str(error) or type(error).__name__
        return Unreachable(
            f"{way}: {what}" if reached else f"{way} can't be reached: {what}", reached=reached
        )

    def _refusal(self, answer: str) -> str:
        if answer.startswith("407"):
            return (
                f"the proxy {self._place} does not take the name and password in the setting `proxy` (it says: {answer}); "
                "correct them"
            )
        return (
            f"the proxy {self._place} does not connect to {self.origin} (it says: {answer}); "
            "allow it there, or correct the setting `proxy`"
        )

    def _options(self) -> list[tuple[int, int, int]]:
        """A peer that is gone (a cut cable, a dropped mapping) is noticed by the kernel, not only by a timeout."""
        options = [
            (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        ]
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
            options += [
                (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _IDLE_SECONDS),
                (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_SECONDS),
                (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES),
                (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(self._timeout * 1000)),
            ]
        return options


def place(proxy: str) -> str:
    """A proxy's URL without name and password."""
    url = urlsplit(proxy)
    host = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    return f"{url.scheme}://{host}" + (f":{url.port}" if url.port else "")


def _distrust(error: BaseException) -> bool:
    """Whether TLS is what failed: somebody did answer."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
