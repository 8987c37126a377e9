"""The command line's side of the people's API: verified connections, problems told as errors."""

import os
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from vedette.app.settings import Settings, load_settings
from vedette.core import (
    ConfigError,
    InvalidInput,
    NotFound,
    Unauthenticated,
    Unavailable,
    VedetteError,
)

if TYPE_CHECKING:
    import httpx

__all__ = ["ApiClient"]

_RIGHT_CA = "VEDETTE_CA must name a copy of the server's tls/ca.pem"
_NO_SERVER = "does not answer as a Vedette server does; VEDETTE_URL must name one"


_SECONDS = 30.0


class ApiClient:
    """Speaks to the server named by VEDETTE_URL (or the local settings) with the token in VEDETTE_TOKEN.

    Raises:
        ConfigError: no token, not an https URL, or a CA file that can't be read.
    """

    def __init__(self) -> None:
        settings = load_settings()
        self._headers = {"Authorization": f"Bearer {_token()}"}
        self._url = _server(settings)
        self._trusted = _context(settings)

    def get(self, *path: str, **query: Any) -> Any:
        """The JSON answer of a GET of /v1/ and the parts; parameters that are None are left out."""
        asked = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", path, params=asked)

    def post(self, *path: str, body: dict[str, Any], seconds: float = _SECONDS) -> Any:
        """The JSON answer of a POST to /v1/ and the parts, which may take so long."""
        return self._send("POST", path, seconds, json=body)

    def delete(self, *path: str, **query: Any) -> None:
        """A DELETE of /v1/ and the parts."""
        self._send("DELETE", path, params=query)

    def download(self, *path: str) -> bytes:
        """The bytes of a GET of /v1/ and the parts."""
        found: bytes = self._send("GET", path, raw=True)
        return found

    def _send(
        self,
        method: str,
        path: tuple[str, ...],
        seconds: float = _SECONDS,
        *,
        raw: bool = False,
        **rest: Any,
    ) -> Any:
        response = self._answer(method, path, seconds, **rest)
        if raw:
            return response.content
        if response.status_code == 204:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise ConfigError(f"{self._url} {_NO_SERVER}") from error

    def _answer(
        self, method: str, path: tuple[str, ...], seconds: float, **rest: Any
    ) -> "httpx.Response":
        # It is slow to load, and most commands of this program speak to no server.
        import httpx

        address = "/v1/" + "/".join(quote(part, safe="") for part in path)
        try:
            with httpx.Client(
                base_url=self._url, headers=self._headers, verify=self._trusted, timeout=seconds
            ) as client:
                response = client.request(method, address, **rest)
        except httpx.TransportError as error:
            raise self._unreached(error) from error
        if not response.is_success:
            raise self._told(response)
        return response

    def _unreached(self, error: "httpx.TransportError") -> VedetteError:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return ConfigError(
                f"the certificate of {self._url} can't be trusted ({_reason(error)}); set VEDETTE_CA to a "
                "copy of the server's tls/ca.pem, and VEDETTE_URL to a name in its certificate"
            )
        return Unavailable(
            f"{self._url} can't be reached ({error}); start it with `vedette up`, or set VEDETTE_URL "
            "to where it runs"
        )

    def _told(self, response: "httpx.Response") -> VedetteError:
        try:
            problem = dict(response.json())
        except (ValueError, TypeError):
            return ConfigError(f"{self._url} {_NO_SERVER} ({response.status_code})")
        detail = str(problem.get("detail") or problem.get("title") or response.reason_phrase)
        given = [f"{e.get('key')}: {e.get('message')}" for e in problem.get("errors", ())]
        text = "; ".join([detail, *given])
        if response.status_code == 401:
            return Unauthenticated(
                f"{text}; set VEDETTE_TOKEN to one that `vedette tokens create NAME` has made"
            )
        kinds = {400: InvalidInput, 404: NotFound}
        return kinds.get(response.status_code, VedetteError)(text)


def _token() -> str:
    token = os.environ.get("VEDETTE_TOKEN", "").strip()
    if not token:
        raise ConfigError(
            "set VEDETTE_TOKEN to an API token; `vedette tokens create NAME --role viewer` "
            "makes one on the server"
        )
    if not token.isascii() or not token.isprintable():
        raise ConfigError("VEDETTE_TOKEN is no API token: those are printable ASCII, vdt_...")
    return token


def _server(settings: Settings) -> str:
    url = os.environ.get("VEDETTE_URL") or settings.public_url
    try:
        parts = urlsplit(url)
        named = parts.scheme == "https" and bool(parts.hostname) and parts.port != 0
    except ValueError:
        named = False
    if not named:
        raise ConfigError(
            f"VEDETTE_URL must be https://NAME or https://NAME:PORT, not {url!r}; tokens are sent "
            "over TLS only"
        )
    return url


def _context(settings: Settings) -> ssl.SSLContext:
    named = os.environ.get("VEDETTE_CA", "")
    local = settings.data / "tls" / "ca.pem"
    file = named or (str(local) if local.is_file() else None)
    try:
        return ssl.create_default_context(cafile=file)
    except ssl.SSLError as error:
        raise ConfigError(f"{file} holds no certificate in PEM; {_RIGHT_CA}") from error
    except OSError as error:
        raise ConfigError(f"can't read {file} ({error.strerror}); {_RIGHT_CA}") from error


def _reason(error: "httpx.TransportError") -> str:
    return str(error).partition("CERTIFICATE_VERIFY_FAILED] ")[2].partition(" (_ssl")[0]
