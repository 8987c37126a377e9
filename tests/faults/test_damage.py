"""A damaged queue or store under a running server: it is told, nothing pretends, and what is left is saved."""

import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from tests.fixtures.quiet_host import live_snapshots
from tests.fixtures.service import Service, running_service

from vedette.core import TenantId

pytestmark = pytest.mark.faults

PAGE = 4096
FAST = "[detector]\nlease_seconds = 3.0\n"


def _vedette(service: Service, *command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "vedette", *command, "--config", str(service.config)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _garble(path: Path) -> None:
    """Every page but the first, in the file and in its log, loses its head."""
    log = path.with_name(f"{path.name}-wal")
    for file, first, step in ((path, PAGE, PAGE), (log, 32 + 24, PAGE + 24)):
        if not file.exists():
            continue
        with file.open("r+b") as raw:
            for at in range(first, file.stat().st_size, step):
                raw.seek(at)
                if file is log or at >= PAGE:
                    raw.write(b"\xa5" * 16)


@pytest.mark.parametrize("name", ["queue", "store"])
def test_damage_is_told_stops_writing_outlives_a_restart_and_can_be_salvaged(
    name: str, tmp_path: Path
) -> None:
    with running_service(tmp_path, more=FAST) as service:
        path = service.settings.data / f"{name}.sqlite"
        sender = service.sender()
        snapshots = live_snapshots(1000)
        for _ in range(10):
            assert sender.push(sender.envelope(next(snapshots))).status_code == 202
        service.wait_for_verdicts(10)
        _garble(path)
        deadline = time.monotonic() + 60
        with service.client() as client:
            while client.get("/health/ready").json()["parts"][name] != "damaged-data":
                assert time.monotonic() < deadline
                # Whatever is stored or judged now meets the damage.
                answer = sender.push(sender.envelope(next(snapshots)))
                assert answer.status_code in {202, 503}
                time.sleep(0.2)
        if name == "queue":
            assert sender.push(sender.envelope(next(snapshots))).status_code == 503
        log = service.log.read_text()
        assert f'"{name}.damaged"' in log
        pids = {one: service.pid(one) for one in ("api", "detector", "responder")}
        time.sleep(1)
        assert pids == {one: service.pid(one) for one in pids}, "it ends and starts again"
        service.stop()

        service.start()
        assert service.process.wait(60) == 2
        assert "vedette data salvage" in service.log.read_text()
        assert _vedette(service, "data", "check").returncode == 1
        saved = _vedette(service, "data", "salvage", "--json")
        assert saved.returncode == 0, saved.stderr
        (told,) = msgspec.json.decode(saved.stdout)
        assert told["file"] == str(path)
        assert Path(told["kept"]).is_file()
        assert _vedette(service, "data", "check").returncode == 0

        service.start()
        service.wait_ready()
        newcomer = service.sender("newcomer")
        for snapshot in live_snapshots(3):
            assert newcomer.push(newcomer.envelope(snapshot)).status_code == 202
        with closing(service.store()) as store, closing(service.queue()) as queue:
            deadline = time.monotonic() + 30
            while queue.depth() and time.monotonic() < deadline:
                time.sleep(0.2)
            found = store.verdicts.find(TenantId("default"), limit=500).items
        assert len(found) == len({(one.host, one.seq) for one in found})
        assert sum(one.host == newcomer.host for one in found) == 3
