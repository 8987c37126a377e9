"""Real recordings: replay is the same each time, and the shipped bundle is what the command makes of them."""

import json
from pathlib import Path

import pytest
from tests.fixtures.recordings import host_recordings

from vedette.app.replay import Replay
from vedette.detect import FITS, Bundle, pack_bundle
from vedette.learn import group_by_host

# All that it runs has plain tests, too.
pytestmark = pytest.mark.no_cover


def test_real_sessions_give_one_verdict_a_snapshot_and_the_same_bytes_in_any_batch(
    tmp_path: Path,
) -> None:
    folder = host_recordings()
    files = [folder / f"web-2.{part}.jsonl.gz" for part in ("baseline", "test")]
    outputs = []
    for number, batch in enumerate((256, 16, 1)):
        out = tmp_path / f"{number}.jsonl"
        assert Replay(batch=batch).write(files, out) == 360 + 310
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


def test_the_shipped_bundle_holds_what_the_experts_learn_from_the_baselines() -> None:
    hosts = group_by_host(sorted(host_recordings().glob("*.baseline.jsonl.gz")))
    shipped = Bundle.shipped().manifest
    parts = {
        name: fit.part([fit.study(one) for one in hosts.values()]) for name, fit in FITS.items()
    }
    learned = pack_bundle("again", parts, made="2026-01-01").manifest.parts
    assert learned == {name: shipped.parts[name] for name in FITS}
