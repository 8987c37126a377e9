"""What a host, or somebody who looks like one, may send: how each is made, and what becomes of it.

`docs/api.md` has the same rows under "Bad input". `where` says who refuses it: the door (an answer, nothing kept), the
detector (202, an unknown verdict and a dead letter), or nobody.
"""

import json
import os
import secrets
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import httpx
import msgspec
import zstandard
from tests.agent.tree import Tree
from tests.fixtures.service import Service
from tests.fixtures.strange import Strange

from vedette.agent import Collector, Limits
from vedette.app.administration import enrolment_text
from vedette.core import (
    MAX_LIVE_ROWS,
    MAX_ROWS,
    TenantId,
    decode_snapshot,
    encode_snapshot,
    hash_secret,
    new_secret,
)
from vedette.seal import KeyRing, SigningKey

__all__ = ["CASES", "Bench", "Case"]

Answer = httpx.Response
_JSON, _MSGPACK = "application/json", "application/msgpack"


class Bench:
    """The running server, and fresh hosts of it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._token = service.enrolment(uses=1000)
        self._hosts: list[Strange] = []

    def host(self) -> Strange:
        """A newly enrolled one."""
        return self._kept(self._token)

    def host_of_another_tenant(self) -> Strange:
        """Enrolled by a token of a tenant of its own."""
        secret = new_secret()
        store = self.service.store()
        store.enrolments.create(
            TenantId("other"),
            hash_secret(secret),
            expires_at=self.service.clock.now() + timedelta(hours=1),
            uses=1,
            labels={},
            actor="user:test",
        )
        store.close()
        return self._kept(enrolment_text(self.service.settings, secret))

    def _kept(self, token: str) -> Strange:
        host = Strange(self.service, token)
        self._hosts.append(host)
        return host

    def close(self) -> None:
        """Ends the hosts' connections."""
        for host in self._hosts:
            host.close()

    def revoke(self, host: Strange) -> None:
        """As an administrator does."""
        with self.service.client("admin") as client:
            path = f"/v1/hosts/{host.host}/revoke"
            client.post(path, json={"reason": "test"}).raise_for_status()


class Case(NamedTuple):
    """`also` is what must be there before the input and is not counted; `says` a part of the sentence that people see.

    `says` is looked for in the answer's detail, or in the verdict's reasons. `pushed` snapshots leave at least so many `facts`.
    """

    what: str
    where: str
    status: int
    kind: str
    says: str
    give: Callable[[Strange, Bench], Answer]
    also: Callable[[Strange, Bench], object] = lambda _host, _bench: None
    pushed: int = 1
    facts: int = 0


def _now(host: Strange) -> int:
    return int(host.service.clock.now().timestamp())


def _door(status: int, kind: str, says: str, what: str, give: Any, also: Any = None) -> Case:
    return Case(what, "door", status, kind, says, give, also or (lambda _host, _bench: None))


def _dead(kind: str, says: str, what: str, give: Callable[[Strange], bytes]) -> Case:
    return Case(what, "detector", 202, kind, says, lambda host, _bench: host.post(give(host)))


def _taken(says: str, what: str, give: Any, pushed: int = 1, facts: int = 0) -> Case:
    return Case(what, "", 202, "", says, give, pushed=pushed, facts=facts)


def _push(host: Strange, _bench: Bench) -> Answer:
    return host.post(host.sealed())


def _altered(host: Strange, content_type: str, **changes: Any) -> bytes:
    document = host.document(**changes)
    encode = json.dumps if content_type == _JSON else msgspec.msgpack.encode
    body = encode(document)
    return host.sealed(body.encode() if isinstance(body, str) else body, content_type=content_type)


def _framed(frame: bytes) -> Callable[[Strange], bytes]:
    return lambda host: host.sealed(frame=frame)


def _compressed(size: int, **parameters: Any) -> bytes:
    made = zstandard.ZstdCompressionParameters(**({"compression_level": 1} | parameters))
    return zstandard.ZstdCompressor(compression_params=made).compress(bytes(size))


def _wide() -> bytes:
    """A frame of 1 MiB by its header (RFC 8878, section 3.1.1), with a window of 2 GiB; it ends in its first block."""
    descriptor, window = bytes([0x80]), bytes([(31 - 10) << 3])
    block = (1000 << 3).to_bytes(3, "little") + bytes(500)
    return b"\x28\xb5\x2f\xfd" + descriptor + window + (2**20).to_bytes(4, "little") + block


