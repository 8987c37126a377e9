"""An enrolled agent on a made host, for tests to break, and fixtures of it at rest and at work."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from tests.agent.server import Reply, Seen, Server
from tests.agent.tree import Tree

from vedette.agent import AgentSettings, Diagnosis, Enrolment, Outcome, Runner, examine, run
from vedette.core import Clock, HostId, SystemClock, TenantId
from vedette.seal import KeyRing, SigningKey

__all__ = ["COMMANDING", "KEY", "NOBODY", "RING", "Sick", "sick", "working"]

RING, COMMANDING, KEY = KeyRing.generate(), SigningKey.generate(), SigningKey.generate()
NOBODY = 65534


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
