"""The snapshot contract: what is taken, what is refused, and the published schema."""

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vedette.core import (
    MAX_LIVE_ROWS,
    MAX_METRICS,
    InvalidInput,
    TooLarge,
    decode_snapshot,
    encode_snapshot,
    snapshot_schema,
)

GOLDEN = Path(__file__).parents[1] / "golden"


def _golden() -> dict[str, Any]:
    data: dict[str, Any] = json.loads((GOLDEN / "snapshot-1.json").read_text())
    return data


def _with(**changes: object) -> bytes:
    return json.dumps(_golden() | changes).encode()


def test_the_golden_snapshot_decodes_and_keeps_every_value() -> None:
    snapshot = decode_snapshot((GOLDEN / "snapshot-1.json").read_bytes())
    assert msgspec.to_builtins(snapshot) | {"same": {}, "unread": {}} == _golden() | {
        "same": {},
        "unread": {},
    }


@pytest.mark.parametrize("content_type", ["application/json", "application/msgpack"])
def test_a_snapshot_survives_its_own_encoding(content_type: str) -> None:
    snapshot = decode_snapshot(_with())
    assert decode_snapshot(encode_snapshot(snapshot, content_type), content_type) == snapshot


def test_the_published_schema_is_the_golden_one_and_takes_the_golden_snapshot() -> None:
    schema = snapshot_schema()
    assert schema == json.loads((GOLDEN / "snapshot-1.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(_golden(), schema)


def test_unknown_fields_tables_and_columns_are_no_error() -> None:
    golden = _golden()
    golden["tables"]["wifi_networks"] = [{"ssid": "x", "hidden": None}]
    snapshot = decode_snapshot(json.dumps(golden | {"novelty": {"a": 1}}).encode())
    assert snapshot.tables["wifi_networks"] == [{"ssid": "x", "hidden": None}]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "invalid-snapshot"),
        (b"[1]", "invalid-snapshot"),
        (b"\xff\xfe", "invalid-snapshot"),
        (b"[" * 100_000, "invalid-snapshot"),
        (_with(schema="vedette.snapshot/9"), "unknown-schema"),
        (json.dumps({"schema": "vedette.snapshot/2", "novel": True}).encode(), "unknown-schema"),
        (json.dumps({"schema": 1}).encode(), "invalid-snapshot"),
        (b'{"novel":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too-large"),
        (_with(seq=0), "invalid-snapshot"),
        (_with(seq=2**63), "invalid-snapshot"),
        (_with(seq=10**40), "invalid-snapshot"),
        (_with(taken_at="2026-11-22T20:00:00"), "invalid-snapshot"),
        (_with(taken_at="yesterday"), "invalid-snapshot"),
        (_with(metrics={"a": "much"}), "invalid-snapshot"),
        (_with(metrics={"a": 1e999}), "invalid-snapshot"),
        (_with(tables={"users": [{"uid": {"deep": 1}}]}), "invalid-snapshot"),
        (_with(metrics={str(n): 1.0 for n in range(MAX_METRICS + 1)}), "invalid-snapshot"),
        (_with(taken_at="1999-12-31T23:59:59Z"), "invalid-snapshot"),
        (_with(taken_at="2200-01-01T00:00:00Z"), "invalid-snapshot"),
        (_with(host={"id": "x", "hostname": "h" * 256}), "invalid-snapshot"),
        (_with(host={"id": "x", "hostname": "h", "boot_time": 1e999}), "invalid-snapshot"),
        (_with(host={"id": "x", "hostname": "h", "labels": {"k": "v" * 257}}), "invalid-snapshot"),
        (_with(tables={str(n): [] for n in range(65)}), "invalid-snapshot"),
        (_with(tables={"t": [{str(n): 1 for n in range(65)}]}), "invalid-snapshot"),
    ],
)
def test_what_can_not_be_a_snapshot_is_refused_with_its_kind(body: bytes, kind: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_snapshot(body)
    assert caught.value.kind == kind


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "place",
    [
        lambda number: {"metrics": {"a": number}},
        lambda number: {"tables": {"users": [{"uid": number}]}},
        lambda number: {"host": {"id": "x", "hostname": "h", "boot_time": number}},
    ],
    ids=["metric", "cell", "boot time"],
)
def test_a_non_finite_number_is_refused_wherever_it_stands(
    place: Callable[[float], dict[str, Any]], number: float
) -> None:
    changed = _golden() | place(number)
    with pytest.raises(InvalidInput, match="finite") as caught:
        decode_snapshot(msgspec.msgpack.encode(changed), "application/msgpack")
    assert caught.value.kind == "invalid-snapshot"
    with pytest.raises(InvalidInput, match="malformed"):
        decode_snapshot(json.dumps(changed).encode())


