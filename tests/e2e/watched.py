"""A made host with the real agent, against a real server; its looks are a minute apart by a clock of its own."""

import shutil
import time
from pathlib import Path

from tests.agent.tree import Tree
from tests.fixtures.service import Service

from vedette.agent import AgentSettings, Enrolment, Report, Runner, enroll, status
from vedette.agent.ship import Shipped
from vedette.core import HostId, ManualClock, SystemClock, TenantId, Verdict

__all__ = ["Watched"]

_MINUTE = 60.0


class Watched:
    """The agent does what it is told, one step at a time: nothing of it runs by itself."""

    def __init__(self, folder: Path, service: Service, *, clock: ManualClock | None = None) -> None:
        self.folder = folder
        self.service = service
        self.tree = Tree(folder / "root")
        self.tree.write("/proc/sys/kernel/hostname", f"{folder.parent.name}\n")
        users = "".join(f"user{n}:x:{1000 + n}:100::/home/user{n}:/bin/sh\n" for n in range(9))
        self.tree.write("/etc/passwd", f"root:x:0:0:root:/root:/bin/bash\n{users}")
        self.settings = AgentSettings(
            state_dir=str(folder / "state"), root=str(self.tree.root), full_every=100_000
        )
        self.clock = clock or ManualClock(SystemClock().now())
        self.runner: Runner | None = None

    def enroll(self, *, again: bool = False) -> HostId:
        """A new identity of the running server; the host's id."""
        token = self.service.enrolment()
        return enroll(token, self.settings, SystemClock(), version="test", again=again).host

    @property
    def host(self) -> HostId:
        """As it is enrolled now."""
        return Enrolment.load(self.settings.state).host

    @property
    def agent(self) -> Runner:
        """The agent, begun where it does not run."""
        if self.runner is None:
            self.runner = Runner(self.settings, self.clock)
            self.runner._collector.snapshot(self.host, 1, {})
        return self.runner

    def look(self, count: int = 1) -> None:
        """Takes snapshots into the spool."""
        for _ in range(count):
            self.clock.advance(_MINUTE)
            self.agent.look()

    def ship(self) -> list[Shipped]:
        """Sends all that waits; what became of each try."""
        outcomes = []
        for _ in range(2_000):
            outcome, _ = self.agent._shipper.step()
            outcomes.append(outcome)
            if outcome is Shipped.IDLE:
                return outcomes
            if outcome is Shipped.KEPT:
                time.sleep(0.05)
        raise AssertionError(f"the spool does not empty: {self.report().last_error}")

    def live(self, count: int) -> None:
        """Looks and ships in turn."""
        for _ in range(count):
            self.look()
            self.ship()

    def stop(self) -> None:
        """Ends the agent; its state folder stays."""
        if self.runner is not None:
            self.runner.close()
            self.runner = None

    def copied(self, name: str) -> "Watched":
        """Another machine with a copy of the agent's state folder. Stops this one for the moment of copying."""
        self.stop()
        other = Watched(
            self.folder.parent / name, self.service, clock=ManualClock(self.clock.now())
        )
        shutil.copytree(self.settings.state, other.settings.state)
        return other

    def report(self) -> Report:
        """What the running agent knows of itself."""
        return self.agent._health.report

    def verdicts(self, count: int, seconds: float = 60.0) -> list[Verdict]:
        """This host's verdicts once there are that many, by `taken_at`."""
        return self.service_verdicts(self.host, count, seconds)

    def service_verdicts(self, host: HostId, count: int, seconds: float = 60.0) -> list[Verdict]:
        """Verdicts of a host once there are that many, by `taken_at`."""
        store = self.service.store()
        deadline = time.monotonic() + seconds
        try:
            while True:
                found = store.verdicts.find(TenantId("default"), host=host, limit=500).items
                if len(found) >= count or time.monotonic() > deadline:
                    assert len(found) == count, f"{len(found)} of {count} verdicts"
                    return list(found)[::-1]
                time.sleep(0.1)
        finally:
            store.close()

    def needed(self) -> tuple[str, ...]:
        """The tables that the server asks this host for."""
        store = self.service.store()
        try:
            kid = Enrolment.signing_key(self.settings.state).kid
            return store.hosts.signers([kid])[kid].needed
        finally:
            store.close()

    def status_error(self) -> str:
        """What `vedette agent status` says went wrong last. Its file is written as the agent's threads do."""
        self.agent._health.write()
        return status(self.settings).report.last_error
