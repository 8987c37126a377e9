"""An HTTP proxy that knows CONNECT only (RFC 9110, 9.3.6), with Basic authentication (RFC 7617) if it is asked for."""

import base64
import socket

from tests.fixtures.relay import Relay

__all__ = ["Proxy"]


class Proxy(Relay):
    """Use as a context manager. `asked` are the request lines that came."""

    def __init__(self, *, credentials: str = "", refuse: bool = False) -> None:
        super().__init__(("", 0))
        self._wanted = base64.b64encode(credentials.encode()).decode() if credentials else ""
        self._refuse = refuse
        self.asked: list[str] = []

    def _join(self, client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(4096)
            if not data:
                client.close()
                return
            head += data
        lines = head.decode("latin-1").split("\r\n")
        self.asked.append(lines[0])
        given = [line for line in lines if line.lower().startswith("proxy-authorization:")]
        if self._wanted and given != [f"Proxy-Authorization: Basic {self._wanted}"]:
            answer = "407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x"
        elif self._refuse:
            answer = "403 Forbidden"
        else:
            answer = ""
        if answer:
            client.sendall(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n".encode())
            client.close()
            return
        host, _, port = lines[0].split()[1].rpartition(":")
        server = socket.create_connection((host, int(port)), 10)
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        self.pump(client, server)
