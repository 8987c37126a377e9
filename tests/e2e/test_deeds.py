"""Each kind beside quarantine through the real service and a real agent: proposed over the API, fetched over TLS, verified.

The processes are the test's own, the accounts lie in a folder, and shutdown records what it is told; a reboot is another
boot id, mounted for the agent alone.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.agent.accounts import SHADOW, make_accounts
from tests.agent.processes_host import child, named
from tests.agent.recorded_shutdown import make_shutdown
from tests.fixtures.service import Service, running_service
from tests.fixtures.services import require

from vedette.core import Action, ActionId, ActionState, HostId, Mode, TenantId, new_id

# Its processes run what others trace.
pytestmark = pytest.mark.no_cover

ROOT = Path(__file__).parents[2]
KINDS = ("disable_account", "kill_process", "reboot", "shutdown", "suspend_process")


class House:
    """The server, one host of it, and who proposes and approves."""

    def __init__(self, folder: Path, service: Service) -> None:
        self.folder, self.service = folder, service
        self.root = folder / "root"
        make_accounts(self.root, folder)
        self.config = folder / "agent.toml"
        self.configure("/")
        _cli("enroll", service.enrolment(), "--config", str(self.config))
        self.people = [service.client("responder"), service.client("admin")]
        self.store = service.store()
        (host,) = self.store.hosts.find(TenantId("default")).items
        self.host = host.id

    def close(self) -> None:
        for one in self.people:
            one.close()
        self.store.close()

    def configure(self, root: str) -> None:
        """`root`: where the host's files are; processes of others than this machine's are not the agent's to touch."""
        self.config.write_text(
            f'state_dir = "{self.folder / "agent"}"\nroot = "{root}"\nactions = {list(KINDS)}\ninterval = 0.5\n'
            "command_wait = 2\ncpu_percent = 100\nmemory_mib = 4096\n"
        )

    @contextmanager
    def agent(self, life: str, root: str = "/") -> Iterator[None]:
        """The agent at work in that life of the machine; no other process sees that mount."""
        self.configure(root)
        boot = self.folder / "boot_id"
        boot.write_text(life)
        script = f'mount --bind "{boot}" /proc/sys/kernel/random/boot_id && exec "$@"'
        agent = (
            sys.executable,
            "-m",
            "tests.e2e.recorded_agent",
            str(self.config),
            str(self.folder),
        )
        with (self.folder / "agent.log").open("ab") as log:
            process = subprocess.Popen(
                [
                    "unshare",
                    "--mount",
                    "--propagation",
                    "private",
                    "sh",
                    "-c",
                    script,
                    "sh",
                    *agent,
                ],
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env=_environment(),
            )
        try:
            yield
        finally:
            process.terminate()
            process.wait(30)

    def ask(self, kind: str, **parameters: Any) -> str:
        """Somebody proposes it, somebody else approves; its id."""
        asked = {"kind": kind, "host": self.host, "parameters": parameters, "reason": "odd"}
        made = self.people[0].post("/v1/actions", json=asked).raise_for_status().json()["id"]
        return self.approve(made)

    def answer(self, kind: str, pid: int, **changes: Any) -> str:
        """As `ask`, about a process that is named as an incident's reasons name one."""
        now = self.service.clock.now()
        made = Action(
            id=ActionId(new_id(self.service.clock)),
            tenant=TenantId("default"),
            incident=None,
            host=self.host,
            policy="stop",
            policy_version="sha256:0",
            kind=kind,
            mode=Mode.APPROVE,
            dry_run=False,
            state=ActionState.PROPOSED,
            parameters={"process": "@cause", "processes": [named(pid)]} | changes.pop("parameters"),
            proposed_by="user:test",
            disruptive=True,
            proposed_at=now,
            updated_at=now,
            expires_at=now + timedelta(hours=1),
            **changes,
        )
        return self.approve(self.store.actions.propose(made).id)

    def approve(self, action: str) -> str:
        self.until(action, "awaiting_approval")
        said = {"reason": "seen"}
        self.people[1].post(f"/v1/actions/{action}/approve", json=said).raise_for_status()
        return action

    def release(self, action: str) -> dict[str, Any]:
        said = {"reason": "enough"}
        self.people[1].post(f"/v1/actions/{action}/release", json=said).raise_for_status()
        return self.until(action, "released")

    def until(self, action: str, state: str) -> dict[str, Any]:
        """Its last event, once it is that."""

        def found() -> dict[str, Any]:
            now = self.people[1].get(f"/v1/actions/{action}").raise_for_status().json()
            assert now["state"] not in {"failed", "refused", "expired"} - {state}, now["detail"]
            return now if now["state"] == state else {}

        _wait(found, self.folder / "agent.log")
        events = self.people[1].get(f"/v1/actions/{action}/events").raise_for_status().json()
        return dict(events["items"][-1])

    def told(self) -> list[str]:
        return (self.root / "told").read_text().splitlines()


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("VEDETTE_")}


