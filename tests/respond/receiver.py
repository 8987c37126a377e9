"""A real HTTPS (or plain HTTP) server that takes notifications, whose answers a test can script."""

import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

from vedette.core import Record
from vedette.seal import Authority

__all__ = ["Answer", "Received", "Receiver"]


class Received(Record, frozen=True, kw_only=True):
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


class Answer(Record, frozen=True, kw_only=True):
    """What to say to one request, and how many seconds to wait before."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""
    after: float = 0.0


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, receiver: "Receiver") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.receiver = receiver

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that does not trust us, or went away, is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Keeps the request, and answers as scripted."""
        assert isinstance(self.server, _Server)
        receiver = self.server.receiver
        content = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.requests.append(Received(path=self.path, headers=headers, body=content))
        answer = receiver.answers.pop(0) if receiver.answers else Answer(status=receiver.status)
        time.sleep(answer.after)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(answer.body)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(answer.body)

    def do_GET(self) -> None:
        """Where a followed redirect would come out."""
        self.do_POST()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Says nothing."""


class Receiver:
    """The server while it runs. Answers `status` once `answers` are used up."""

    def __init__(self, directory: Path, *, tls: bool = True) -> None:
        self.requests: list[Received] = []
        self.answers: list[Answer] = []
        self.status = 204
        self._server = _Server(self)
        self.ca_file = ""
        if tls:
            authority = Authority.create(directory / "ca", ["localhost", "127.0.0.1"])
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(authority.server_path, authority.server_key_path)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            self.ca_file = str(authority.ca_path)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
