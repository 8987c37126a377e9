"""The demonstration as a stranger runs it."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest


@pytest.mark.alone
def test_the_demonstration_shows_all_of_it_and_its_counts_can_be_recounted(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    done = subprocess.run(
        [sys.executable, "-m", "vedette", "demo", "--once", "--data-dir", str(folder)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout.splitlines()[-1])
    assert outcome["data_dir"] == str(folder)
    for nothing in ("abnormal_before_onset", "benign_incidents", "lost", "duplicates"):
        assert outcome[nothing] == 0
    assert outcome["abnormal_detected_after_snapshots"] <= 3
    assert outcome["action_states"] == {"mail": "verified", "quarantine": "simulated"}
    assert any(reason["attack"] for reason in outcome["reasons"])
    with closing(sqlite3.connect(folder / "store.sqlite")) as store:
        labels = dict(store.execute("SELECT label, count(*) FROM verdicts GROUP BY label"))
        (audited,) = store.execute("SELECT count(*) FROM audit").fetchone()
        (incident,) = store.execute("SELECT id FROM incidents").fetchone()
    assert outcome["verdict_counts"] == labels
    assert outcome["verdicts"] == outcome["snapshots_sent"] == sum(labels.values())
    assert outcome["audit_entries"] == audited
    assert outcome["incident_id"] == incident


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    done = subprocess.run(
        [sys.executable, "-m", "vedette", "demo", "--once", "--data-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "is not empty" in done.stderr
