"""Replay over recordings with lines that are no snapshot: each gets the verdict that it would get online."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.quiet_host import quiet_snapshots
from typer.testing import CliRunner

from vedette.app.cli.main import app
from vedette.app.replay import Replay
from vedette.core import InvalidInput, encode_snapshot

_DEEP = b'{"schema":"vedette.snapshot/1","tables":' + b"[" * 100_000
BROKEN = {
    "not a number": (b'"system.memory.utilization":', b'"system.memory.utilization":NaN,"x":'),
    "a null metric": (b'"system.memory.utilization":', b'"system.memory.utilization":null,"x":'),
    "more than a number holds": (b'"metrics":{', b'"metrics":{"x":1e400,'),
    "a list in a cell": (b'"cwd":"/"', b'"cwd":[1]'),
    "another version": (b"vedette.snapshot/1", b"vedette.snapshot/9"),
}


def _lines() -> list[bytes]:
    return [encode_snapshot(one, "application/json") for one in quiet_snapshots(40)]


def _replay(folder: Path, lines: list[bytes]) -> tuple[Replay, list[dict[str, Any]]]:
    path, out = folder / "host.jsonl.gz", folder / "out.jsonl"
    path.write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
    run = Replay()
    assert run.write([path], out) == len(lines)
    return run, [json.loads(line) for line in out.read_text().splitlines()]


@pytest.mark.parametrize("how", BROKEN)
def test_a_line_that_is_no_snapshot_is_unknown_and_the_others_are_judged(
    tmp_path: Path, how: str
) -> None:
    lines = _lines()
    old, new = BROKEN[how]
    assert old in lines[35]
    lines[35] = lines[35].replace(old, new)
    run, told = _replay(tmp_path, lines)
    assert [(one.number, one.seq) for one in run.unread] == [(36, 36)]
    assert [one["seq"] for one in told] == list(range(1, 41))
    assert {one["host"] for one in told} == {told[0]["host"]}
    assert told[35]["label"] == "unknown"
    assert [reason["subject"] for reason in told[35]["reasons"]] == ["unreadable"]
    assert set(told[35]) == set(told[34])
    assert [one["subject"] for one in told[36]["reasons"]] == ["gap:1"]
    assert told[37]["label"] == "normal"


def test_a_line_that_says_nothing_of_itself_is_the_one_after_the_last(tmp_path: Path) -> None:
    lines = _lines()
    lines[30], lines[31] = _DEEP, b"?"
    run, told = _replay(tmp_path, lines)
    assert [(one.number, one.seq) for one in run.unread] == [(31, 31), (32, 32)]
    assert [one["label"] for one in told[29:34]] == ["unknown"] * 4 + ["normal"]
    assert [one["reasons"][0]["subject"] for one in told[30:33]] == ["unreadable"] * 2 + ["gap:2"]


def test_what_stands_before_the_first_snapshot_is_of_its_host(tmp_path: Path) -> None:
    _, told = _replay(tmp_path, [b"?", *_lines()[2:]])
    assert told[0]["reasons"][0]["subject"] == "unreadable"
    assert (told[0]["host"], told[0]["seq"]) == (told[1]["host"], 2)


def test_a_file_without_any_snapshot_is_no_recording(tmp_path: Path) -> None:
    path = tmp_path / "host.jsonl.gz"
    path.write_bytes(gzip.compress(b"?\n{}\n"))
    with pytest.raises(InvalidInput, match="line 1"):
        Replay().write([path], tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_the_command_says_which_lines_and_ends_well(tmp_path: Path) -> None:
    lines = _lines()
    lines[3:28] = [b"?"] * 25
    path, out = tmp_path / "host.jsonl.gz", tmp_path / "out.jsonl"
    path.write_bytes(gzip.compress(b"\n".join(lines) + b"\n"))
    ended = CliRunner().invoke(app, ["replay", str(path), "--verdicts", str(out)])
    assert ended.exit_code == 0, ended.output
    assert "25 lines could not be read" in ended.stderr
    assert "host.jsonl.gz, line 4: " in ended.stderr
    assert "and 5 more" in ended.stderr
    assert not ended.stdout
