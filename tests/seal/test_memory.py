"""What the worst bodies may cost in memory, held by the kernel: a process that asks for more than the bound is refused it.

Each body is made in the process itself, before the limit is set, so that nothing of its making is counted.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from vedette.core import MAX_SNAPSHOT_BYTES

BOUND = 512 * 1024 * 1024
RUN = """
import resource, sys
import msgspec, zstandard
from vedette.core import VedetteError, decode_snapshot
from vedette.seal.envelope import _decompress

LENGTH, BOUND = {length}, {bound}
head = {{"schema": "vedette.snapshot/1", "host": {{"id": "h", "hostname": "h"}}, "seq": 1,
        "taken_at": "2026-01-01T00:00:00Z"}}


def packed(rows):
    body = msgspec.msgpack.encode(head | {{"tables": {{"t": "@@"}}}})
    return body.replace(b"\\xa2@@", rows)


def many(row, most=250_000):
    count = min(most, (LENGTH - 500) // len(row))
    return b"\\xdd" + count.to_bytes(4, "big") + row * count


def text(inside):
    return msgspec.json.encode(head)[:-1] + b"," + inside + b"}}"


def wide(columns, cell):
    return b"\\xde" + columns.to_bytes(2, "big") + b"".join(bytes([0xa1, 33 + n]) + cell for n in range(columns))


body = {body}
assert len(body) <= LENGTH, len(body)
frame = zstandard.ZstdCompressor(level=1).compress(body)
size = len(body)
del body
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + BOUND, used + BOUND))
try:
    snapshot = decode_snapshot(_decompress(frame, LENGTH), {kind!r})
    sys.stdout.write(f"taken {{sum(map(len, snapshot.tables.values()))}}")
except VedetteError as error:
    sys.stdout.write(error.kind)
"""


@pytest.mark.parametrize(
    ("body", "json", "becomes"),
    [
        pytest.param('packed(many(b"\\x80"))', False, "taken 250000", id="empty rows"),
        pytest.param('packed(many(wide(22, b"\\xa2\\xc4\\xa0")))', False, "taken", id="short texts"),
        pytest.param('packed(many(wide(64, b"\\xa2\\xc4\\xa0")))', False, "taken", id="wide rows"),
        pytest.param('packed(many(wide(64, b"\\xca\\x3f\\x80\\0\\1")))', False, "taken", id="floats"),
        pytest.param('packed(b"\\x91\\x81\\xa1a\\xdb\\0\\xf0\\0\\0" + b"\\xf0\\x9f\\x98\\x80" + b"x" * (0xf00000 - 4))', False, "taken 1", id="one text of four bytes a letter"),
        pytest.param("text(b'\"tables\":{\"t\":[' + b','.join([b'{}'] * 250_000) + b']}')", True, "taken 250000", id="empty rows in JSON"),
        pytest.param("text(b'\"metrics\":{' + b','.join([b'\"a\":1'] * 2_700_000) + b'}')", True, "taken 0", id="one key again and again"),
        pytest.param("text(b'\"x\":' + b'[' * 8_000_000 + b']' * 8_000_000)", True, "too-large", id="nested"),
        pytest.param("text(b'\"x\":[' + b'{},' * 5_000_000 + b'{}]')", True, "taken 0", id="unknown member"),
        pytest.param("text(b'\"tables\":{\"t\":[{\"a\":' + b'9' * 16_000_000 + b'}]}')", True, "invalid-snapshot", id="digits"),
    ],
)  # fmt: skip
def test_no_body_costs_more_than_half_a_gibibyte(body: str, json: bool, becomes: str) -> None:
    kind = "application/json" if json else "application/msgpack"
    script = RUN.format(length=MAX_SNAPSHOT_BYTES, bound=BOUND, body=body, kind=kind)
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith(becomes)


def test_the_bound_of_the_test_itself_holds() -> None:
    script = RUN.format(
        length=MAX_SNAPSHOT_BYTES,
        bound=10**8,
        body='packed(many(wide(22, b"\\xa2\\xc4\\xa0")))',
        kind="application/msgpack",
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "MemoryError" in done.stderr
