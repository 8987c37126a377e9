"""A door behind a real server on loopback, and raw connections to it."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx
import uvicorn
from tests.ingest.world import World

from vedette.app.processes.wire import BoundedProtocol

__all__ = ["Served", "serving"]


class Served:
    """Where the server is, and how to talk to it byte by byte."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def client(self) -> httpx.Client:
        """An ordinary client, which finishes its bodies."""
        return httpx.Client(base_url=self.url, timeout=30.0, trust_env=False)

    def send(
        self,
        path: str,
        headers: Mapping[str, str],
        *,
        length: int,
        body: bytes = b"",
        source: str = "127.0.0.1",
    ) -> socket.socket:
        """A connection that has sent a POST's head with this Content-Length, and so much of its body."""
        connection = socket.create_connection(
            ("127.0.0.1", self.port), timeout=30.0, source_address=(source, 0)
        )
        lines = [f"POST {path} HTTP/1.1", "Host: vedette", f"Content-Length: {length}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        return connection

    def raw(self, *parts: bytes) -> str:
        """What comes back for these bytes, sent one after the other, until the server closes or falls silent."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30.0)
        with connection:
            with contextlib.suppress(ConnectionError):
                for part in parts:
                    connection.sendall(part)
            return self.answer(connection)

    def answer(self, connection: socket.socket) -> str:
        """The head and what has come of the body; blocks until the server answers."""
        got = b""
        while b"\r\n\r\n" not in got or not got.endswith(b"}"):
            try:
                part = connection.recv(65536)
            except ConnectionResetError:
                break
            if not part:
                break
            got += part
        return got.decode()


@contextmanager
def serving(world: World) -> Iterator[Served]:
    """The world's application served by uvicorn in a thread."""
    config = uvicorn.Config(
        world.app,
        host="127.0.0.1",
        port=0,
        log_config=None,
        backlog=1024,
        http=BoundedProtocol,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        for _ in range(3000):
            if server.started or not thread.is_alive():
                break
            time.sleep(0.01)
        assert server.started
        (port,) = {
            listening.getsockname()[1] for part in server.servers for listening in part.sockets
        }
        yield Served(port)
    finally:
        server.should_exit = True
        server.force_exit = True
        thread.join(30)
