"""The command line's side of the people's API: one verified connection, problems told as errors."""

import os
from pathlib import Path
from typing import Any

import httpx

from vedette.app.settings import load_settings
from vedette.core import ConfigError, Unauthenticated, Unavailable, VedetteError

__all__ = ["ApiClient"]


class ApiClient:
    """Speaks to the server named by VEDETTE_URL (or the local settings) with the token in VEDETTE_TOKEN.

    Raises:
        ConfigError: no token, or a CA file that can't be read.
    """

    def __init__(self) -> None:
        settings = load_settings()
        self._url = os.environ.get("VEDETTE_URL") or settings.public_url
        token = os.environ.get("VEDETTE_TOKEN", "")
        if not token:
            raise ConfigError(
                "set VEDETTE_TOKEN to an API token; `vedette tokens create NAME --role viewer` "
                "makes one on the server"
            )
        local_ca = settings.data / "tls" / "ca.pem"
        ca = os.environ.get("VEDETTE_CA") or (str(local_ca) if local_ca.is_file() else "")
        if ca and not Path(ca).is_file():
            raise ConfigError(f"VEDETTE_CA names {ca}, which is no file")
        self._client = httpx.Client(
            base_url=self._url,
            headers={"Authorization": f"Bearer {token}"},
            verify=_context(ca),
            timeout=30.0,
        )

    def get(self, path: str, **query: Any) -> Any:
        """The JSON answer of a GET; parameters that are None are left out."""
        asked = {name: value for name, value in query.items() if value is not None}
        return self._send("GET", path, params=asked)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON answer of a POST."""
        return self._send("POST", path, json=body)

    def _send(self, method: str, path: str, **rest: Any) -> Any:
        try:
            response = self._client.request(method, path, **rest)
        except httpx.TransportError as error:
            raise Unavailable(f"{self._url} can't be reached: {error}") from error
        if response.is_success:
            return response.json()
        raise _told(response)


def _context(ca: str) -> Any:
    import ssl

    return ssl.create_default_context(cafile=ca or None)


def _told(response: httpx.Response) -> VedetteError:
    try:
        problem = response.json()
        detail = str(problem.get("detail") or problem.get("title") or response.reason_phrase)
    except ValueError:
        detail = f"{response.status_code} {response.reason_phrase}"
    if response.status_code == 401:
        return Unauthenticated(f"{detail}; check VEDETTE_TOKEN")
    return VedetteError(detail)
