"""An agent's own work, gone wrong for real: the doctor says how and what to do."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from tests.agent.server import Reply
from tests.agent.sick import Sick

from vedette.agent import Outcome, Runner
from vedette.agent.doctor.work import judge_unit
from vedette.agent.health import Health
from vedette.core import ManualClock, SystemClock


def test_an_agent_that_does_not_run_and_one_that_stands_still(working: Sick) -> None:
    assert "an agent runs; its last look" in working.says("process", Outcome.FINE)
    working.clock = ManualClock(SystemClock().now() + timedelta(minutes=10))
    assert "its last look was 6" in working.says("process", Outcome.PROBLEM)


def test_an_agent_that_is_not_started(sick: Sick) -> None:
    assert "systemctl start vedette-agent" in sick.says("process", Outcome.PROBLEM)
    assert "has not looked yet" in sick.says("sight", Outcome.UNKNOWN)


def test_the_last_error_is_told_with_its_time(sick: Sick) -> None:
    sick.look(1)
    sick.server.stop()
    runner = Runner(sick.settings, sick.clock)
    runner._shipper.step()
    runner._report()
    runner.close()
    assert "can't be reached" in sick.says("last error", Outcome.WARNING)


def _report(sick: Sick, **changes: object) -> None:
    health = Health(sick.state, sick.clock)
    health._update(**changes)
    health.write()


def test_what_was_refused_or_lost_is_a_problem_for_a_day(sick: Sick) -> None:
    sick.look(1)
    sick.says("losses", Outcome.FINE)
    refused = Reply(400, {"type": "/problems/bad-envelope"})
    sick.server.script = lambda seen: refused if seen.path == "/v1/snapshots" else Reply(200)
    runner = Runner(sick.settings, sick.clock)
    runner._shipper.step()
    runner._report()
    runner.close()
    told = sick.says("losses", Outcome.PROBLEM)
    assert "1 refused by the server; the last at 20" in told
    assert "the server is blind" in told
    _report(sick, last_success_at=sick.clock.now(), lost=2)
    assert "2 lost before the spool" in sick.says("losses", Outcome.PROBLEM)
    sick.clock = ManualClock(sick.clock.now() + timedelta(days=2))
    sick.says("losses", Outcome.WARNING)
    _report(sick, last_loss_at=None)
    assert "when is not known" in sick.says("losses", Outcome.PROBLEM)
    _report(sick, refused=0, lost=0, conflicts=3)
    assert "3 in conflict" in sick.says("losses", Outcome.WARNING)


def test_times_yet_to_come_are_told_and_not_taken_for_fresh(working: Sick) -> None:
    working.clock = ManualClock(working.clock.now() - timedelta(hours=1))
    assert "yet to come: the clock was set back" in working.says("process", Outcome.UNKNOWN)
    assert "the last success was at" in working.says("last error", Outcome.UNKNOWN)
    assert working.examine().exit_code == 2


def test_a_waiting_snapshot_of_a_time_yet_to_come_is_told(sick: Sick) -> None:
    sick.look(1)
    sick.clock = ManualClock(sick.clock.now() - timedelta(hours=1))
    assert "from now" in sick.says("spool", Outcome.WARNING)


def test_an_agent_that_was_stopped_by_a_signal_is_a_problem(sick: Sick) -> None:
    sick.look(1)
    code = f"import fcntl, time; f = open({str(sick.state / 'lock')!r}, 'w'); fcntl.flock(f, 2); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        agent.stdout.readline()
        sick.says("process", Outcome.FINE)
        agent.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, agent.pid, os.WSTOPPED)
        assert f"kill -CONT {agent.pid}" in sick.says("process", Outcome.PROBLEM)
        agent.kill()


def test_what_is_not_read_is_named(sick: Sick) -> None:
    tree = Path(sick.settings.root)
    (tree / "etc/passwd").unlink()
    sick.look(1)
    told = sick.says("sight", Outcome.WARNING)
    assert "suid_bin" in told
    assert "root" in told


def test_an_agent_over_its_ceiling(sick: Sick) -> None:
    small = msgspec.structs.replace(sick.settings, memory_mib=32)
    runner = Runner(small, sick.clock)
    runner.look()
    runner._keep_to_ceilings()
    runner.close()
    told = sick.says("cost", Outcome.WARNING, memory_mib=32)
    assert "32 MiB are allowed" in told
    assert "raise cpu_percent or memory_mib" in told


@pytest.mark.parametrize(
    ("shown", "outcome", "words"),
    [
        ("LoadState=not-found\nActiveState=inactive\n", Outcome.FINE, "is not installed"),
        ("LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=0\n", Outcome.FINE, "active (running)"),
        ("LoadState=loaded\nActiveState=failed\nSubState=failed\nResult=oom-kill\n", Outcome.PROBLEM, "oom-kill"),
        ("LoadState=loaded\nActiveState=active\nSubState=running\nNRestarts=7\n", Outcome.WARNING, "7 times"),
    ],
)  # fmt: skip
def test_the_units_state_as_systemctl_shows_it(shown: str, outcome: Outcome, words: str) -> None:
    found = judge_unit(shown)
    assert found.outcome is outcome
    assert words in found.text
