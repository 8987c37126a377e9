"""The benches run, lose nothing, and say what others rely on. What they measure is not asserted here."""

import json
import subprocess
import sys
from typing import Any

_INGEST = {
    "snapshots_per_s",
    "server_cpu_ms_per_snapshot",
    "floor_ms",
    "ratio",
    "accept_p50_ms",
    "accept_p99_ms",
    "verdict_p50_ms",
    "verdict_p99_ms",
    "lost",
    "duplicates",
    "stages",
}


def _bench(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "vedette", "bench", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_bench_ingest_ends_with_one_json_object_and_loses_nothing() -> None:
    small = ("--hosts", "3", "--seconds", "5", "--processes", "10", "--packages", "20")
    code, out, err = _bench("ingest", *small)
    assert code == 0, err
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    assert told.keys() >= _INGEST
    assert (told["lost"], told["duplicates"]) == (0, 0)
    assert told["snapshots"] > 0
    assert told["stages"].keys() >= {"signature", "signers", "append", "open", "judge", "apply"}


def test_a_queue_that_this_version_lacks_is_said_so() -> None:
    code, out, err = _bench("ingest", "--queue", "kafka")
    assert (code, out) == (2, "")
    assert "not in this version" in err


def test_agents_that_return_with_their_spools_lose_nothing_and_keep_their_order() -> None:
    small = ("--agents", "12", "--backlog", "10", "--live", "2", "--quiet", "6")
    code, out, err = _bench("flood", *small, "--processes", "5", "--packages", "5")
    assert code == 0, err
    told: dict[str, Any] = json.loads(out.splitlines()[-1])
    assert (told["lost"], told["duplicates"], told["late"], told["not_accepted"]) == (0, 0, 0, 0)
    assert told["backlog"] == 120
    # Each agent is sent away once at most: when it comes for the first time.
    assert told["refused_backlog"].get("backlog", 0) <= 12
    assert told["refused_live"] == {}
    assert told["quiet"]["snapshots"] > 0
