"""The floor: the same work on the same snapshots, called bare, in one process and without any framework.

For each snapshot: the signature over its request and the digest of its body are checked, the envelope is opened, the body
decompressed and decoded, and judged by the same model in batches of the same size; the queue's two rows are written and
one taken out again, and verdict, state and host are written, with one commit a batch for the queue's rows and one for the store's.
Facts, incidents, audit and outbox are not: they are rare.
"""

import hashlib
import secrets
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from time import process_time
from typing import Any

import msgspec
import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from vedette.core import Epoch, HostId, Record, decode_snapshot
from vedette.detect import Arrival, Bundle, Detector, Scored
from vedette.seal import KeyRing, open_envelope

__all__ = ["Floor", "measure_floor"]

_EPOCH = "0" * 32
_TABLES = (
    "CREATE TABLE floor_messages (position INTEGER PRIMARY KEY, lane INTEGER, epoch TEXT, seq INTEGER, digest TEXT, body {blob})",
    "CREATE INDEX floor_by_lane ON floor_messages (lane, position)",
    "CREATE TABLE floor_accepted (lane INTEGER, epoch TEXT, seq INTEGER, digest TEXT, PRIMARY KEY (lane, epoch, seq))",
    "CREATE TABLE floor_verdicts (id TEXT PRIMARY KEY, host TEXT, epoch TEXT, seq INTEGER, label TEXT, score REAL, reasons TEXT, experts TEXT)",
    "CREATE INDEX floor_verdicts_host ON floor_verdicts (host, seq)",
    "CREATE TABLE floor_states (host TEXT PRIMARY KEY, seq INTEGER, blob {blob})",
    "CREATE TABLE floor_hosts (host TEXT PRIMARY KEY, seq INTEGER, label TEXT)",
)


class Floor(Record, frozen=True, kw_only=True):
    """CPU milliseconds a snapshot, in all and by part."""

    total_ms: float
    parts_ms: dict[str, float]
    snapshots: int


class _Lite:
    blob = "BLOB"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.execute = connection.execute
        self.commit = connection.commit

    def many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        self._connection.executemany(statement, rows)


