"""A real HTTPS server on this machine that answers agents by script, and checks what they send as the true one does."""

import json
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple, Self

from vedette.seal import Authority, SignatureInput, VerifyKey, read_signature, verify_request

__all__ = ["Reply", "Seen", "Server"]


class Seen(NamedTuple):
    """One request as it came."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def signature(self) -> SignatureInput:
        """Its signature fields."""
        return read_signature(self.headers)

    def verify(self, key: VerifyKey) -> None:
        """Raises where the signature does not hold."""
        verify_request(
            self.signature,
            key,
            method=self.method,
            path=self.path,
            query=self.query,
            body=self.body,
            headers=self.headers,
        )


class Reply(NamedTuple):
    """What is answered."""

    status: int
    fields: Mapping[str, Any] = {}
    headers: Mapping[str, str] = {}
    raw: bytes | None = None


class Server:
    """Use as a context manager. `script` is asked for every request. `at` is the address it serves on."""

    def __init__(
        self, directory: Path, script: Callable[[Seen], Reply], *, at: str = "127.0.0.1"
    ) -> None:
        names = ["localhost", "127.0.0.1", "::1", "vedette.test"]
        self.authority = Authority.create(directory, list(dict.fromkeys([*names, at])))
        self._at = at
        self.seen: list[Seen] = []
        self.script = script
        self._port = 0
        self._running: tuple[ThreadingHTTPServer, threading.Thread] | None = None

    @property
    def url(self) -> str:
        """Where it is: by name, where that leads there."""
        name = "localhost" if self._at == "127.0.0.1" else self._at
        return f"https://{name}:{self._port}"

    def start(self) -> None:
        """Serves, on the same port as before if it served before."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (ConnectionError, ssl.SSLError):
                    self.close_connection = True

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def _answer(self) -> None:
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                seen = Seen(self.command, path, query, dict(self.headers.items()), body)
                outer.seen.append(seen)
                reply = outer.script(seen)
                content = json.dumps(reply.fields).encode() if reply.raw is None else reply.raw
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Says nothing."""

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.authority.server_path, self.authority.server_key_path)

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def get_request(self) -> tuple[Any, Any]:
                raw, address = super().get_request()
                raw.settimeout(10)
                return context.wrap_socket(
                    raw, server_side=True, do_handshake_on_connect=False
                ), address

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that does not trust us ends the handshake: that is what some tests are about."""

        httpd = Quiet((self._at, self._port), Handler)
        self._port = httpd.server_address[1]
        thread = threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self._running = (httpd, thread)

    def stop(self) -> None:
        """Stops serving; connections are refused from then on."""
        if self._running is not None:
            httpd, thread = self._running
            httpd.shutdown()
            httpd.server_close()
            thread.join()
            self._running = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
