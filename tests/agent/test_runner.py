"""The whole agent at work against a real TLS server, its status, and one snapshot without any server."""

import base64
import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.agent.server import Reply, Seen, Server
from tests.agent.tree import Tree

from vedette.agent import AgentSettings, Enrolment, Runner, run, snapshot, status
from vedette.agent.journal_file import Damaged
from vedette.agent.spool import Spool
from vedette.core import (
    ActionId,
    ActionState,
    Command,
    CommandId,
    CommandResult,
    ConfigError,
    Conflict,
    HostId,
    ManualClock,
    SystemClock,
    TenantId,
    decode_snapshot,
)
from vedette.seal import KeyRing, SigningKey, open_envelope, sign_command

RING, COMMANDING, KEY = KeyRing.generate(), SigningKey.generate(), SigningKey.generate()


class Side:
    """The server's side of the whole conversation."""

    def __init__(self) -> None:
        self.envelopes: list[bytes] = []
        self.results: list[CommandResult] = []
        self.commands: list[str] = []
        self.enough = threading.Event()

    def __call__(self, seen: Seen) -> Reply:
        seen.verify(KEY.public)
        if seen.path == "/v1/snapshots":
            self.envelopes.append(seen.body)
        elif seen.method == "POST":
            self.results.append(msgspec.json.decode(seen.body, type=CommandResult))
        else:
            given, self.commands = self.commands, []
            return Reply(200, {"commands": given})
        if len(self.envelopes) >= 3 and len(self.results) >= 2:
            self.enough.set()
        return Reply(202 if seen.path == "/v1/snapshots" else 200)


@pytest.fixture
def settings(tmp_path: Path, server: Server) -> AgentSettings:
    tree = Tree(tmp_path / "host")
    tree.write("/etc/resolv.conf", "nameserver 192.0.2.53\n")
    made = AgentSettings(
        state_dir=str(tmp_path / "state"),
        root=str(tree.root),
        interval=0.1,
        command_wait=0.0,
        labels={"role": "web"},
    )
    Enrolment(
        host=HostId("h1"),
        tenant=TenantId("default"),
        server=server.url,
        ingest_key=RING.current.public.to_text(),
        command_key=COMMANDING.public.to_text(),
        interval=60.0,
        enrolled_at=datetime(2026, 1, 1, tzinfo=UTC),
    ).save(made.state, KEY, server.authority.ca_pem)
    return made


def _command() -> Command:
    now = SystemClock().now()
    return Command(
        id=CommandId("c1"),
        tenant=TenantId("default"),
        host=HostId("h1"),
        action=ActionId("a1"),
        kind="quarantine",
        parameters={},
        dry_run=True,
        issued_at=now + timedelta(seconds=5),
        expires_at=now + timedelta(minutes=5),
        nonce="n",
    )


def test_snapshots_flow_and_a_command_is_answered_until_it_is_stopped(
    settings: AgentSettings, server: Server
) -> None:
    side = Side()
    side.commands = [base64.b64encode(sign_command(_command(), COMMANDING)).decode()]
    server.script = side
    stop = threading.Event()
    agent = threading.Thread(target=run, args=(settings, SystemClock(), stop))
    agent.start()
    assert side.enough.wait(30)
    assert status(settings).running
    with pytest.raises(Conflict, match="another agent"):
        run(settings, SystemClock(), stop)
    stop.set()
    agent.join(30)
    assert not agent.is_alive()
    taken = []
    for envelope in side.envelopes:
        header, body = open_envelope(envelope, RING)
        one = decode_snapshot(body, header.content_type)
        assert header.matches(one)
        taken.append(one)
    assert [one.seq for one in taken] == list(range(1, len(taken) + 1))
    assert all("system.context_switches.rate" in one.metrics for one in taken)
    assert taken[0].host.labels == {"role": "web"}
    assert [one.state for one in side.results] == [
        ActionState.ACKNOWLEDGED,
        ActionState.SIMULATED,
    ]
    assert "jump incoming" in side.results[1].data["plan"]
    stands = status(settings)
    assert not stands.running
    assert stands.spool_depth == 0
    assert stands.next_seq == len(taken) + 1
    assert stands.report.shipped == len(taken)
    assert stands.report.last_seq == len(taken)
    assert stands.report.cost is not None


def test_an_agent_without_its_server_spools_sealed_and_delivers_after_a_restart(
    settings: AgentSettings, server: Server
) -> None:
    server.stop()
    first = Runner(settings, SystemClock())
    for _ in range(3):
        first.look()
    first.close()
    spooled = [path.read_bytes() for path in sorted((settings.state / "spool").glob("*.sealed"))]
    assert len(spooled) == 3
    assert not [data for data in spooled if b"made-1" in data or b"/usr/sbin/init" in data]
    side = Side()
    server.script = side
    server.start()
    second = Runner(settings, SystemClock())
    second.look()
    second._shipper.drain(20)
    second.close()
    seqs = [open_envelope(envelope, RING)[0].seq for envelope in side.envelopes]
    assert seqs == [1, 2, 3, 4]