class _Post:
    blob = "BYTEA"

    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection
        self.execute = connection.execute
        self.commit = connection.commit

    def many(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(statement.replace("?", "%s"), rows)


class _Parts:
    """CPU time by part."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        began = process_time()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + process_time() - began


class _Item(Record, frozen=True, kw_only=True):
    number: int
    lane: int
    envelope: bytes


def measure_floor(
    envelopes: Sequence[tuple[str, bytes]],
    ring: KeyRing,
    folder: Path,
    *,
    warm: Sequence[bytes],
    batch: int,
    append_batch: int,
    postgres: str = "",
) -> Floor:
    """Works through (host, envelope) in order, after `warm`, which is judged but not counted.

    `batch` and `append_batch` are the sizes that the server had.
    """
    parts = _Parts()
    detector = Detector(Bundle.shipped())
    with _database(folder, postgres) as database:
        for name in ("messages", "accepted", "verdicts", "states", "hosts"):
            database.execute(f"DROP TABLE IF EXISTS floor_{name}")
        for statement in _TABLES:
            database.execute(statement.format(blob=database.blob))
        database.commit()
        key = Ed25519PrivateKey.generate()
        base = secrets.token_bytes(420)
        signature = key.sign(base)
        public = key.public_key()
        lanes = {host: lane for lane, host in enumerate(dict.fromkeys(h for h, _ in envelopes))}
        states: dict[HostId, bytes | None] = {}
        for envelope in warm:
            arrival = _opened(envelope, ring, _Parts())
            states[arrival.snapshot.host.id] = detector.step([arrival], states)[0].state
        items = [
            _Item(number=number, lane=lanes[host], envelope=envelope)
            for number, (host, envelope) in enumerate(envelopes, 1)
        ]
        for start in range(0, len(items), append_batch):
            chunk = items[start : start + append_batch]
            with parts.of("signature"):
                for _ in chunk:
                    public.verify(signature, base)
            with parts.of("digest"):
                digests = [hashlib.sha256(item.envelope).hexdigest() for item in chunk]
            with parts.of("queue rows"):
                _append(database, chunk, digests)
        for start in range(0, len(items), batch):
            _judge(items[start : start + batch], ring, detector, states, database, parts)
    count = max(1, len(items))
    return Floor(
        total_ms=sum(parts.seconds.values()) / count * 1000,
        parts_ms={name: s / count * 1000 for name, s in parts.seconds.items()},
        snapshots=len(items),
    )


def _judge(
    items: Sequence[_Item],
    ring: KeyRing,
    detector: Detector,
    states: dict[HostId, bytes | None],
    database: Any,
    parts: _Parts,
) -> None:
    arrivals = [_opened(item.envelope, ring, parts) for item in items]
    with parts.of("model"):
        scored = detector.step(arrivals, states)
    for arrival, result in zip(arrivals, scored, strict=True):
        states[arrival.snapshot.host.id] = result.state
    with parts.of("store rows"):
        _store(database, arrivals, scored)
    with parts.of("queue rows"):
        database.many(
            "DELETE FROM floor_messages WHERE position = ?", [(item.number,) for item in items]
        )
        database.commit()


def _opened(envelope: bytes, ring: KeyRing, parts: _Parts) -> Arrival:
    # HPKE and zstd cannot be told apart without opening the envelope by hand.
    with parts.of("open, decompress"):
        header, body = open_envelope(envelope, ring)
    with parts.of("decode"):
        snapshot = decode_snapshot(body, header.content_type)
    return Arrival(epoch=Epoch(header.epoch), snapshot=snapshot)


def _append(database: Any, items: Sequence[_Item], digests: Sequence[str]) -> None:
    pairs = list(zip(items, digests, strict=True))
    database.many(
        "INSERT INTO floor_accepted VALUES (?, ?, ?, ?)",
        [(item.lane, _EPOCH, item.number, digest) for item, digest in pairs],
    )
    database.many(
        "INSERT INTO floor_messages VALUES (?, ?, ?, ?, ?, ?)",
        [(i.number, i.lane, _EPOCH, i.number, digest, i.envelope) for i, digest in pairs],
    )
    database.commit()


def _store(database: Any, arrivals: Sequence[Arrival], scored: Sequence[Scored]) -> None:
    verdicts, states = [], {}
    for arrival, result in zip(arrivals, scored, strict=True):
        host, seq = arrival.snapshot.host.id, arrival.snapshot.seq
        verdicts.append(
            (
                f"{host}-{seq}",
                host,
                arrival.epoch,
                seq,
                str(result.label),
                result.score,
                msgspec.json.encode(result.reasons).decode(),
                msgspec.json.encode(result.experts).decode(),
            )
        )
        states[host] = (host, seq, result.state, str(result.label))
    database.many("INSERT INTO floor_verdicts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", verdicts)
    database.many(
        "INSERT INTO floor_states VALUES (?, ?, ?) ON CONFLICT (host) DO UPDATE SET seq = excluded.seq, blob = excluded.blob",
        [row[:3] for row in states.values()],
    )
    database.many(
        "INSERT INTO floor_hosts VALUES (?, ?, ?) ON CONFLICT (host) DO UPDATE SET seq = excluded.seq, label = excluded.label",
        [(row[0], row[1], row[3]) for row in states.values()],
    )
    database.commit()


@contextmanager
def _database(folder: Path, postgres: str) -> Iterator[Any]:
    if postgres:
        with psycopg.connect(postgres) as connection:
            yield _Post(connection)
        return
    with closing(sqlite3.connect(folder / "floor.sqlite")) as lite:
        lite.execute("PRAGMA journal_mode = WAL")
        lite.execute("PRAGMA synchronous = FULL")
        yield _Lite(lite)