def _cli(*words: str) -> None:
    command = [sys.executable, "-m", "vedette", "agent", *words]
    subprocess.run(command, check=True, timeout=60, capture_output=True, env=_environment())


def _wait(found: Callable[[], Any], log: Path, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, log.read_text()[-3_000:]
        time.sleep(0.1)


@pytest.fixture
def house(tmp_path: Path, one_switch_at_a_time: None) -> Iterator[House]:
    del one_switch_at_a_time
    if os.geteuid() != 0 or shutil.which("usermod") is None:
        require("usermod", "only root can work on files of accounts with it")
    with running_service(tmp_path, more="[ingest]\ninterval = 0.5\n") as service:
        made = House(tmp_path, service)
        yield made
        made.close()


def test_each_kind_is_carried_out_by_an_agent_and_verified_at_the_server(house: House) -> None:
    root = str(house.root)
    with house.agent("the first life"):
        _wait(lambda: _can_act(house), house.folder / "agent.log")
        _processes(house)
    with house.agent("the first life", root):
        _account(house)
        # A host with systemd from here on, whose schedule it is; the test's own machine may have none.
        make_shutdown(house.root, house.folder)
        off = _scheduled(house, "shutdown", "--poweroff +2 Vedette: out")
    # As /run is after a boot.
    (house.root / "run/systemd/shutdown/scheduled").unlink()
    with house.agent("the second life", root):
        _started_anew(house, off)
        again = _scheduled(house, "reboot", "--reboot +2 Vedette: out")
    (house.root / "run/systemd/shutdown/scheduled").unlink()
    with house.agent("the third life", root):
        _started_anew(house, again)


def _can_act(house: House) -> bool:
    return set(house.store.hosts.get(TenantId("default"), HostId(house.host)).can_act) == set(KINDS)


def _processes(house: House) -> None:
    with child() as held, child() as ended:
        lease = {"parameters": {"lease": 60.0}, "lease_seconds": 60.0, "most_seconds": 600.0}
        action = house.answer("suspend_process", held.pid, **lease)
        assert house.until(action, "verified")["data"]["probe"]
        assert psutil.Process(held.pid).status() == psutil.STATUS_STOPPED
        assert house.release(action)["data"]["restored"] is True
        assert psutil.Process(held.pid).status() == psutil.STATUS_SLEEPING
        action = house.answer(
            "kill_process", ended.pid, parameters={"grace": 1.0}, grace_seconds=1.0
        )
        # Only who began it can bury it.
        assert ended.wait(60) != 0
        assert house.until(action, "verified")["data"]["probe"]
        assert held.poll() is None


def _account(house: House) -> None:
    shadow = house.root / "etc/shadow"
    action = house.ask("disable_account", account="bob", lease="60s")
    assert "bob" in str(house.until(action, "verified")["data"]["probe"])
    (bob,) = [line for line in shadow.read_text().splitlines() if line.startswith("bob:")]
    assert bob.split(":")[1].startswith("!")
    assert house.release(action)["data"]["restored"] is True
    assert shadow.read_text() == SHADOW


def _scheduled(house: House, kind: str, words: str) -> str:
    action = house.ask(kind, grace="2m", message="out")
    house.until(action, "applied")
    assert house.told()[-1] == words
    return action


def _started_anew(house: House, action: str) -> None:
    assert "another boot id" in str(house.until(action, "verified")["data"]["probe"])
