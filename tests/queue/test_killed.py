"""A process that is killed outright loses nothing that it has acknowledged, and nothing is there half."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tests.contracts.queue_case import message

from vedette.core import ManualClock
from vedette.queue import Appended, SqlQueue

pytestmark = pytest.mark.faults

_ROUNDS = 3
_BATCH = 5
_APPENDER = """
import sys
from vedette.core import SystemClock
from vedette.queue import SqlQueue
from tests.contracts.queue_case import message

url, start, batch = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
queue = SqlQueue(url, SystemClock())
while True:
    queue.append([message("h", seq, body=b"%d " % seq * 4000) for seq in range(start, start + batch)])
    start += batch
    sys.stdout.write(f"{start}\\n")
    sys.stdout.flush()
"""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'queue.sqlite'}"
    return str(request.getfixturevalue("postgres_url"))


@contextmanager
def _appending(url: str, start: int) -> Iterator[subprocess.Popen[str]]:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", _APPENDER, url, str(start), str(_BATCH)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        try:
            yield process
        finally:
            process.kill()


def _acknowledged_before_the_kill(url: str, start: int, batches: int) -> int:
    """The first seq of which the killed process did not say that it is stored."""
    upto = start
    with _appending(url, start) as process:
        assert process.stdout is not None
        for _ in range(batches):
            upto = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        for line in process.stdout:  # said between the last one read and the kill
            upto = int(line)
    return upto


def test_every_acknowledged_message_outlives_a_killed_appender(url: str) -> None:
    start = 0
    for batches in range(2, 2 + 4 * _ROUNDS, 4):
        upto = _acknowledged_before_the_kill(url, start, batches)
        with closing(SqlQueue(url, ManualClock())) as queue:
            stored = []
            while deliveries := queue.poll(limit=500, lease_seconds=60):
                stored += [delivery.message.identity.seq for delivery in deliveries]
                queue.commit(deliveries)
            # A batch on its way at the kill is there whole or not at all.
            assert stored in (list(range(start, upto)), list(range(start, upto + _BATCH)))
            assert queue.append(
                [message("h", seq, body=b"%d " % seq * 4000) for seq in stored]
            ) == [Appended.DUPLICATE] * len(stored)
        start = stored[-1] + 1
