"""A full disk, a read-only one, one that refuses to sync: never a false 202, a clear state, and on it goes."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from psycopg import sql
from tests.fixtures.disks import failing_disk, small_disk
from tests.fixtures.postgres import PostgresServer, running_postgres
from tests.fixtures.quiet_host import live_snapshots
from tests.fixtures.service import Service, running_service
from tests.fixtures.syscalls import refusing
from tests.fixtures.wire import Sender

from vedette.core import TenantId, digest

pytestmark = pytest.mark.faults

TENANT = TenantId("default")
FAST = "[detector]\nlease_seconds = 3.0\n[ingest]\nrate = 1000.0\n"


class _Fleet:
    """A few hosts, and every digest that was answered with 202."""

    def __init__(self, service: Service, hosts: int = 3) -> None:
        self.service = service
        self._senders = [service.sender(f"host-{number}") for number in range(hosts)]
        self._snapshots = [live_snapshots(1_000_000, seed=number) for number in range(hosts)]
        self._kept: dict[str, bytes] = {}
        self.accepted: dict[tuple[str, int], str] = {}
        self.refused = 0

    def push(self, times: int = 1) -> Counter[int]:
        """One snapshot of each host; what was refused before is sent again, first."""
        answers: Counter[int] = Counter()
        for _ in range(times):
            for sender, snapshots in zip(self._senders, self._snapshots, strict=True):
                envelope = self._kept.get(sender.host) or sender.envelope(next(snapshots))
                status = _status(sender, envelope)
                answers[status] += 1
                if status == 202:
                    self._kept.pop(sender.host, None)
                    seq = 1 + sum(host == sender.host for host, _ in self.accepted)
                    self.accepted[sender.host, seq] = digest(envelope)
                else:
                    assert status == 503
                    self._kept[sender.host] = envelope
                    self.refused += 1
        return answers

    def until(self, status: int, seconds: float = 30.0) -> None:
        """Pushes until all answers are of this status."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if set(self.push()) == {status}:
                return
            time.sleep(0.1)
        raise AssertionError(f"not only {status} in {seconds:g} s: {self.ready()}")

    def ready(self) -> dict[str, str]:
        """What readiness says of each part."""
        with self.service.client() as client:
            answer = client.get("/health/ready")
        parts: dict[str, str] = answer.json()["parts"]
        assert (answer.status_code == 200) == (set(parts.values()) == {"ok"})
        return parts

    def await_answer(self, seconds: float = 60.0) -> None:
        """Returns once the API answers again."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                self.ready()
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError("no answer")

    def await_ready(self, seconds: float = 15.0, **parts: str) -> None:
        """Returns once readiness says so."""
        deadline = time.monotonic() + seconds
        while (said := self.ready()) != said | parts:
            assert time.monotonic() < deadline, f"{said} is not {parts}"
            time.sleep(0.1)

    def await_lost(self, *names: str, seconds: float = 15.0) -> None:
        """Returns once none of these parts is ready."""
        deadline = time.monotonic() + seconds
        while "ok" in {(said := self.ready())[name] for name in names}:
            assert time.monotonic() < deadline, said
            time.sleep(0.1)

    def nothing_lost_or_doubled(self, seconds: float = 60.0) -> None:
        """Each 202 has its one verdict on what was sent, and there is no other."""
        deadline = time.monotonic() + seconds
        with closing(self.service.queue()) as queue:
            while queue.depth() and time.monotonic() < deadline:
                time.sleep(0.1)
        with closing(self.service.store()) as store:
            found = store.verdicts.find(TENANT, limit=500).items
        assert Counter((one.host, one.seq) for one in found) == Counter(list(self.accepted))
        assert {(one.host, one.seq): one.input_digest for one in found} == self.accepted
        assert not [one for one in found if one.late]


def _status(sender: Sender, envelope: bytes) -> int:
    try:
        return sender.push(envelope).status_code
    except httpx.TransportError:
        return 503


def _metric(service: Service, name: str) -> float:
    text = httpx.get(f"http://127.0.0.1:{service.settings.server.metrics_port}/metrics").text
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith(name))


def _same_processes(service: Service, before: dict[str, int]) -> bool:
    return all(service.pid(name) == pid for name, pid in before.items())


def _processes(service: Service) -> dict[str, int]:
    found = {name: service.pid(name) for name in ("api", "detector", "responder")}
    return {name: pid for name, pid in found.items() if pid is not None}


def test_a_full_disk_under_everything_is_told_and_overcome_without_a_restart(
    figures: Callable[[str], None],
) -> None:
    with small_disk() as disk, running_service(disk.folder, more=FAST) as service:
        fleet, before = _Fleet(service), _processes(service)
        for _ in range(3):
            assert set(fleet.push(4)) == {202}
            disk.fill()
            assert set(fleet.push(4)) == {503}
            fleet.await_ready(queue="disk-full", store="disk-full")
            assert _metric(service, 'vedette_append_failures_total{kind="disk-full"}') > 0
            disk.free()
            fleet.until(202)
            fleet.await_ready(queue="ok", store="ok")
        fleet.nothing_lost_or_doubled()
        assert _same_processes(service, before)
        figures(_line("full disk", fleet))


def test_what_is_killed_on_a_full_disk_comes_back_and_says_so() -> None:
    with small_disk() as disk, running_service(disk.folder, more=FAST) as service:
        fleet = _Fleet(service)
        assert set(fleet.push(4)) == {202}
        disk.fill()
        for name in ("api", "detector", "responder"):
            assert service.kill(name)
        fleet.await_answer()
        fleet.await_ready(queue="disk-full", store="disk-full")
        assert set(fleet.push(2)) == {503}
        disk.free()
        fleet.until(202)
        fleet.await_ready(queue="ok", store="ok")
        fleet.nothing_lost_or_doubled()


_COUNTS_ON_A_FULL_DISK = """
import sys
from pathlib import Path
from tests.fixtures.disks import Disk
from vedette.app.processes.metrics_room import take_metrics_room
if sys.argv[2] == "room":
    take_metrics_room()
