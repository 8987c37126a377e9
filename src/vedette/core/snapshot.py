"""The snapshot contract `vedette.snapshot/1`: the state of one host at one moment."""

from datetime import UTC, datetime
from sys import float_info
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from vedette.core.errors import InvalidInput, TooLarge
from vedette.core.finite import Finite
from vedette.core.host import HostDescription
from vedette.core.ids import Epoch, HostId, TenantId
from vedette.core.record import Record

__all__ = [
    "MAX_LIVE_ROWS",
    "MAX_METRICS",
    "MAX_ROWS",
    "MAX_SNAPSHOT_BYTES",
    "SCHEMA",
    "VOLATILE_TABLES",
    "Cell",
    "Identity",
    "Row",
    "Snapshot",
    "decode_snapshot",
    "encode_snapshot",
    "snapshot_schema",
]

SCHEMA = "vedette.snapshot/1"
MAX_SNAPSHOT_BYTES = 16 * 1024 * 1024
MAX_METRICS = 2_000
MAX_ROWS = 250_000
MAX_LIVE_ROWS = 20_000
VOLATILE_TABLES = frozenset({"processes", "process_open_sockets"})
"""Tables that differ in nearly every snapshot: they are always sent in full, never by digest."""
_LIVE = ("processes", "process_open_sockets", "listening_ports")
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

Cell = str | int | float | bool | None
Row = dict[str, Cell]
# Bounds of count are read by the decoder from the length that stands before the items, before any of them is made.
_Name = Annotated[str, Meta(max_length=256)]
# Not a number is within no bounds and infinity is beyond them, so the decoder refuses both. Whole numbers are osquery's
# BIGINT: what has more bits can be kept by no database, and told by JSON in no bounded time.
_BigInt = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_Row = Annotated[dict[str, str | _BigInt | Finite | bool | None], Meta(max_length=64)]
_Rows = Annotated[list[_Row], Meta(max_length=MAX_ROWS)]
_Words = Annotated[dict[_Name, Annotated[str, Meta(max_length=1024)]], Meta(max_length=64)]


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
    seq: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    taken_at: datetime
    metrics: Annotated[dict[_Name, Finite], Meta(max_length=MAX_METRICS)] = {}
    tables: Annotated[dict[_Name, _Rows], Meta(max_length=64)] = {}
    same: _Words = {}
    unread: _Words = {}


_JSON = msgspec.json.Decoder(Snapshot)
_MSGPACK = msgspec.msgpack.Decoder(Snapshot)


class _Version(msgspec.Struct):
    schema: str = SCHEMA


_VERSION: dict[str, Any] = {
    "application/json": msgspec.json.Decoder(_Version),
    "application/msgpack": msgspec.msgpack.Decoder(_Version),
}


def decode_snapshot(body: bytes, content_type: str = "application/json") -> Snapshot:
    """Decodes and checks a snapshot's body (already opened and decompressed).

    Raises:
        TooLarge: over a bound of bytes, rows or depth.
        InvalidInput: unknown-schema (another version); invalid-snapshot: not this schema, over a bound of it, or a value
            that can't be (non-finite number, text that is not UTF-8, naive time or one before 2000 or after 2199, seq
            below 1).
    """
    if len(body) > MAX_SNAPSHOT_BYTES:
        raise TooLarge(f"a snapshot may have {MAX_SNAPSHOT_BYTES} bytes; this one has {len(body)}")
    decoder: Any = {"application/json": _JSON, "application/msgpack": _MSGPACK}.get(content_type)
    if decoder is None:
        raise InvalidInput(f"content type {content_type!r} is neither JSON nor MessagePack")
    try:
        snapshot: Snapshot = decoder.decode(body)
    except RecursionError as error:
        raise TooLarge(f"not a {SCHEMA}: it is nested too deeply") from error
    # The decoder tells some values that can't be (a time far away) by a bare ValueError.
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        _check_version(body, content_type)
        raise InvalidInput(f"not a {SCHEMA}: {_why(error)}", kind="invalid-snapshot") from error
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


def _check_version(body: bytes, content_type: str) -> None:
    """What is no snapshot of this version may be a good one of another."""
    try:
        told = _VERSION[content_type].decode(body).schema
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError):
        return
    if told != SCHEMA:
        raise InvalidInput(
            f"the snapshot's schema is {told[:64]!r}, and this server knows {SCHEMA} only: update the server, or use an "
            "agent of its version",
            kind="unknown-schema",
        )


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"it has text that is not UTF-8 (byte {error.object[error.start]:#04x})"
    text = str(error)
    if str(float_info.max) in text:
        return "a number is not finite" + text[text.index(" - at") :]
    return text


def _check(snapshot: Snapshot) -> None:
    if snapshot.taken_at.tzinfo is None:
        raise InvalidInput("taken_at must bear a time zone", kind="invalid-snapshot")
    if not _EARLIEST <= snapshot.taken_at < _LATEST:
        raise InvalidInput("taken_at must be in the years 2000 to 2199", kind="invalid-snapshot")
    _check_rows(snapshot.tables)


def _check_rows(tables: dict[str, list[Row]]) -> None:
    if sum(map(len, tables.values())) > MAX_ROWS:
        raise TooLarge(f"a snapshot may have {MAX_ROWS} rows in all")
    for name in _LIVE:
        if len(tables.get(name, ())) > MAX_LIVE_ROWS:
            raise TooLarge(f"the table {name} may have {MAX_LIVE_ROWS} rows")
