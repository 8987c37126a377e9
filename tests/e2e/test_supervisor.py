"""The process tree: what ends is started again, and nothing is left behind."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.fixtures.quiet_host import quiet_snapshots
from tests.fixtures.service import Service, running_service


def _eventually(what: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.1)
    return False


def _alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def _children(service: Service) -> dict[str, int]:
    found = {name: service.pid(name) for name in ("api", "detector", "responder")}
    return {name: pid for name, pid in found.items() if pid is not None}


def test_each_process_is_started_again_and_none_outlives_the_supervisor(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        before = _children(service)
        assert set(before) == {"api", "detector", "responder"}
        for name in before:
            assert service.kill(name)
        assert _eventually(
            lambda: all(service.pid(name) not in {None, pid} for name, pid in before.items())
        )
        service.wait_ready()
        sender = service.sender()
        for snapshot in quiet_snapshots(3):
            assert sender.push(sender.envelope(snapshot)).status_code in {202, 401}
        after = _children(service)
        os.kill(service.process.pid, signal.SIGKILL)
        assert _eventually(lambda: not any(_alive(pid) for pid in after.values()))
        service.process.wait()


def test_a_stop_does_not_wait_for_hosts_that_wait_for_commands(tmp_path: Path) -> None:
    with running_service(tmp_path) as service:
        sender = service.sender()
        answers: list[int] = []

        def poll() -> None:
            answers.append(
                sender.signed("GET", "/v1/commands", b"", "", query="wait=55").status_code
            )

        polling = threading.Thread(target=poll)
        polling.start()
        time.sleep(1)
        service.process.terminate()
        service.process.wait(20)
        polling.join(20)
        log = (service.settings.data / "server.log").read_text()
    assert answers == [200]
    assert "Exception in ASGI application" not in log
