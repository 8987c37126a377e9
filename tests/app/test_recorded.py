"""Real recordings: replay is the same each time, and the shipped bundle is what the command makes of them."""

import json
from pathlib import Path

import pytest
from tests.fixtures.recordings import host_recordings

from vedette.app.replay import Replay
from vedette.detect import Bundle
from vedette.learn import build_bundle


def test_real_sessions_give_one_verdict_a_snapshot_and_the_same_bytes_in_any_batch(
    tmp_path: Path,
) -> None:
    folder = host_recordings()
    files = [
        folder / f"{host}.{part}.jsonl.gz"
        for host in ("web-2", "db-1")
        for part in ("baseline", "test")
    ]
    outputs = []
    for number, batch in enumerate((256, 256, 16, 1)):
        out = tmp_path / f"{number}.jsonl"
        assert Replay(batch=batch).write(files, out) == 2 * (360 + 310)
        outputs.append(out.read_bytes())
    assert len(set(outputs)) == 1
    lines = [json.loads(line) for line in outputs[0].splitlines()]
    assert len({(line["host"], line["seq"]) for line in lines}) == len(lines)


@pytest.mark.parametrize("session", ["web-3.drift"])
def test_slow_drift_with_a_deployment_opens_no_incident(session: str, tmp_path: Path) -> None:
    folder = host_recordings()
    host = session.partition(".")[0]
    files = [folder / f"{host}.baseline.jsonl.gz", folder / f"{session}.jsonl.gz"]
    Replay().write(files, tmp_path / "out")
    lines = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert not [line for line in lines if line["incident"]]


def test_the_shipped_bundle_is_what_the_command_makes_of_the_baselines(tmp_path: Path) -> None:
    files = sorted(host_recordings().glob("*.baseline.jsonl.gz"))
    shipped = Bundle.shipped()
    built = build_bundle(files, tmp_path / "bundle", name=shipped.manifest.name, made="2026-01-01")
    assert built.digest == shipped.digest