from prometheus_client import Counter
counter = Counter("some", "some", ["kind"])
counter.labels("first").inc()
Disk(Path(sys.argv[1])).fill()
for number in range(200):
    counter.labels("x" * 60 + str(number)).inc()
"""


@pytest.mark.parametrize(("room", "code"), [("room", 0), ("none", -signal.SIGBUS)])
def test_a_metric_on_a_full_disk_ends_no_process(room: str, code: int) -> None:
    with small_disk() as disk:
        done = subprocess.run(
            [sys.executable, "-c", _COUNTS_ON_A_FULL_DISK, str(disk.folder), room],
            env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(disk.folder), "PYTHONPATH": "src:."},
            cwd=Path(__file__).parents[2],
            check=False,
        )
        # Without the room it would be the kernel that ends it: the test can fail.
        assert done.returncode == code


def test_a_server_on_a_read_only_folder_says_so_and_ends(tmp_path: Path) -> None:
    with small_disk() as disk, running_service(tmp_path, disk=disk.folder) as service:
        service.stop()
        disk.remount("ro")
        service.start()
        assert service.process.wait(60) == 2
        assert "Read-only file system" in service.log.read_text()
        disk.remount("rw")
        service.start()
        service.wait_ready()


def test_a_store_on_a_full_disk_keeps_snapshots_waiting_in_the_queue(
    tmp_path: Path, figures: Callable[[str], None]
) -> None:
    with small_disk() as disk:
        url = f"sqlite:///{disk.folder / 'store.sqlite'}"
        with running_service(tmp_path / "service", store_url=url, more=FAST) as service:
            fleet, before = _Fleet(service), _processes(service)
            assert set(fleet.push(3)) == {202}
            fleet.nothing_lost_or_doubled()
            disk.fill()
            assert set(fleet.push(5)) == {202}
            fleet.await_ready(queue="ok", store="disk-full")
            with closing(service.queue()) as queue:
                assert queue.depth() > 0
            disk.free()
            fleet.await_ready(queue="ok", store="ok")
            fleet.nothing_lost_or_doubled()
            assert _same_processes(service, before)
            figures(_line("store's disk full", fleet))


def _read_only(server: PostgresServer, *, on: bool) -> None:
    """Whether transactions may write from now on; they may not while a standby has not been promoted, for instance."""
    with server.connect("postgres") as connection:
        connection.execute("SET default_transaction_read_only = off")
        value = sql.Literal("on" if on else "off")
        connection.execute(
            sql.SQL("ALTER SYSTEM SET default_transaction_read_only = {}").format(value)
        )
        connection.execute("SELECT pg_reload_conf()")


@pytest.mark.postgres
def test_a_postgresql_on_a_full_disk_or_read_only_is_told_and_overcome(
    tmp_path: Path, figures: Callable[[str], None]
) -> None:
    with small_disk(160) as disk, running_postgres(folder=disk.folder) as server:
        url = server.url(server.create())
        with running_service(
            tmp_path / "service", store_url=url, queue_url=url, more=FAST
        ) as service:
            fleet = _Fleet(service)
            assert set(fleet.push(3)) == {202}
            disk.fill()
            # There is room left in its log and in half-filled pages; then there is none.
            fleet.until(503, seconds=90)
            disk.free()
            fleet.until(202, seconds=60)
            fleet.await_ready(queue="ok", store="ok")
            _read_only(server, on=True)
            fleet.until(503, seconds=60)
            fleet.await_ready(queue="read-only", store="read-only")
            _read_only(server, on=False)
            fleet.until(202, seconds=60)
            fleet.await_ready(queue="ok", store="ok")
            fleet.nothing_lost_or_doubled()
            figures(_line("postgresql's disk full, then read-only", fleet))


def test_what_was_accepted_outlives_a_file_system_that_gives_up(
    tmp_path: Path, figures: Callable[[str], None]
) -> None:
    with (
        failing_disk(tmp_path / "disk") as disk,
        running_service(tmp_path, disk=disk.folder, more=FAST) as service,
    ):
        fleet = _Fleet(service)
        for _ in range(2):
            fleet.until(202)
            assert set(fleet.push(4)) == {202}
            disk.give_up()
            assert set(fleet.push(4)) == {503}
            fleet.await_lost("queue", "store")
            assert set(fleet.ready().values()) <= {"read-only", "io-error"}
            service.kill_tree()
            disk.repair()
            service.start()
            service.wait_ready()
        fleet.until(202)
        fleet.nothing_lost_or_doubled()
        figures(_line("file system gone read-only", fleet))


@pytest.mark.parametrize(
    ("calls", "error", "kind"),
    [
        ("fsync,fdatasync", "EIO", "io-error"),
        ("pwrite64,ftruncate,fallocate", "EROFS", "io-error"),
        ("pwrite64,ftruncate,fallocate", "ENOSPC", "disk-full"),
    ],
    ids=["sync-refused", "read-only", "full"],
)
def test_what_the_kernel_refuses_is_never_answered_with_202(
    tmp_path: Path, calls: str, error: str, kind: str, figures: Callable[[str], None]
) -> None:
    with running_service(tmp_path, more=FAST) as service:
        fleet, before = _Fleet(service), _processes(service)
        for _ in range(2):
            assert set(fleet.push(4)) == {202}
            with refusing(list(before.values()), calls, error):
                assert set(fleet.push(3)) == {503}
                fleet.await_ready(queue=kind)
            fleet.until(202)
            fleet.await_ready(queue="ok", store="ok")
        fleet.nothing_lost_or_doubled()
        assert _same_processes(service, before)
        figures(_line(f"{calls} gives {error}", fleet))


def _line(what: str, fleet: _Fleet) -> str:
    return f"{what}: accepted {len(fleet.accepted)}, told to come later {fleet.refused}; lost 0, doubled 0"