def test_a_look_that_fails_is_counted_and_shows_as_a_gap(
    settings: AgentSettings, tmp_path: Path
) -> None:
    runner = Runner(settings, ManualClock())
    stat = tmp_path / "host" / "proc" / "stat"
    content = stat.read_bytes()
    stat.unlink()
    runner.look()
    stat.write_bytes(content)
    runner.look()
    runner.close()
    assert runner._health.report.lost == 1
    found = Spool(settings.state / "spool", max_bytes=10**9, max_count=100).head()
    assert found is not None
    assert found[0].seq == 2


def test_whatever_one_look_meets_the_next_is_taken(
    settings: AgentSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(settings, ManualClock())
    whole = runner._collector.snapshot

    def too_much(*_: object) -> None:
        raise OverflowError("can't serialize ints >= 2**64")

    monkeypatch.setattr(runner._collector, "snapshot", too_much)
    runner._first_readings()
    runner.look()
    monkeypatch.setattr(runner._collector, "snapshot", whole)
    runner.look()
    report = runner._health.report
    runner.close()
    assert (report.lost, report.last_seq) == (1, 2)
    assert "OverflowError: can't serialize" in report.last_error


def test_a_journal_that_is_damaged_at_work_ends_the_agent_and_the_next_begins_anew(
    settings: AgentSettings,
) -> None:
    runner = Runner(settings, ManualClock())
    runner.look()
    epoch = runner._journal.epoch
    with runner._journal.changing() as db:
        db.execute("DELETE FROM fields WHERE name = 'next_seq'")
    with pytest.raises(Damaged, match="no next_seq"):
        runner.look()
    runner.close()
    again = Runner(settings, ManualClock())
    again.look()
    assert again._journal.epoch != epoch
    assert again._health.report.last_seq == 1
    again.close()


def test_an_agent_that_can_not_look_at_its_start_goes_on_trying(
    settings: AgentSettings, server: Server, tmp_path: Path
) -> None:
    arrived, polled, stop = threading.Event(), threading.Event(), threading.Event()

    def script(seen: Seen) -> Reply:
        (arrived if seen.path == "/v1/snapshots" else polled).set()
        return Reply(202) if seen.path == "/v1/snapshots" else Reply(200, {"commands": []})

    server.script = script
    stat = tmp_path / "host" / "proc" / "stat"
    content = stat.read_bytes()
    stat.unlink()
    agent = threading.Thread(target=run, args=(settings, SystemClock(), stop))
    agent.start()
    assert polled.wait(30)
    stat.write_bytes(content)
    assert arrived.wait(30)
    stop.set()
    agent.join(30)
    assert not agent.is_alive()


def test_sigterm_ends_the_agent_in_peace(settings: AgentSettings, server: Server) -> None:
    arrived = threading.Event()

    def script(seen: Seen) -> Reply:
        if seen.path == "/v1/snapshots":
            arrived.set()
            return Reply(202)
        return Reply(200, {"commands": []})

    server.script = script
    code = (
        "import sys; from pathlib import Path; from vedette.agent import AgentSettings, run;"
        "from vedette.core import SystemClock;"
        "run(AgentSettings(state_dir=sys.argv[1], root=sys.argv[2], interval=0.2, command_wait=0.0), SystemClock())"
    )
    agent = subprocess.Popen([sys.executable, "-c", code, settings.state_dir, settings.root])
    try:
        assert arrived.wait(30)
        os.kill(agent.pid, signal.SIGTERM)
        assert agent.wait(30) == 0
    finally:
        agent.kill()
        agent.wait()
    assert status(settings).report.shipped >= 1


def test_a_thread_that_dies_ends_the_agent_with_an_error(
    settings: AgentSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(settings, SystemClock())

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(runner._shipper, "run", broken)
    with pytest.raises(Exception, match="had to stop: a bug"):
        runner.run(threading.Event())


def test_one_snapshot_without_enrolment_has_rates_and_its_cost(tmp_path: Path) -> None:
    tree = Tree(tmp_path / "host")
    tree.write("/etc/machine-id", "0123\n")
    settings = AgentSettings(state_dir=str(tmp_path / "none"), root=str(tree.root))
    taken, cost = snapshot(settings, ManualClock(), settle_seconds=2.0)
    again, _ = snapshot(settings, ManualClock(), settle_seconds=2.0)
    assert taken.host.id == again.host.id
    assert taken.metrics["system.context_switches.rate"] == 0.0
    assert cost.cpu_seconds >= 0
    assert cost.peak_rss_bytes >= cost.rss_bytes > 1024 * 1024
    assert not (tmp_path / "none").exists()


def test_an_agent_that_is_not_enrolled_says_what_to_do(tmp_path: Path) -> None:
    settings = AgentSettings(state_dir=str(tmp_path / "none"))
    with pytest.raises(ConfigError, match="vedette agent enroll TOKEN"):
        run(settings, ManualClock(), threading.Event())
    stands = status(settings)
    assert not stands.enrolled
    assert not stands.running
