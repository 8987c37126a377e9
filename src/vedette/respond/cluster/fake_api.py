"""FAKE. An API server over FakeRows that speaks the API's paths and verbs by HTTP, for tests of what acts on a cluster.

Reads, lists (selectors, pages), creates, merge patches and deletes, `dryRun`, and Status objects for refusals. No watches, no
other kinds of patch, no TLS, no sign-in; who may do what is a set of verbs and resources that are denied.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from vedette.respond.cluster.fake_rows import FakeRows, Refusal, Row

__all__ = ["FakeApi", "fake_api"]

_PATH: Final = re.compile(
    r"/(?:api/v1|apis/apps/v1|apis/networking\.k8s\.io/v1)(?:/namespaces/([^/]+))?/([a-z]+)(?:/([^/]+))?"
)
_VERBS: Final = {"GET": "get", "POST": "create", "PATCH": "patch", "DELETE": "delete"}


class FakeApi(FakeRows):
    """`denied` holds pairs of verb (get, list, create, patch, delete) and plural."""

    def __init__(self) -> None:
        super().__init__()
        self.denied: set[tuple[str, str]] = set()
        self.url = ""
        self.lock = threading.Lock()

    def answer(self, method: str, target: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Status and JSON."""
        with self.lock:
            try:
                return self._answer(method, target, body)
            except Refusal as refusal:
                return refusal.code, {
                    "apiVersion": "v1",
                    "kind": "Status",
                    "status": "Failure",
                    "reason": refusal.reason,
                    "message": refusal.message,
                    "code": refusal.code,
                }

    def _answer(self, method: str, target: str, body: bytes) -> tuple[int, dict[str, Any]]:
        url = urlsplit(target)
        found = _PATH.fullmatch(url.path)
        if found is None:
            raise Refusal(404, "NotFound", "the server could not find the requested resource")
        namespace, plural, name = (part or "" for part in found.groups())
        asked = {key: values[0] for key, values in parse_qs(url.query).items()}
        verb = "list" if method == "GET" and not name else _VERBS[method]
        if (verb, plural) in self.denied:
            raise Refusal(403, "Forbidden", f"{plural} is forbidden: cannot {verb} resource")
        if verb == "list":
            return 200, self._page(plural, namespace, asked)
        given: dict[str, Any] = json.loads(body) if body else {}
        row = Row(plural, namespace, name or given.get("metadata", {}).get("name", ""))
        dry = asked.get("dryRun") == "All"
        if verb == "create":
            return 201, self.create(row, given, dry=dry)
        if verb == "patch":
            return 200, self.patch(row, given, dry=dry)
        if verb == "delete":
            self.delete(row, given)
            return 200, {"apiVersion": "v1", "kind": "Status", "status": "Success"}
        return 200, self.get(row)

    def _page(self, plural: str, namespace: str, asked: dict[str, str]) -> dict[str, Any]:
        found = self.among(plural, namespace, asked.get("labelSelector", ""))
        begin, limit = int(asked.get("continue", "0")), int(asked.get("limit", "0"))
        end = begin + limit if limit else len(found)
        metadata = {"resourceVersion": "1"}
        if end < len(found):
            metadata["continue"] = str(end)
        return {"kind": "List", "metadata": metadata, "items": found[begin:end]}


@contextmanager
def fake_api() -> Iterator[FakeApi]:
    """It listens on this machine alone while the block runs."""
    api = FakeApi()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(api))
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield api
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, told = api.answer(self.command, self.path, body)
            text = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_DELETE = _handle  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            """Nothing."""

    return Handler
