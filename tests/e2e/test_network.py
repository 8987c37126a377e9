"""A real agent at the other end of a bad network: all its snapshots arrive, in order, once."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.fixtures.network import Network
from tests.fixtures.relay import Relay
from tests.fixtures.service import running_service

from vedette.agent import AgentSettings, Report, Status, status
from vedette.app.demo.port import free_port

# Its processes run what others trace.
pytestmark = pytest.mark.no_cover

INTERVAL = 0.5
REQUEST_TIMEOUT = 3.0
CLI = (sys.executable, "-m", "vedette", "agent")


class Judged(NamedTuple):
    """A verdict as the store has it."""

    seq: int
    taken_at: datetime
    late: bool
    reasons: str


class Far:
    """The agent at the far end, its server, and all that is between them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.network = stack.enter_context(Network())
        port = free_port()
        self.relay = stack.enter_context(Relay(("127.0.0.1", port), host=self.network.here))
        url = f"https://{self.network.here}:{self.relay.port}"
        server = f'port = {port}\npublic_url = "{url}"\nnames = ["localhost", "127.0.0.1", "{self.network.here}"]'
        self.service = stack.enter_context(running_service(folder, server=server))
        self.service.url = f"https://localhost:{port}"
        self.config = folder / "agent.toml"
        self.config.write_text(
            f'state_dir = "{folder / "agent"}"\ninterval = {INTERVAL}\nrequest_timeout = {REQUEST_TIMEOUT}\n'
            "command_wait = 2\ncpu_percent = 100\n"
        )
        self.settings = AgentSettings.load(self.config, {})
        self._run(*CLI, "enroll", self.service.enrolment(), "--config", str(self.config))

    @property
    def status(self) -> Status:
        return status(self.settings)

    @property
    def report(self) -> Report:
        return self.status.report

    @contextmanager
    def agent(self, *command: str) -> Iterator["subprocess.Popen[bytes]"]:
        """The agent at work; ended by SIGTERM."""
        with (self.folder / "agent.log").open("ab") as log:
            process = subprocess.Popen(
                self.network.inside(*command), stdout=log, stderr=log, env=_environment()
            )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise

    def wait(self, holds: Callable[[Report], bool], seconds: float = 90.0) -> Report:
        """The agent's report, once it is as wanted."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if holds(report := self.report):
                return report
            time.sleep(0.1)
        raise AssertionError(f"{self.status}\n{(self.folder / 'agent.log').read_text()[-3000:]}")

    def wait_for(self, more: int) -> Report:
        """The report, once so many more snapshots are with the server."""
        before = self.report.shipped
        return self.wait(lambda report: report.shipped >= before + more)

    def judged(self, count: int) -> list[Judged]:
        """The verdicts in the order in which they were written, once there are so many."""
        self.service.wait_for_verdicts(count)
        store = sqlite3.connect(
            f"file:{self.service.settings.data / 'store.sqlite'}?mode=ro", uri=True
        )
        query = "SELECT seq, taken_at, late, reasons FROM verdicts WHERE host = ? ORDER BY rowid"
        try:
            rows = store.execute(query, (self.status.host,)).fetchall()
        finally:
            store.close()
        return [Judged(s, _moment(t), bool(late), str(r)) for s, t, late, r in rows]

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            self.network.inside(*command),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env=_environment(),
        )
        assert done.returncode == 0, done.stderr


def _moment(micros: int) -> datetime:
    return datetime.fromtimestamp(micros / 1e6, UTC)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("VEDETTE_")}


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    with ExitStack() as stack:
        yield Far(tmp_path, stack)


def _bad_weather(far: Far) -> None:
    """Loss, delay, and a cut, while the agent works."""
    far.wait_for(3)
    far.network.lose(30)
    far.wait_for(6)
    # How many of the few packets that so many snapshots take are lost is a matter of chance.
    far.wait(lambda _: far.network.lost() > 10)
    far.network.heal()
    far.relay.delay = 2.0
    far.wait_for(2)
    far.relay.delay = 0.0
    far.wait(lambda _: far.status.spool_depth == 0)
    far.network.cut()
    cut = far.report
    time.sleep(3 * REQUEST_TIMEOUT + 1.0)
    assert far.report.shipped <= cut.shipped + 2
    assert far.status.spool_depth >= 5
    far.network.mend()
    far.wait(lambda _: far.status.spool_depth == 0)


def _stepped_clock(far: Far, agent: "subprocess.Popen[bytes]") -> None:
    """An hour ahead and back again."""
    far.wait_for(2)
    agent.send_signal(signal.SIGUSR1)
    far.wait_for(3)
    assert abs(far.status.offset_seconds + 3600) < 5
    agent.send_signal(signal.SIGUSR2)
    far.wait_for(3)
    assert abs(far.status.offset_seconds) < 5


def test_over_a_bad_network_all_snapshots_arrive_in_order_and_once(far: Far) -> None:
    with far.agent(*CLI, "run", "--config", str(far.config)):
        _bad_weather(far)
    stepped = str(Path(__file__).with_name("stepped_agent.py"))
    with far.agent(sys.executable, stepped, str(far.config)) as agent:
        _stepped_clock(far, agent)
    end = far.status
    assert end.next_seq is not None
    assert (end.spool_depth, end.dropped, end.torn) == (0, 0, 0)
    report = end.report
    assert (report.lost, report.refused, report.conflicts) == (0, 0, 0)
    verdicts = far.judged(end.next_seq - 1)
    assert [one.seq for one in verdicts] == list(range(1, end.next_seq))
    assert report.shipped == len(verdicts)
    assert not [one for one in verdicts if one.late]
    assert not [one for one in verdicts if '"gap:' in one.reasons]
    _check_times(verdicts)


def _check_times(verdicts: list[Judged]) -> None:
    """`taken_at` rises, but for the one step back, which is blindness once."""
    times = [one.taken_at for one in verdicts]
    falls = [at for at in range(1, len(times)) if times[at] <= times[at - 1]]
    assert len(falls) == 1
    assert times[falls[0] - 1] - times[falls[0]] > timedelta(minutes=59)
    blind = [at for at, one in enumerate(verdicts) if '"clock"' in one.reasons]
    assert blind == falls