def _lying(frame: bytes) -> bytes:
    """The same frame, declaring 256 bytes less than it holds."""
    assert frame[4] >> 6 == 1, "the size has two bytes"
    at = 5 if frame[4] & 0x20 else 6
    size = int.from_bytes(frame[at : at + 2], "little") - 256
    return frame[:at] + size.to_bytes(2, "little") + frame[at + 2 :]


def _marked(host: Strange, content_type: str, mark: bytes, put: bytes) -> bytes:
    """A user's name replaced in the encoded bytes."""
    document = host.document()
    document["tables"]["users"] = [{"username": mark.decode()}]
    body = (
        json.dumps(document).encode() if content_type == _JSON else msgspec.msgpack.encode(document)
    )
    return host.sealed(body.replace(mark, put), content_type=content_type)


def _non_finite(place: str, number: float) -> Callable[[Strange], bytes]:
    def give(host: Strange) -> bytes:
        document = host.document()
        match place:
            case "metric":
                document["metrics"]["system.cpu.utilization"] = number
            case "cell":
                document["tables"]["users"][0]["uid"] = number
            case _:
                document["host"]["boot_time"] = number
        return host.sealed(msgspec.msgpack.encode(document))

    return give


def _with_tables(host: Strange, **tables: Any) -> bytes:
    snapshot = host.snapshot()
    return host.sealed(msgspec.structs.replace(snapshot, tables=snapshot.tables | tables))


def _twins(host: Strange, _bench: Bench) -> Answer:
    snapshot = host.snapshot()
    rows = snapshot.tables["processes"]
    tables = snapshot.tables | {"processes": [*rows, {**rows[-1], "name": "twin"}]}
    return host.post(host.sealed(msgspec.structs.replace(snapshot, tables=tables)))


def _empty(host: Strange, _bench: Bench) -> Answer:
    tables: Any = {name: [] for name in host.snapshot().tables}
    host.seq -= 1
    return host.post(host.sealed(host.snapshot(tables=tables)))


def _hour_ahead(host: Strange, _bench: Bench) -> Answer:
    """The clock is an hour ahead for one snapshot, and set right for the next."""
    ahead = host.snapshot(ahead=timedelta(hours=1))
    assert host.post(host.sealed(ahead)).status_code == 202
    return host.post(host.sealed())


def _signed_anew(host: Strange, _bench: Bench) -> Answer:
    """What an agent does whose clock is an hour off: it is told the time, and signs again by that."""
    sealed = host.sealed()
    refused = host.post(sealed, created=_now(host) - 3600)
    return host.post(sealed, created=int(refused.json()["server_time"]))


def _twice(host: Strange, _bench: Bench) -> Answer:
    sealed = host.sealed()
    assert host.post(sealed).json()["duplicate"] is False
    answer = host.post(sealed)
    assert answer.json()["duplicate"] is True
    return answer


def _conflicting(host: Strange, _bench: Bench) -> Answer:
    host.seq -= 1
    return host.post(host.sealed())


def _beside_a_host(host: Strange, bench: Bench) -> None:
    host.others.append(bench.host())


def _beside_a_tenant(host: Strange, bench: Bench) -> None:
    host.others.append(bench.host_of_another_tenant())


def _reused(host: Strange, _bench: Bench) -> Answer:
    return host.post(host.sealed(), nonce="once")


def _used(host: Strange, _bench: Bench) -> Answer:
    return host.post(host.sealed(), nonce="once")


def _chunks(host: Strange, _bench: Bench) -> Answer:
    return host.post(bytes(1024 * 1024) for _ in range(9))


def _collected(make: Callable[[Tree], None]) -> Callable[[Strange, Bench], Answer]:
    """Two looks of the agent's own collector at a made host."""

    def give(host: Strange, _bench: Bench) -> Answer:
        # Forty thousand small files: in memory, where that is possible.
        memory = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: PTH112 - a fixed place
        with TemporaryDirectory(dir=memory) as folder:
            tree = Tree(Path(folder))
            make(tree)
            # A busy machine takes its time for so much.
            limits = Limits(collect_timeout=120.0)
            collector = Collector(tree.source, host.service.clock, limits)
            answers = []
            for seq in (1, 2):
                host.last = collector.snapshot(host.host, seq, {})
                assert decode_snapshot(encode_snapshot(host.last), _MSGPACK) == host.last
                answers.append(host.post(host.sealed(host.last)))
        assert answers[0].status_code == 202, answers[0].text
        return answers[1]

    return give


