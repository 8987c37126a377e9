"""A developer's machine, seen every second: much that is new and odd, and nothing wrong until something is."""

from random import Random

import pytest
from tests.fixtures.quiet_host import HOST, changed, process, quiet_snapshots, quiet_tables

from vedette.core import Epoch, HostId, Label, Row, Snapshot
from vedette.detect import Arrival, Bundle, Detector, Scored

WARM_UP = 45
ODD_SHELLS = (
    "sh -c pip install --quiet -r /tmp/build-x1/requirements.txt && touch .done",
    "bash -c for i in 1 2 3; do make -j4 test; done",
    "/bin/sh -c git status --short | head -20; python - <<'E'",
    "bash -lc eval $(cat /tmp/env.sh) && exec pytest -q",
    'sh -c python3 -c "import json,sys; print(json.load(sys.stdin))" < /tmp/a.json',
)


def busy_rows(second: int, random: Random) -> list[Row]:
    """Compilers, shells, package tools and tests, started by root in a container's shell."""
    base = 5000 + 10 * second
    rows = [
        process(700, 1, "bash", "/usr/bin/bash", "bash"),
        process(base, 700, "sh", "/usr/bin/dash", random.choice(ODD_SHELLS)),
        process(
            base + 1, base, "cc1", "/usr/lib/gcc/x86_64-linux-gnu/12/cc1", f"cc1 -quiet f{second}.c"
        ),
        process(
            base + 2, base, "python3", "/usr/bin/python3.11", f"python3 -m pytest -q t{second}"
        ),
        process(base + 3, base + 2, "git", "/usr/bin/git", "git rev-parse HEAD"),
    ]
    if second % 3 == 0:
        rows.append(
            process(base + 4, base, "dpkg", "/usr/bin/dpkg", "dpkg --unpack /var/cache/apt/x.deb")
        )
        rows.append(
            process(base + 5, base, "ld", "/usr/bin/x86_64-linux-gnu-ld.bfd", "ld -o a.out")
        )
    if second % 4 == 0:
        rows.append(process(base + 6, base, "conftest", "/root/work/build/conftest", "./conftest"))
    return rows


def developer(seconds: int) -> list[Snapshot]:
    """One snapshot a second; from second 30 on packages are installed and a test server listens on loopback."""
    random = Random(4)
    snapshots = []
    for snapshot in quiet_snapshots(seconds, every=1.0):
        second = snapshot.seq
        python = "/root/.pyenv/versions/3.11.7/bin/python3.11"
        tables = quiet_tables()
        tables["processes"] += busy_rows(second, random)
        if second >= 30:
            tables["deb_packages"].append({"name": f"lib{second // 5}", "version": "1.0"})
        if second >= 50:
            code = "python -u -c import sys;exec(eval(sys.stdin.readline()))"
            tables["processes"].append(process(4950, 700, "python", python, code))
            tables["listening_ports"].append(
                {"pid": 4950, "port": 46447, "protocol": 6, "family": 2, "address": "127.0.0.1"}
            )
        if second >= 40:
            tables["processes"].append(
                process(4900, 700, "python3", python, "python3 -m http.server 0 --bind 127.0.0.1")
            )
            tables["listening_ports"].append(
                {"pid": 4900, "port": 38759, "protocol": 6, "family": 2, "address": "127.0.0.1"}
            )
        metrics = {
            "system.cpu.utilization": random.uniform(0.3, 1.0) if second % 20 > 8 else 0.05,
            "system.processes.count": 10.0 + random.randint(0, 60) * (second % 15 > 9),
            "system.processes.created.rate": random.uniform(0, 300),
            "system.disk.io.write.rate": random.uniform(0, 2e8),
            "system.network.connections.established": float(random.randint(0, 30)),
        }
        snapshots.append(changed(snapshot, tables=tables, metrics=metrics))
    return snapshots


def hidden(snapshot: Snapshot, folder: str) -> Snapshot:
    """The snapshot with a copied program running from a hidden folder, its file deleted, listening on a port."""
    tables = {name: list(rows) for name, rows in snapshot.tables.items()}
    path = f"{folder}/.x11-a8/kworker"
    tables["processes"].append(process(9999, 700, "kworker", path, "[kworker/u8:2] 600", on_disk=0))
    tables["listening_ports"].append(
        {"pid": 9999, "port": 41001, "protocol": 6, "family": 2, "address": "127.0.0.1"}
    )
    return changed(snapshot, tables=tables)


def play(snapshots: list[Snapshot]) -> list[Scored]:
    detector = Detector(Bundle.shipped())
    states: dict[HostId, bytes | None] = {}
    answers = []
    for snapshot in snapshots:
        answers += detector.step([Arrival(epoch=Epoch("e"), snapshot=snapshot)], states)
        states = {HOST: answers[-1].state}
    return answers


def test_a_developers_busy_minutes_are_no_alarm() -> None:
    answers = play(developer(150))
    assert not [(a.score, a.reasons) for a in answers if a.label is Label.ABNORMAL]
    assert answers[-1].label is Label.NORMAL


@pytest.mark.parametrize("folder", ["/dev/shm", "/tmp", "/var/tmp"])
def test_a_hidden_deleted_program_is_found_at_once_after_a_short_warm_up(folder: str) -> None:
    snapshots = developer(WARM_UP + 10)
    for at in range(WARM_UP + 5, WARM_UP + 10):
        snapshots[at] = hidden(snapshots[at], folder)
    answers = play(snapshots)
    labels = [answer.label for answer in answers]
    assert labels.index(Label.ABNORMAL) == WARM_UP + 5
    first = answers[WARM_UP + 5]
    assert any(reason.attack for reason in first.reasons)
    assert any("kworker" in reason.text for reason in first.reasons)
