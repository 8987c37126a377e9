"""Each thing that an agent needs, broken for real: the doctor says which it is and what to do, and changes nothing."""

import json
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import msgspec
from tests.agent.server import Reply
from tests.agent.sick import NOBODY, Sick
from tests.fixtures.services import require

from vedette.agent import AgentSettings, Outcome, Runner, examine
from vedette.core import ConfigError, HostId, ManualClock, SystemClock


def _everything(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    found = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (about.st_mode, about.st_mtime_ns, about.st_ino, content)
    return found


def test_a_healthy_agent_at_work_is_told_as_such(working: Sick) -> None:
    diagnosis = working.examine()
    assert [one for one in diagnosis.findings if one.outcome is not Outcome.FINE] == []
    assert diagnosis.healthy
    assert diagnosis.exit_code == 0
    assert [one.check for one in diagnosis.findings] == [
        "settings", "enrolment", "folder", "disk", "journal", "spool", "keys", "authority", "name",
        "connection", "proxy", "tls", "request", "clock", "process", "unit", "last error", "losses",
        "sight", "cost",
    ]  # fmt: skip


def test_it_changes_nothing_and_works_offline(sick: Sick) -> None:
    sick.look(2)
    sick.server.stop()
    before = _everything(sick.state)
    diagnosis = sick.examine()
    assert _everything(sick.state) == before
    wrong = {one.check for one in diagnosis.findings if one.outcome is Outcome.PROBLEM}
    assert wrong == {"connection", "tls", "request", "process"}
    assert diagnosis.exit_code == 1


def test_settings_that_can_not_be_read() -> None:
    def load() -> AgentSettings:
        raise ConfigError("the agent has no setting 'intervall'; did you mean interval?")

    diagnosis = examine(load, ManualClock(), config=None)
    assert [one.check for one in diagnosis.findings] == ["settings"]
    assert "did you mean interval?" in diagnosis.findings[0].text
    assert diagnosis.exit_code == 1


def test_a_host_that_is_not_enrolled(sick: Sick) -> None:
    shutil.rmtree(sick.state)
    told = sick.says("enrolment", Outcome.PROBLEM)
    assert "not enrolled" in told
    assert "vedette agent enroll TOKEN" in told


def test_a_damaged_enrolment(sick: Sick) -> None:
    (sick.state / "enrolment.json").write_bytes(b"{")
    (sick.state / "enrolment.json").chmod(0o600)
    assert "is damaged" in sick.says("enrolment", Outcome.PROBLEM)


def test_a_folder_that_others_may_enter(sick: Sick) -> None:
    sick.state.chmod(0o755)
    assert f"chmod 700 {sick.state}" in sick.says("folder", Outcome.PROBLEM)


def test_files_of_another_owner(sick: Sick) -> None:
    if os.geteuid() != 0:
        require("root", "only root can give files away")
    os.chown(sick.state / "host.key", NOBODY, -1)
    told = sick.says("folder", Outcome.PROBLEM)
    assert "host.key" in told
    assert "chown -R" in told


def test_a_disk_without_room_for_a_full_spool(sick: Sick) -> None:
    assert "lower spool_bytes" in sick.says("disk", Outcome.WARNING, spool_bytes=2**60)


def test_a_damaged_journal_is_told_and_left_as_it_is(sick: Sick) -> None:
    sick.look(1)
    journal = sick.state / "journal.sqlite"
    data = journal.read_bytes()
    journal.write_bytes(data[:4096] + os.urandom(len(data) - 4096))
    before = journal.read_bytes()
    assert "begins a new epoch" in sick.says("journal", Outcome.PROBLEM)
    assert journal.read_bytes() == before


def test_a_journal_that_was_damaged_once_and_one_that_is_missing(sick: Sick) -> None:
    sick.look(1)
    (sick.state / "journal.sqlite.damaged").write_bytes(b"x")
    assert "an earlier one was damaged" in sick.says("journal", Outcome.WARNING)
    (sick.state / "journal.sqlite").unlink()
    assert "new epoch" in sick.says("journal", Outcome.WARNING)


def test_snapshots_that_wait_are_counted_with_their_age(sick: Sick) -> None:
    sick.look(3)
    assert "3 snapshots wait" in sick.says("spool", Outcome.FINE)
    late = ManualClock(SystemClock().now() + timedelta(hours=2))
    sick.clock = late
    assert "the oldest for 72" in sick.says("spool", Outcome.WARNING)
    assert "nearly full" in sick.says("spool", Outcome.PROBLEM, spool_count=3)


def test_a_spool_that_lost_snapshots(sick: Sick) -> None:
    small = msgspec.structs.replace(sick.settings, spool_count=2)
    runner = Runner(small, sick.clock)
    for _ in range(5):
        runner.look()
    runner.close()
    assert "3 dropped and 0 torn" in sick.says("spool", Outcome.FINE, spool_count=100)
    first = min((sick.state / "spool").glob("*.sealed"))
    first.write_bytes(first.read_bytes()[:-1])
    assert "the oldest is damaged" in sick.says("spool", Outcome.WARNING)


def test_a_number_that_another_machine_used_is_told_for_a_day(sick: Sick) -> None:
    conflict = Reply(409, {"type": "/problems/identity-conflict"})
    sick.server.script = lambda seen: conflict if seen.path == "/v1/snapshots" else Reply(200)
    runner = Runner(sick.settings, sick.clock)
    runner.look()
    runner._shipper.step()
    runner._report()
    runner.close()
    assert "copied, or restored from a backup" in sick.says("keys", Outcome.WARNING)
    sick.clock = ManualClock(sick.clock.now() + timedelta(days=2))
    sick.says("keys", Outcome.FINE)


def test_keys_that_are_open_damaged_or_of_another_identity(sick: Sick) -> None:
    sick.look(1)
    sick.save(host=HostId("h2"))
    assert "snapshots of host h1" in sick.says("keys", Outcome.WARNING)
    (sick.state / "host.key").chmod(0o644)
    assert "chmod 600" in sick.says("keys", Outcome.PROBLEM)
    sick.save(ingest_key="nonsense")
    assert "a key of the enrolment can't be used" in sick.says("keys", Outcome.PROBLEM)


# The interpreter of a checkout may lie where only root can go, so it is loaded before root's powers are given up.
_AS_NOBODY = """
import os, sys, zoneinfo
import vedette.agent, vedette.agent.doctor.examination, vedette.app.agent_logs
from vedette.app.cli.main import main
os.setgroups([]); os.setgid(65534); os.setuid(65534)
sys.argv[0] = "vedette"
main()
"""


def _doctor(*arguments: str, nobody: bool = False) -> "subprocess.CompletedProcess[str]":
    program = ["-c", _AS_NOBODY] if nobody else ["-m", "vedette"]
    environment = dict(os.environ)
    if nobody:
        # Whoever may not write here can't keep what it covered either, and would say so at its end.
        environment.pop("COVERAGE_PROCESS_CONFIG", None)
    return subprocess.run(
        [sys.executable, *program, "agent", "doctor", *arguments],
        capture_output=True,
        env=environment,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_prints_a_line_for_each_check_or_json(sick: Sick, tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text(f'state_dir = "{sick.state}"\nroot = "{sick.settings.root}"\n')
    told = _doctor("--config", str(config))
    assert told.returncode == 1
    lines = told.stdout.splitlines()
    assert lines[0].startswith("✓ settings")
    assert any(one.startswith("✗ process") and "Do: systemctl start" in one for one in lines)
    assert told.stderr == ""
    as_json = _doctor("--config", str(config), "--json")
    found = json.loads(as_json.stdout)
    assert found["healthy"] is False
    assert [one["check"] for one in found["findings"]] == [
        one.split("  ")[0][2:].strip() for one in lines
    ]
    config.write_text("intervall = 3\n")
    assert "did you mean interval?" in _doctor("--config", str(config)).stdout


def test_a_user_who_may_not_look_is_told_so(sick: Sick) -> None:
    if os.geteuid() != 0:
        require("root", "only root can become another user")
    told = _doctor("--state-dir", str(sick.state), nobody=True)
    assert "Traceback" not in told.stderr, told.stderr
    assert "? enrolment" in told.stdout, told.stdout + told.stderr
    assert "run it as root, or as the agent's user" in told.stdout
    assert told.returncode == 2