def _many_processes(tree: Tree) -> None:
    for pid in range(2, 5001):
        program = f"/usr/lib/app/worker-{pid % 37}"
        words = f"{program}\0--shard\0{pid}\0".encode()
        tree.process(pid, comm=f"worker-{pid % 37}", exe=program, cmdline=words, parent=1)


def _many_packages(tree: Tree) -> None:
    entries = (
        f"Package: package-{n:06}\nStatus: install ok installed\nVersion: 1.{n % 97}-{n % 7}\n\n"
        for n in range(100_000)
    )
    tree.write("/var/lib/dpkg/status", "".join(entries))


def _names_not_utf_8(tree: Tree) -> None:
    tree.process(
        66, comm=b"w\xff\xferm", exe=os.fsdecode(b"/opt/\xff/w"), cmdline=b"/opt/\xff/w\0\x80\0"
    )
    tree.write("/etc/crontab", b"* * * * * root /opt/\xff/w\n")


_WRONG_DOOR = (
    _door(401, "missing-signature", "not signed", "unsigned", lambda h, _: h.bare(h.sealed())),
    _door(
        401, "bad-digest", "Content-Digest", "another body than the digest was made of",
        lambda h, _: h.post(h.sealed(), signed_body=b"another"),
    ),
    _door(
        401, "bad-signature", "another key", "a known key's id, signed by another key",
        lambda h, _: h.post(h.sealed(), key=SigningKey.generate()),
    ),
    _door(
        401, "unknown-signer", "enrol", "a key that is not enrolled",
        lambda h, _: h.post(h.sealed(), key=(key := SigningKey.generate()), keyid=key.kid),
    ),
    _door(
        401, "bad-signature", "another key", "the id of a key of another tenant",
        lambda h, _: h.post(h.sealed(), keyid=h.others[0].key.kid), _beside_a_tenant,
    ),
    _door(401, "reused-nonce", "sign each request anew", "a nonce that was used before", _reused, _used),
    _door(
        401, "stale-signature", "set the clock", "a signature of an hour ago, or of the next hour",
        lambda h, _: h.post(h.sealed(), created=_now(h) + secrets.choice((-3600, 3600))),
    ),
    _door(
        403, "revoked-host", "enrol the agent anew", "a host whose key was revoked", _push,
        lambda h, b: b.revoke(h),
    ),
    _door(
        403, "header-mismatch", "another host", "an envelope of another host",
        lambda h, _: h.post(h.others[0].sealed()), _beside_a_host,
    ),
    _door(
        403, "header-mismatch", "another host", "an envelope of another tenant",
        lambda h, _: h.post(h.others[0].sealed()), _beside_a_tenant,
    ),
    _door(
        409, "identity-conflict", "new epoch", "other content under an identity that was accepted",
        _conflicting, _push,
    ),
    _door(413, "too-large", "8388608 bytes", "a body over `ingest.max_body_bytes`", _chunks),
    _door(400, "bad-envelope", "envelope", "no envelope, or a damaged one", lambda h, _: h.post(b"VE\x01\x00")),
    _door(
        400, "unknown-key", "enrol the agent anew", "an envelope to a key that is not this server's",
        lambda h, _: h.post(h.sealed(kid=KeyRing.generate().current.kid)),
    ),
    _door(
        400, "bad-content-type", "application/vedette-envelope", "another content type",
        lambda h, _: h.post(h.sealed(), content_type="text/plain"),
    ),
    _door(
        400, "bad-time", "set the host's clock", "`taken_at` more than a day ahead",
        lambda h, _: h.post(h.sealed(h.snapshot(ahead=timedelta(hours=25)))),
    ),
)  # fmt: skip
_WRONG_INSIDE = (
    _dead(
        "header-mismatch", "does not agree", "an inside of another host, seq or time than its header",
        lambda h: h.sealed(msgspec.structs.replace(s := h.snapshot(), host=msgspec.structs.replace(s.host, id="other"))),
    ),
    _dead("unopenable", "zstd", "no zstd frame", _framed(b"not a frame at all")),
    _dead("unopenable", "zstd", "two frames", lambda h: h.sealed(frame=_compressed(100) * 2)),
    _dead(
        "unopenable", "size", "a frame that does not declare its size",
        _framed(_compressed(100, write_content_size=0)),
    ),
    _dead("unopenable", "zstd", "a frame that holds more than it declares", _framed(_lying(_compressed(5000)))),
    _dead("too-large", "16777216 bytes", "a frame that declares more than 16 MiB", _framed(_compressed(64 * 1024 * 1024))),
    _dead("unopenable", "too much memory", "a frame that asks for a window of 2 GiB", _framed(_wide())),
    _dead(
        "too-large", "nested too deeply", "JSON or MessagePack nested without end",
        lambda h: h.sealed(json.dumps(h.document()).encode()[:-1] + b', "x": ' + b"[" * 10**6 + b"]" * 10**6 + b"}", content_type=_JSON),
    ),
    _dead(
        "invalid-snapshot", f"length <= {MAX_ROWS}", "a table of more than 250,000 rows",
        lambda h: _with_tables(h, users=[{}] * (MAX_ROWS + 1)),
    ),
    _dead(
        "too-large", f"{MAX_LIVE_ROWS} rows", "more than 20,000 processes, sockets or ports",
        lambda h: _with_tables(h, processes=[{"pid": n} for n in range(MAX_LIVE_ROWS + 1)]),
    ),
    _dead("unknown-schema", "knows vedette.snapshot/1", "another schema", lambda h: _altered(h, _JSON, schema="vedette.snapshot/2")),
    _dead("invalid-snapshot", "`$.taken_at`", "a value of another type", lambda h: _altered(h, _JSON, taken_at=[])),
    _dead("invalid-snapshot", "not finite", "not a number, or an infinite one: as a metric", _non_finite("metric", float("nan"))),
    _dead("invalid-snapshot", "not finite", "the same in a cell", _non_finite("cell", float("inf"))),
    _dead("invalid-snapshot", "not finite", "the same as `boot_time`", _non_finite("boot time", float("-inf"))),
    _dead("invalid-snapshot", "malformed", "`NaN` or `Infinity` in JSON", lambda h: _altered(h, _JSON, metrics={"a": float("nan")})),
    _dead("invalid-snapshot", "int", "a whole number beyond 64 bits", lambda h: _altered(h, _JSON, tables={"users": [{"uid": 10**4000}]})),
    _dead("invalid-snapshot", "time zone", "a time without zone", lambda h: _altered(h, _JSON, taken_at="2026-03-01T00:00:00")),
    _dead("invalid-snapshot", "not UTF-8", "text that is not UTF-8, in JSON", lambda h: _marked(h, _JSON, b"@@@@", b"\xff\xfe\x80x")),
    _dead("invalid-snapshot", "not UTF-8", "text that is not UTF-8, in MessagePack", lambda h: _marked(h, _MSGPACK, b"@@@@", b"\xff\xfe\x80x")),
    _dead("invalid-input", "neither JSON nor MessagePack", "a content type inside that is neither", lambda h: h.sealed(h.snapshot(), content_type="text/csv")),
)  # fmt: skip
_TAKEN = (
    _taken("one pid", "two processes of one pid", _twins),
    _taken("processes is empty", "empty tables", _empty),
    _taken("metrics are missing", "no metrics", lambda h, _: h.post(h.sealed(h.snapshot(metrics={})))),
    _taken("processes is missing", "no tables", lambda h, _: h.post(h.sealed(h.snapshot(tables={})))),
    _taken("clock went back", "a clock that is an hour ahead, then set right", _hour_ahead, pushed=2),
    _taken("", "a signature by a clock that is an hour off, then by `server_time`", _signed_anew),
    _taken("", "the same envelope twice", _twice),
    _taken("", "unknown tables, columns, metrics and members", lambda h, _: h.post(_altered(h, _JSON, novelty={"a": [1]}))),
    _taken("", "an unknown query parameter", lambda h, _: h.post(h.sealed(), query="novelty=1")),
    _taken("", "the agent on a host with names that are not UTF-8", _collected(_names_not_utf_8), 2, 3),
    _taken("", "the agent on a host of 5,000 processes", _collected(_many_processes), 2, 5000),
    _taken("", "the agent on a host of 100,000 packages", _collected(_many_packages), 2, 100_000),
    _taken("", "a NUL in a name", lambda h, _: h.post(_with_tables(h, users=[{"username": "a\0b"}]))),
)  # fmt: skip
CASES = (*_WRONG_DOOR, *_WRONG_INSIDE, *_TAKEN)
