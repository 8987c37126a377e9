"""The agent under examination, as the checks are given it."""

import base64
import os
import socket
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from vedette.agent.enrolment import Enrolment
from vedette.agent.health import Health, Report
from vedette.agent.settings import AgentSettings
from vedette.core import Clock

__all__ = ["Address", "Patient"]

_LONGEST = 10.0


class Address(NamedTuple):
    """A host and a port."""

    host: str
    port: int


class Patient:
    """`enrolment` is None where there is none, or none that can be read."""

    def __init__(
        self,
        settings: AgentSettings,
        clock: Clock,
        *,
        config: Path | None = None,
        enrolment: Enrolment | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.config = config
        self.enrolment = enrolment

    @property
    def state(self) -> Path:
        """The agent's folder."""
        return self.settings.state

    @property
    def report(self) -> Report:
        """What the agent last said of itself."""
        return Health.read(self.state)

    @property
    def interval(self) -> float:
        """Seconds between looks."""
        return self.settings.interval or (self.enrolment.interval if self.enrolment else 60.0)

    @property
    def timeout(self) -> float:
        """Seconds for one step over the network."""
        return min(self.settings.request_timeout, _LONGEST)

    @property
    def server(self) -> Address:
        """Where the server is. Only for an enrolled agent."""
        assert self.enrolment is not None
        url = urlsplit(self.enrolment.server)
        return Address(url.hostname or "", url.port or 443)

    @property
    def first_hop(self) -> Address:
        """Whom the agent connects to: the proxy if there is one, else the server."""
        if self.settings.proxy is None:
            return self.server
        url = urlsplit(self.settings.proxy)
        return Address(url.hostname or "", url.port or (443 if url.scheme == "https" else 80))

    def connect(self) -> socket.socket:
        """A connection to the server, through the proxy if there is one; TLS has not begun.

        Raises:
            OSError: it does not come about; of a proxy, with what it answered.
        """
        if self.settings.proxy is None:
            return socket.create_connection(self.server, self.timeout)
        url = urlsplit(self.settings.proxy)
        kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
        way = kind(*self.first_hop, timeout=self.timeout)
        way.set_tunnel(*self.server, headers=_credentials(url.username, url.password))
        try:
            way.connect()
        except HTTPException as error:
            raise OSError(f"the proxy does not speak HTTP: {error}") from error
        return way.sock

    @staticmethod
    def user() -> str:
        """Who examines."""
        return "root" if os.geteuid() == 0 else f"user {os.geteuid()}"


def _credentials(name: str | None, password: str | None) -> dict[str, str]:
    if name is None:
        return {}
    pair = f"{unquote(name)}:{unquote(password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
