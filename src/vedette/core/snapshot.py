"""The snapshot contract `vedette.snapshot/1`: the state of one host at one moment."""

from datetime import datetime
from math import isfinite
from typing import Any, Literal

import msgspec

from vedette.core.errors import InvalidInput, TooLarge
from vedette.core.host import HostDescription
from vedette.core.ids import Epoch, HostId, TenantId
from vedette.core.record import Record

__all__ = [
    "MAX_METRICS",
    "MAX_ROWS",
    "MAX_SNAPSHOT_BYTES",
    "SCHEMA",
    "Cell",
    "Identity",
    "Row",
    "Snapshot",
    "decode_snapshot",
    "encode_snapshot",
    "snapshot_schema",
]

SCHEMA = "vedette.snapshot/1"
MAX_SNAPSHOT_BYTES = 64 * 1024 * 1024
MAX_METRICS = 2_000
MAX_ROWS = 400_000

Cell = str | int | float | bool | None
Row = dict[str, Cell]


class Identity(Record, frozen=True, kw_only=True, order=True):
    """What a snapshot is known by, within its tenant."""

    tenant: TenantId
    host: HostId
    epoch: Epoch
    seq: int


class Snapshot(Record, frozen=True, kw_only=True):
    """Metrics bear OpenTelemetry names (counters as rates per second, suffix `.rate`), tables and columns osquery's.

    A table that is absent from `tables` was not seen. `same` names tables unchanged since the last sent snapshot by
    digest; `unread` says why a table could not be read, or was read only in part.
    """

    schema: Literal["vedette.snapshot/1"]
    host: HostDescription
    seq: int
    taken_at: datetime
    metrics: dict[str, float] = {}
    tables: dict[str, list[Row]] = {}
    same: dict[str, str] = {}
    unread: dict[str, str] = {}


_JSON = msgspec.json.Decoder(Snapshot)
_MSGPACK = msgspec.msgpack.Decoder(Snapshot)


def decode_snapshot(body: bytes, content_type: str = "application/json") -> Snapshot:
    """Decodes and checks a snapshot's body (already opened and decompressed).

    Raises:
        TooLarge: over a bound of bytes, metrics or rows.
        InvalidInput: not this schema, or a value that can't be (non-finite number, naive time, seq below 1).
    """
    if len(body) > MAX_SNAPSHOT_BYTES:
        raise TooLarge(f"a snapshot may have {MAX_SNAPSHOT_BYTES} bytes; this one has {len(body)}")
    decoder: Any = {"application/json": _JSON, "application/msgpack": _MSGPACK}.get(content_type)
    if decoder is None:
        raise InvalidInput(f"content type {content_type!r} is neither JSON nor MessagePack")
    try:
        snapshot: Snapshot = decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(f"not a {SCHEMA}: {error}", kind="invalid-snapshot") from error
    _check(snapshot)
    return snapshot


def encode_snapshot(snapshot: Snapshot, content_type: str = "application/msgpack") -> bytes:
    """The snapshot's bytes, before compression and sealing."""
    if content_type == "application/json":
        return msgspec.json.encode(snapshot)
    return msgspec.msgpack.encode(snapshot)


def snapshot_schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of the contract."""
    schema = msgspec.json.schema(Snapshot)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:vedette:snapshot:1",
        "title": SCHEMA,
        **schema,
    }


def _check(snapshot: Snapshot) -> None:
    if snapshot.seq < 1:
        raise InvalidInput(f"seq must be 1 or more, not {snapshot.seq}", kind="invalid-snapshot")
    if snapshot.taken_at.tzinfo is None:
        raise InvalidInput("taken_at must bear a time zone", kind="invalid-snapshot")
    if len(snapshot.metrics) > MAX_METRICS:
        raise TooLarge(f"a snapshot may have {MAX_METRICS} metrics")
    if sum(map(len, snapshot.tables.values())) > MAX_ROWS:
        raise TooLarge(f"a snapshot may have {MAX_ROWS} rows in all")
    for name, value in snapshot.metrics.items():
        if not isfinite(value):
            raise InvalidInput(f"metric {name} is not a finite number", kind="invalid-snapshot")
