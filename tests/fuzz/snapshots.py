"""Targets: the snapshot's decoder in both forms, rows in their canonical form, and the detector on whatever was decoded."""

import json
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import msgspec
from tests.fixtures.quiet_host import quiet_snapshots
from tests.fuzz.alter import as_json, as_msgpack
from tests.fuzz.target import Target, refusing

from vedette.core import (
    Epoch,
    Label,
    Row,
    Snapshot,
    canonical_row,
    decode_snapshot,
    encode_snapshot,
    table_digest,
)
from vedette.detect import Arrival, Bundle, Detector, Scored

__all__ = ["SNAPSHOTS"]

_JSON, _MSGPACK = "application/json", "application/msgpack"
_KINDS = {"invalid-snapshot", "unknown-schema", "too-large", "invalid-input"}
_GOLDEN = (Path(__file__).parents[1] / "golden" / "snapshot-1.json").read_bytes()
_QUIET, *_, _NEXT = quiet_snapshots(41)
_DETECTOR = Detector(Bundle.shipped())
_ROW = msgspec.json.Decoder(dict[str, str | int | float | bool | None])
_EPOCH = Epoch("ab" * 16)


def _check_decoded(data: bytes, content_type: str) -> None:
    with refusing(_KINDS):
        snapshot = decode_snapshot(data, content_type)
        assert snapshot.seq >= 1
        assert datetime(2000, 1, 1, tzinfo=UTC) <= snapshot.taken_at
        for other in (_JSON, _MSGPACK):
            assert decode_snapshot(encode_snapshot(snapshot, other), other) == snapshot
        for rows in snapshot.tables.values():
            table_digest(rows)


def _check_json(data: bytes) -> None:
    _check_decoded(data, _JSON)


def _check_msgpack(data: bytes) -> None:
    _check_decoded(data, _MSGPACK)


def _check_row(data: bytes) -> None:
    try:
        row: Row = _ROW.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return
    if any(type(cell) is int and not -(2**63) <= cell < 2**63 for cell in row.values()):
        return
    text = canonical_row(row)
    read = json.loads(text)
    assert list(read) == sorted(row, key=lambda key: key.encode("utf-16-be"))
    for key, cell in row.items():
        if isinstance(cell, bool) or not isinstance(cell, int | float):
            assert read[key] is cell or read[key] == cell
        else:
            assert float(read[key]) == float(cell)
    assert canonical_row(_ROW.decode(text)) == text


def _check_judged(data: bytes) -> None:
    """The snapshot as a host's first two, and as the next one of a host that is known well."""
    with refusing(_KINDS):
        snapshot = decode_snapshot(data, _MSGPACK)
        first = _step(snapshot, None)
        assert first.state is not None
        second = _step(msgspec.structs.replace(snapshot, seq=snapshot.seq + 1), first.state)
        assert not second.facts, "what was seen before is new again"
        assert Label.NORMAL not in {first.label, second.label}
        for answer in (first, second, _step(snapshot, _GROWN)):
            assert 0 <= answer.score <= 1
            msgspec.json.encode(answer)


def _step(snapshot: Snapshot, state: bytes | None) -> Scored:
    arrival = Arrival(epoch=_EPOCH, snapshot=snapshot)
    (answer,) = _DETECTOR.step([arrival], {snapshot.host.id: state})
    return answer


def _grown() -> bytes | None:
    state = None
    for snapshot in quiet_snapshots(40):
        state = _step(snapshot, state).state
    return state


_GROWN = _grown()


def _alter_row(data: bytes, random: Random) -> bytes:
    return as_json(data, random)


_TABLES = tuple(f'"{name}"'.encode() for name in _QUIET.tables)
_WORDS = (
    b'"schema":"vedette.snapshot/1"',
    b'"taken_at"',
    b'"unread"',
    b'"same"',
    b"sha256:",
    b"1e999",
    b"\\ud800",
)
SNAPSHOTS = (
    Target(
        "snapshot-json",
        _check_json,
        (_GOLDEN, encode_snapshot(_QUIET, _JSON)),
        (*_WORDS, *_TABLES),
        as_json,
        max_len=65_536,
    ),
    Target(
        "snapshot-msgpack",
        _check_msgpack,
        (encode_snapshot(decode_snapshot(_GOLDEN)), encode_snapshot(_QUIET)),
        (
            b"\xdd\xff\xff\xff\xff",
            b"\xcb\x7f\xf8\0\0\0\0\0\0",
            b"\xd6\xff\0\0\0\0",
            b"\xc7\x0c\xff",
        ),
        as_msgpack,
        max_len=65_536,
    ),
    Target(
        "rows",
        _check_row,
        (
            b'{"a":1,"b":1.5,"c":null,"d":true,"e":"x"}',
            b'{"\xc3\xa9":1e21,"\xf0\x9f\x98\x80":-0.0,"z":5e-324}',
            b'{"n":9007199254740993}',
        ),
        (b"1e21", b"1e-7", b"-0.0", b"9007199254740993", b"\\u0000", b"\\ud83d\\ude00"),
        _alter_row,
    ),
    Target(
        "judged",
        _check_judged,
        (encode_snapshot(_NEXT),),
        (),
        as_msgpack,
        rss_mib=256,
        max_len=65_536,
    ),
)
