"""The demonstration's server and agent: the real programs, each a process of its own, with their logs in the data folder."""

import os
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from vedette.app.demo.mailbox import Mailbox
from vedette.core import Clock, Unavailable
from vedette.seal import write_file

__all__ = ["Api", "running", "write_settings"]


def write_settings(data_dir: Path, port: int, mailbox: Mailbox) -> Path:
    """The demo's settings file: embedded defaults, a push every second, mail to the local sink."""
    path = data_dir / "vedette.toml"
    text = f"""# Settings of the demonstration; `vedette up --config {path}` runs its server again.
data_dir = "{data_dir}"

[server]
port = {port}
metrics_port = 0

[ingest]
interval = 1.0

[mail]
host = "localhost"
port = {mailbox.port}
username = "{mailbox.username}"
password = "{mailbox.password}"
sender = "vedette@localhost"
recipients = ["on-call@localhost"]
ca_file = "{mailbox.ca_file}"

[log]
format = "text"
"""
    write_file(path, text.encode())
    return path


@contextmanager
def running(log: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A `vedette` command as a process while the block runs; ended by SIGTERM, its output in `log`."""
    environment = {name: v for name, v in os.environ.items() if not name.startswith("VEDETTE_")}
    # Where the system has it, the process is ended with this one, however this one ends.
    setpriv = shutil.which("setpriv")
    leash = [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []
    with open(log, "ab", opener=_private) as output:
        process = subprocess.Popen(
            [*leash, sys.executable, "-m", "vedette", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


class Api:
    """The people's API of the demo's server, as a responder sees it."""

    def __init__(self, port: int, ca_file: Path, clock: Clock) -> None:
        self.url = f"https://localhost:{port}"
        self._clock = clock
        self._client = httpx.Client(
            base_url=self.url,
            verify=ssl.create_default_context(cafile=str(ca_file)),
            timeout=10.0,
        )

    def sign_in(self, token: str) -> None:
        """Uses this API token from now on."""
        self._client.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, **query: Any) -> Any:
        """The JSON answer."""
        return self._client.get(path, params=query).raise_for_status().json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """The JSON answer."""
        return self._client.post(path, json=body).raise_for_status().json()

    def wait_ready(self, server: subprocess.Popen[bytes], log: Path, seconds: float = 60.0) -> None:
        """Returns when the server is ready.

        Raises:
            Unavailable: it ended, or was not ready in time; names the log.
        """
        deadline = self._clock.monotonic() + seconds
        while self._clock.monotonic() < deadline and server.poll() is None:
            try:
                if self._client.get("/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            self._clock.sleep(0.2)
        raise Unavailable(f"the server did not become ready; its log is {log}")
