"""Each thing that an agent needs, broken for real: the doctor says which it is and what to do, and changes nothing."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.agent.proxy import Proxy
from tests.agent.server import Reply, Seen, Server
from tests.agent.tree import Tree
from tests.fixtures.services import require

from vedette.agent import (
    AgentSettings,
    Diagnosis,
    Enrolment,
    Outcome,
    Runner,
    examine,
    run,
)
from vedette.agent.doctor.work import judge_unit
from vedette.agent.health import Health
from vedette.core import Clock, ConfigError, HostId, ManualClock, SystemClock, TenantId
from vedette.seal import Authority, KeyRing, SigningKey

RING, COMMANDING, KEY = KeyRing.generate(), SigningKey.generate(), SigningKey.generate()
_NOBODY = 65534


def _script(seen: Seen) -> Reply:
    seen.verify(KEY.public)
    return Reply(202) if seen.path == "/v1/snapshots" else Reply(200, {"commands": []})


class Sick:
    """An enrolled agent on a made host, which tests break."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.server = server
        self.settings = AgentSettings(
            state_dir=str(folder / "state"),
            root=str(Tree(folder / "host").root),
            interval=0.2,
            command_wait=0.0,
            spool_bytes=1024 * 1024,
            # It runs in the test's own process, whose size is not the agent's.
            memory_mib=4096,
        )
        self.clock: Clock = SystemClock()
        self.enrolment = Enrolment(
            host=HostId("h1"),
            tenant=TenantId("default"),
            server=server.url,
            ingest_key=RING.current.public.to_text(),
            command_key=COMMANDING.public.to_text(),
            interval=60.0,
            enrolled_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        self.save()

    @property
    def state(self) -> Path:
        return self.settings.state

    def save(self, ca_pem: bytes | None = None, **changes: object) -> None:
        """Writes the enrolment, with some of it replaced."""
        self.enrolment = msgspec.structs.replace(self.enrolment, **changes)
        self.enrolment.save(self.state, KEY, ca_pem or self.server.authority.ca_pem)

    def look(self, count: int) -> None:
        """Snapshots into the spool, as an agent without a network makes them."""
        runner = Runner(self.settings, self.clock)
        for _ in range(count):
            runner.look()
        runner._report()
        runner.close()

    def examine(self, **changes: object) -> Diagnosis:
        settings = msgspec.structs.replace(self.settings, **changes)
        return examine(lambda: settings, self.clock, config=None)

    def says(self, check: str, outcome: Outcome, **changes: object) -> str:
        """The finding of a check, with its advice; it must be of this outcome."""
        diagnosis = self.examine(**changes)
        found = next(one for one in diagnosis.findings if one.check == check)
        assert found.outcome is outcome, found
        assert outcome is Outcome.FINE or found.advice or outcome is Outcome.UNKNOWN
        assert diagnosis.exit_code == 1 or outcome is not Outcome.PROBLEM
        return f"{found.text}. {found.advice}"


@pytest.fixture
def sick(tmp_path: Path, server: Server) -> Sick:
    server.script = _script
    return Sick(tmp_path, server)


@pytest.fixture
def working(sick: Sick) -> Iterator[Sick]:
    """With an agent that runs and has sent something."""
    arrived, stop = threading.Event(), threading.Event()

    def script(seen: Seen) -> Reply:
        if len([one for one in sick.server.seen if one.path == "/v1/snapshots"]) >= 3:
            arrived.set()
        return _script(seen)

    sick.server.script = script
    agent = threading.Thread(target=run, args=(sick.settings, SystemClock(), stop))
    agent.start()
    assert arrived.wait(30)
    yield sick
    stop.set()
    agent.join(30)


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
    os.chown(sick.state / "host.key", _NOBODY, -1)
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


def test_an_authority_that_is_missing_damaged_or_expired(sick: Sick, tmp_path: Path) -> None:
    old = ManualClock(SystemClock().now() - timedelta(days=3660))
    ended = Authority.create(tmp_path / "old", ["localhost"], clock=old)
    sick.save(ended.ca_pem)
    assert "has expired" in sick.says("authority", Outcome.PROBLEM)
    sick.save(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert "is no certificate" in sick.says("authority", Outcome.PROBLEM)
    Enrolment.ca_path(sick.state).unlink()
    assert "is missing" in sick.says("authority", Outcome.PROBLEM)
    assert "see authority" in sick.says("tls", Outcome.PROBLEM)


def test_a_name_that_leads_nowhere(sick: Sick) -> None:
    sick.save(server="https://vedette.invalid:8443")
    told = sick.says("name", Outcome.PROBLEM)
    assert "vedette.invalid can't be resolved" in told
    assert "/etc/resolv.conf" in told
    assert "see name" in sick.says("connection", Outcome.PROBLEM)


def test_a_server_that_does_not_listen(sick: Sick) -> None:
    sick.server.stop()
    told = sick.says("connection", Outcome.PROBLEM)
    assert "Connection refused" in told
    assert "see that the server runs" in told


def _serve_with(sick: Sick, authority: Authority) -> None:
    """The same port answers with another certificate."""
    sick.server.stop()
    sick.server.authority = authority
    sick.server.start()


def test_a_server_of_another_authority(sick: Sick, tmp_path: Path) -> None:
    _serve_with(sick, Authority.create(tmp_path / "other", ["localhost"]))
    told = sick.says("tls", Outcome.PROBLEM)
    assert "another certificate authority than the one pinned" in told
    assert "enroll --again" in told


def test_a_certificate_that_has_expired(sick: Sick, tmp_path: Path) -> None:
    old = ManualClock(SystemClock().now() - timedelta(days=200))
    authority = Authority.create(tmp_path / "old", ["localhost"], clock=old)
    sick.save(authority.ca_pem)
    _serve_with(sick, authority)
    assert "has expired by this host's clock" in sick.says("tls", Outcome.PROBLEM)


def test_a_certificate_that_expires_soon(sick: Sick, tmp_path: Path) -> None:
    old = ManualClock(SystemClock().now() - timedelta(days=170))
    authority = Authority.create(tmp_path / "old", ["localhost"], clock=old)
    sick.save(authority.ca_pem)
    _serve_with(sick, authority)
    assert "expires soon" in sick.says("tls", Outcome.WARNING)


def test_a_certificate_for_another_name(sick: Sick, tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "named", ["vedette.example"])
    sick.save(authority.ca_pem)
    _serve_with(sick, authority)
    told = sick.says("tls", Outcome.PROBLEM)
    assert "is not for localhost" in told
    assert "server.names" in told


def test_somebody_between_who_opens_tls(sick: Sick, tmp_path: Path) -> None:
    authority = Authority.create(tmp_path / "corporate", ["localhost"])
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Corporate inspection")])
    now = SystemClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    authority.server_path.write_bytes(certificate.public_bytes(Encoding.PEM))
    authority.server_key_path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    _serve_with(sick, authority)
    told = sick.says("tls", Outcome.PROBLEM)
    assert "issued by 'Corporate inspection', not by the pinned authority" in told


def test_something_else_on_the_servers_port(sick: Sick) -> None:
    def talk(listener: socket.socket) -> None:
        while True:
            try:
                one, _ = listener.accept()
            except OSError:
                return
            with one:
                one.sendall(b"SSH-2.0-OpenSSH_9.9\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=talk, args=(listener,), daemon=True).start()
        sick.save(server=f"https://localhost:{listener.getsockname()[1]}")
        assert "does not speak TLS" in sick.says("tls", Outcome.PROBLEM)
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("status", "kind", "outcome", "words"),
    [
        (403, "revoked-host", Outcome.PROBLEM, "was revoked on purpose"),
        (401, "unknown-signer", Outcome.PROBLEM, "does not know this host's key"),
        (429, "throttled", Outcome.WARNING, "two machines"),
        (503, "unavailable", Outcome.PROBLEM, "the server's log"),
        (404, "not-found", Outcome.PROBLEM, "compare the versions"),
    ],
)
def test_what_the_server_says_to_a_signed_request(
    sick: Sick, status: int, kind: str, outcome: Outcome, words: str
) -> None:
    sick.server.script = lambda _: Reply(status, {"type": f"/problems/{kind}", "detail": "so"})
    told = sick.says("request", outcome)
    assert f"the server says: {status} so" in told
    assert words in told


@pytest.mark.parametrize(
    ("ahead", "outcome", "words"),
    [
        (-3600, Outcome.WARNING, "it is 3600 s behind the server's; requests are corrected"),
        (3600, Outcome.WARNING, "it is 3600 s ahead of the server's; requests are corrected"),
        (90000, Outcome.PROBLEM, "refuses snapshots of a time more than a day ahead"),
    ],
)
def test_a_clock_that_is_off(sick: Sick, ahead: int, outcome: Outcome, words: str) -> None:
    sick.clock = ManualClock(SystemClock().now() + timedelta(seconds=ahead))

    def script(seen: Seen) -> Reply:
        now = SystemClock().now().timestamp()
        if abs(seen.signature.created - now) > 300:
            return Reply(401, {"type": "/problems/stale-signature", "server_time": now})
        return _script(seen)

    sick.server.script = script
    told = sick.says("clock", outcome)
    assert words in told.replace("3599", "3600").replace("3601", "3600")
    assert "timedatectl" in told
    assert "takes what this host signs" in sick.says("request", Outcome.FINE)


def test_a_clock_that_is_a_little_off_is_seen_by_the_answers_date(sick: Sick) -> None:
    sick.clock = ManualClock(SystemClock().now() - timedelta(seconds=100))
    told = sick.says("clock", Outcome.WARNING)
    assert " s behind the server's" in told
    assert "requests are corrected" not in told


def test_a_proxy_that_refuses_the_password_which_is_not_told(sick: Sick) -> None:
    with Proxy(credentials="ana:s3cret") as proxy:
        good = f"http://ana:s3cret@127.0.0.1:{proxy.port}"
        assert "connects to localhost" in sick.says("proxy", Outcome.FINE, proxy=good)
        assert "verified against the pinned" in sick.says("tls", Outcome.FINE, proxy=good)
        bad = f"http://ana:wr0ng@127.0.0.1:{proxy.port}"
        told = sick.says("proxy", Outcome.PROBLEM, proxy=bad)
        assert f"http://127.0.0.1:{proxy.port} does not take the name and password" in told
        everything = str(sick.examine(proxy=bad))
    assert "wr0ng" not in everything
    assert "ana" not in everything
    assert "does not connect to localhost" in sick.says("proxy", Outcome.PROBLEM, proxy=good)


def test_a_proxys_password_that_everybody_can_read(sick: Sick, tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    config.write_text("x")
    config.chmod(0o644)
    settings = msgspec.structs.replace(sick.settings, proxy="http://a:b@127.0.0.1:1")
    found = examine(lambda: settings, sick.clock, config=config).findings
    assert f"chmod 600 {config}" in [one.advice for one in found if one.check == "proxy"]


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