@pytest.mark.parametrize("cell", [2**63, -(2**63) - 1, 10**400, 10**4000, 10**4299])
def test_a_whole_number_beyond_64_bits_is_refused(cell: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_snapshot(_with(tables={"users": [{"uid": cell}]}))
    assert caught.value.kind == "invalid-snapshot"


def test_the_least_and_the_greatest_whole_number_are_kept() -> None:
    rows = [{"low": -(2**63), "high": 2**63 - 1}]
    assert decode_snapshot(_with(tables={"t": rows})).tables["t"] == rows


@pytest.mark.parametrize("text", [b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80"])
def test_text_that_is_not_utf_8_is_refused_in_these_words(text: bytes) -> None:
    marked = _golden() | {"tables": {"users": [{"username": "@" * len(text)}]}}
    for body, content_type in (
        (json.dumps(marked).encode(), "application/json"),
        (msgspec.msgpack.encode(marked), "application/msgpack"),
    ):
        with pytest.raises(InvalidInput, match="not UTF-8"):
            decode_snapshot(body.replace(b"@" * len(text), text), content_type)


def test_the_answer_to_another_schema_names_it_and_the_one_that_is_known() -> None:
    for content_type, encode in (
        ("application/json", msgspec.json.encode),
        ("application/msgpack", msgspec.msgpack.encode),
    ):
        with pytest.raises(InvalidInput) as caught:
            decode_snapshot(encode(_golden() | {"schema": "vedette.snapshot/2"}), content_type)
        assert caught.value.kind == "unknown-schema"
        assert "'vedette.snapshot/2'" in caught.value.detail
        assert "knows vedette.snapshot/1" in caught.value.detail


def test_a_body_over_the_bound_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette.core.snapshot.MAX_SNAPSHOT_BYTES", 10)
    with pytest.raises(TooLarge):
        decode_snapshot(_with())


def test_rows_over_the_bound_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vedette.core.snapshot.MAX_ROWS", 1)
    with pytest.raises(TooLarge, match="rows"):
        decode_snapshot(_with())


def test_a_live_table_over_its_own_bound_is_refused() -> None:
    rows = [{"pid": n} for n in range(MAX_LIVE_ROWS + 1)]
    with pytest.raises(TooLarge, match="processes"):
        decode_snapshot(_with(tables={"processes": rows}))


def test_a_time_that_messagepack_can_not_mean_is_refused() -> None:
    year_10000 = msgspec.msgpack.Ext(-1, bytes(4) + (253402300800).to_bytes(8, "big"))
    body = msgspec.msgpack.encode(_golden() | {"taken_at": year_10000})
    with pytest.raises(InvalidInput):
        decode_snapshot(body, "application/msgpack")


def test_an_announced_number_of_rows_is_refused_before_they_are_made() -> None:
    body = msgspec.msgpack.encode(_golden() | {"tables": {"users": []}})
    at = body.index(b"\xa5users\x90") + 6
    count = 4_000_000
    bomb = body[:at] + b"\xdd" + count.to_bytes(4, "big") + b"\x80" * count + body[at + 1 :]
    tracemalloc.start()
    with pytest.raises(InvalidInput, match="length"):
        decode_snapshot(bomb, "application/msgpack")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_an_unknown_content_type_is_refused() -> None:
    with pytest.raises(InvalidInput, match="neither"):
        decode_snapshot(_with(), "text/csv")


@given(st.binary(max_size=400), st.sampled_from(["application/json", "application/msgpack"]))
def test_no_bytes_make_the_decoder_fail_in_another_way(body: bytes, content_type: str) -> None:
    try:
        decode_snapshot(body, content_type)
    except InvalidInput:
        return
