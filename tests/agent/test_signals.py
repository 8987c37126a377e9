"""A signal reaches the very process that was meant, and no other that bears its pid."""

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from vedette.agent.actions.processes import look, send
from vedette.agent.collect.source import Source

SOURCE = Source()


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    made = subprocess.Popen(["sleep", "600"])
    yield made
    made.kill()
    made.wait()


def test_a_process_that_has_the_pid_but_began_at_another_time_gets_no_signal(
    sleeper: subprocess.Popen[bytes],
) -> None:
    found = look(sleeper.pid, SOURCE)
    assert found is not None
    for ticks in (found.ticks - 1, found.ticks + 1):
        assert not send(sleeper.pid, ticks, signal.SIGKILL, SOURCE)
    assert sleeper.poll() is None
    assert send(sleeper.pid, found.ticks, signal.SIGKILL, SOURCE)
    assert sleeper.wait(30) == -signal.SIGKILL


def test_who_is_gone_but_not_yet_fetched_gets_none(sleeper: subprocess.Popen[bytes]) -> None:
    found = look(sleeper.pid, SOURCE)
    assert found is not None
    assert send(sleeper.pid, found.ticks, signal.SIGKILL, SOURCE)
    # Left as a zombie: its end is awaited without its status being fetched.
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert not send(sleeper.pid, found.ticks, signal.SIGTERM, SOURCE)
