"""HTTP that no agent sends, byte for byte over real connections: each has its answer, and none costs memory."""

import json
import resource

import pytest
from tests.ingest.served import Served, serving
from tests.ingest.world import ENVELOPE, World

from vedette.app.processes.wire import MAX_HEAD_BYTES, BoundedProtocol
from vedette.ingest import IngestSettings
from vedette.seal import content_digest

PATH = "/v1/snapshots"


@pytest.fixture(scope="module")
def world() -> World:
    return World(settings=IngestSettings(max_body_bytes=100_000, burst=10**6))


@pytest.fixture(scope="module")
def served(world: World) -> object:
    with serving(world) as server:
        yield server


def head(*fields: tuple[str, str], line: str = f"POST {PATH} HTTP/1.1") -> bytes:
    lines = [line, "Host: vedette", *(f"{name}: {value}" for name, value in fields), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def kind(answer: str) -> str:
    top, _, body = answer.partition("\r\n\r\n")
    assert "application/problem+json" in top.lower()
    problem = json.loads(body)
    assert problem["detail"]
    return f"{problem['status']} {problem['type'].rpartition('/')[2]}"


def signed(world: World, body: bytes) -> list[tuple[str, str]]:
    headers = world.machine.sign("POST", PATH, body=body) | {"Content-Type": ENVELOPE}
    return list(headers.items())


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(b"X-Long: " + b"x" * 10**7, id="one long field"),
        pytest.param(b"X-Many: 1\r\n" * 10**6, id="a million fields"),
        pytest.param(
            b"Signature-Input: vedette=(" + b'"@method" ' * 10**6, id="a million components"
        ),
    ],
)
def test_a_head_without_end_is_refused_at_its_bound(served: Served, part: bytes) -> None:
    before = peak()
    start = head(("X", "y"))[:-2]
    assert kind(served.raw(start, part)) == "431 request-header-fields-too-large"
    # The client's own copies are some of it.
    assert peak() - before < 64 * 1024


def test_a_path_without_end_is_refused_at_its_bound(served: Served) -> None:
    answer = served.raw(b"GET /" + b"a" * 10**7)
    assert kind(answer) == "431 request-header-fields-too-large"


def test_a_head_just_under_the_bound_is_read(served: Served) -> None:
    answer = served.raw(head(("X-Long", "x" * (MAX_HEAD_BYTES - 500))))
    assert kind(answer) == "401 missing-signature"


def test_a_head_that_stops_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BoundedProtocol, "head_seconds", 0.3)
    with serving(World()) as served:
        assert served.raw(b"POST /v1/snap") == ""
        assert served.raw(b"") == ""
        with served.client() as client:
            # A second head on a connection that served one has its own time.
            assert client.get("/v1/ca.pem").status_code == 200
            assert client.get("/v1/ca.pem").status_code == 200


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"GARBAGE\r\n\r\n", id="garbage"),
        pytest.param(head(line=f"POST {PATH} HTTP/9.9"), id="version"),
        pytest.param(head(("Content-Length", "1"), ("Content-Length", "2")), id="two lengths"),
        pytest.param(
            head(("Content-Length", "1"), ("Transfer-Encoding", "chunked")), id="length and chunks"
        ),
        pytest.param(head(("Content-Length", "-1")), id="negative length"),
        pytest.param(head(("X", "a\x00b")), id="NUL in a field"),
        pytest.param(head(line="POST /\xe9 HTTP/1.1"), id="path not ASCII"),
    ],
)
def test_what_is_no_http_is_told_as_a_problem(served: Served, request_: bytes) -> None:
    assert kind(served.raw(request_)) == "400 bad-request"


def test_chunks_without_end_are_refused_at_the_bodys_bound(served: Served, world: World) -> None:
    start = head(*signed(world, b"x"), ("Transfer-Encoding", "chunked"))
    chunk = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    assert kind(served.raw(start, *([chunk] * 50))) == "413 too-large"


@pytest.mark.parametrize(
    "framing",
    [
        pytest.param(b"1;" + b"e" * 200_000 + b"\r\nx\r\n", id="chunk extension"),
        pytest.param(b"0\r\n" + b"X-Trailer: 1\r\n" * 20_000, id="trailers"),
    ],
)
def test_framing_without_end_ends_the_connection(
    served: Served, world: World, framing: bytes
) -> None:
    start = head(*signed(world, b"x"), ("Transfer-Encoding", "chunked"))
    assert served.raw(start, framing) == ""


def test_small_chunks_are_taken_as_any_others(served: Served, world: World) -> None:
    sealed = world.machine.envelope(1, body=bytes(range(256)) * 200)
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in sealed)
    start = head(*signed(world, sealed), ("Transfer-Encoding", "chunked"))
    connection = served.raw(start, chunks[:10_000], chunks[10_000:], b"0\r\n\r\n")
    assert connection.startswith("HTTP/1.1 202")


def test_a_field_given_twice_is_one_list(served: Served, world: World) -> None:
    sealed = world.machine.envelope(2)
    fields = signed(world, sealed)
    length = ("Content-Length", str(len(sealed)))
    for name, other in (
        ("Content-Digest", content_digest(b"other")),
        ("Signature-Input", 'vedette=();created=1;nonce="n";keyid="k";alg="ed25519"'),
        ("Signature", "vedette=:" + "A" * 86 + "==:"),
    ):
        first = served.raw(head((name, other), *fields, length), sealed)
        last = served.raw(head(*fields, (name, other), length), sealed)
        # A dictionary's later member counts (RFC 9651), and the digest is signed as the whole list.
        expected = {
            "Content-Digest": ("401 bad-signature", "401 bad-signature"),
            "Signature-Input": ("202", "401 stale-signature"),
            "Signature": ("401 reused-nonce", "401 bad-signature"),
        }[name]
        told = tuple(
            "202" if one.startswith("HTTP/1.1 202") else kind(one) for one in (first, last)
        )
        assert told == expected, name


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Signature-Input", "vedette=(" + '"@method" ' * 1000 + ")", "401 bad-signature"),
        ("Signature-Input", ", ".join(f"s{n}=()" for n in range(1000)), "401 bad-signature"),
        (
            "Signature-Input",
            "vedette=()" + "".join(f";p{n}" for n in range(800)),
            "401 bad-signature",
        ),
        ("Signature", "vedette=:" + "A" * 9000 + ":", "401 bad-signature"),
        ("Content-Digest", "sha-256=:" + "A" * 9000 + ":", "401 bad-signature"),
    ],
)
def test_a_field_over_its_bound_is_refused(
    served: Served, world: World, name: str, value: str, expected: str
) -> None:
    fields = [*dict([*signed(world, b""), (name, value)]).items(), ("Content-Length", "0")]
    assert kind(served.raw(head(*fields))) == expected


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/snapshots", "POST"),
        ("PUT", "/v1/enroll", "POST"),
        ("DELETE", "/v1/commands", "GET"),
        ("GET", "/v1/commands/c/result", "POST"),
        ("POST", "/v1/ca.pem", "GET"),
    ],
)
def test_another_method_is_told_which_one_is_right(
    served: Served, method: str, path: str, allow: str
) -> None:
    answer = served.raw(head(("Content-Length", "0"), line=f"{method} {path} HTTP/1.1"))
    assert kind(answer) == "405 method-not-allowed"
    allowed = next(line for line in answer.lower().splitlines() if line.startswith("allow:"))
    assert allow.lower() in allowed
