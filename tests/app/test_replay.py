"""Replay: one line a snapshot, the same bytes each time, whatever the batch."""

import gzip
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fixtures.quiet_host import process, quiet_snapshots, quiet_tables

from vedette.app.replay import Replay, read_sayings
from vedette.core import ConfigError, HostId, InvalidInput, Snapshot, encode_snapshot


def _record(path: Path, snapshots: list[Snapshot]) -> Path:
    lines = [encode_snapshot(snapshot, "application/json") for snapshot in snapshots]
    path.write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
    return path


def _hosts(folder: Path, count: int = 45) -> list[Path]:
    evil = process(4711, 1, "kworker", "/dev/shm/.x/kworker", "[kworker/0:1]", on_disk=0)
    paths = []
    for number in range(3):
        host = HostId(f"{number:08x}-0000-4000-8000-000000000000")
        snapshots = list(quiet_snapshots(count, seed=number, host=host))
        if number == 1:
            tables = quiet_tables()
            tables["processes"].append(evil)
            snapshots[38] = msgspec.structs.replace(snapshots[38], tables=tables)
        paths.append(_record(folder / f"host-{number}.jsonl.gz", snapshots))
    return paths


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_replay_writes_one_line_a_snapshot_in_order_of_time(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert Replay().write(_hosts(tmp_path), out) == 135
    lines = _lines(out)
    assert [line["taken_at"] for line in lines] == sorted(line["taken_at"] for line in lines)
    wanted = {
        "host",
        "seq",
        "taken_at",
        "label",
        "score",
        "severity",
        "experts",
        "reasons",
        "confirmation",
        "budget",
        "incident",
    }
    assert all(set(line) == wanted for line in lines)
    (abnormal,) = [line for line in lines if line["label"] == "abnormal"]
    assert abnormal["incident"]
    assert {"expert", "subject", "text", "attack"} <= set(abnormal["reasons"][0])


def test_two_runs_are_byte_identical_and_batches_change_nothing(tmp_path: Path) -> None:
    paths = _hosts(tmp_path)
    outputs = []
    for number, batch in enumerate((256, 256, 16, 1)):
        out = tmp_path / f"{number}.jsonl"
        Replay(batch=batch).write(paths, out)
        outputs.append(out.read_bytes())
    assert len(set(outputs)) == 1


def test_a_kept_state_lets_a_later_run_go_on(tmp_path: Path) -> None:
    snapshots = list(quiet_snapshots(50))
    whole, first, second = tmp_path / "whole", tmp_path / "first", tmp_path / "second"
    parts = [_record(tmp_path / "a.gz", snapshots[:35]), _record(tmp_path / "b.gz", snapshots[35:])]
    Replay().write(parts, whole)
    Replay(state=tmp_path / "state").write(parts[:1], first)
    Replay(state=tmp_path / "state").write(parts[1:], second)
    assert first.read_bytes() + second.read_bytes() == whole.read_bytes()


def test_a_state_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "replay-state.msgpack").write_bytes(b"?")
    with pytest.raises(ConfigError, match="no replay state"):
        Replay(state=tmp_path)


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(b"{}\n", mtime=0)])
def test_a_file_that_is_no_recording_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"x\.jsonl\.gz"):
        Replay().write([path], tmp_path / "out")


def test_a_state_that_is_a_file_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("mine")
    with pytest.raises(ConfigError, match="must be a folder"):
        Replay(state=kept)
    assert kept.read_text() == "mine"


def test_empty_lines_are_passed_over_and_an_empty_recording_is_named(tmp_path: Path) -> None:
    (line, *_) = (encode_snapshot(one, "application/json") for one in quiet_snapshots(1))
    spaced, empty = tmp_path / "spaced.jsonl.gz", tmp_path / "empty.jsonl.gz"
    spaced.write_bytes(gzip.compress(b"\n" + line + b"\n\n"))
    empty.write_bytes(gzip.compress(b"\n"))
    assert Replay().write([spaced], tmp_path / "out.jsonl") == 1
    with pytest.raises(InvalidInput, match=r"empty\.jsonl\.gz has no snapshot"):
        Replay().write([spaced, empty], tmp_path / "other.jsonl")
    assert not (tmp_path / "other.jsonl").exists()


def test_sayings_are_read_as_the_api_prints_them(tmp_path: Path) -> None:
    at = "2026-03-01T12:00:00Z"
    said = {"host": "h", "incident": "i", "normal": True, "subjects": ["cron:x"]}
    items = [said | {"number": number, "at": at, "until": at} for number in (2, 1)]
    page = tmp_path / "page.json"
    page.write_text(json.dumps({"items": items, "next": None}))
    assert [saying.number for saying in read_sayings(page)] == [1, 2]
    page.write_text("[]")
    with pytest.raises(ConfigError, match="vedette sayings --json"):
        read_sayings(page)
