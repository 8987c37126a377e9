"""Hosts that fall silent under a real server that is restarted meanwhile: unknown after three intervals, told of once."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fixtures.quiet_host import quiet_snapshots
from tests.fixtures.service import Service, running_service

from vedette.app.demo.mailbox import Mailbox
from vedette.app.demo.server import running
from vedette.core import ActionState

# Its processes run what others trace.
pytestmark = pytest.mark.no_cover

POLICY = """
version: 1
policies:
  - name: tell
    on: [silent, heard]
    then: [{action: mail, with: {to: ["@owner"]}}]
    mode: auto
"""


@contextmanager
def _server(folder: Path) -> Iterator[tuple[Service, Mailbox]]:
    policies = folder / "policies.yaml"
    policies.write_text(POLICY)
    with Mailbox(folder / "mail") as mailbox:
        more = f"""
[ingest]
interval = 1.0
rate = 1000.0
[respond]
policies = "{policies}"
[mail]
host = "localhost"
port = {mailbox.port}
username = "{mailbox.username}"
password = "{mailbox.password}"
recipients = ["on-call@localhost"]
ca_file = "{mailbox.ca_file}"
"""
        with running_service(folder, more=more) as service:
            yield service, mailbox


def _until(what: str, look: Callable[[], Any], seconds: float = 90.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.2)
    return found


class _Watch:
    """What people see of hosts."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._token = service.token("viewer")

    def get(self, path: str, **query: str) -> Any:
        with self._service.client() as client:
            bearer = {"Authorization": f"Bearer {self._token}"}
            return client.get(path, params=query, headers=bearer).raise_for_status().json()

    def host(self, identifier: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/v1/hosts/{identifier}")
        return found

    def told(self, identifier: str) -> list[str]:
        """What was told of the host, in order, and that all of it was."""
        found = self.get("/v1/actions", host=identifier)["items"][::-1]
        return [one["trigger"] for one in found if one["state"] == ActionState.VERIFIED]

    def told_since(self, before: dict[Any, int], expected: list[str]) -> bool:
        """Whether this was told of each, in this order, since so much had been told before."""
        since = [self.told(host)[count:] for host, count in before.items()]
        return all(one[: len(expected)] == expected for one in since)

    def silent(self, *hosts: str) -> bool:
        return all(self.host(one)["silent_since"] for one in hosts)

    def heard(self, *hosts: str) -> bool:
        return not any(self.host(one)["silent_since"] for one in hosts)


def _restart(service: Service) -> datetime:
    """When it was started again."""
    assert service.stop() == 0
    # Longer than three intervals: by the wall clock everybody would be silent now.
    time.sleep(3.5)
    started = service.clock.now()
    service.start()
    service.wait_ready()
    return started


def test_silent_hosts_are_unknown_across_a_restart_told_of_once_and_come_back_by_themselves(
    tmp_path: Path,
) -> None:
    """A simulated host, whose every mail is counted, beside a real agent that is stopped and goes on."""
    snapshots, state = list(quiet_snapshots(42)), tmp_path / "agent"
    with ExitStack() as stack:
        service, mailbox = stack.enter_context(_server(tmp_path))
        watch, sender = _Watch(service), service.sender("quiet-6a4a")

        def push(first: int, last: int) -> None:
            for snapshot in snapshots[first:last]:
                # What came from a spool would have to wait for its turn.
                fresh = msgspec.structs.replace(snapshot, taken_at=service.clock.now())
                assert sender.push(sender.envelope(fresh)).status_code == 202
            _until("all are judged", lambda: watch.host(sender.host)["last_seq"] == last)

        _enrol_agent(service.enrolment(), state)
        log = tmp_path / "agent.log"
        agent = stack.enter_context(running(log, "agent", "run", "--state-dir", str(state)))
        machine = _until("the agent is heard", lambda: _heard_machine(watch))
        # On a slow machine either may have been silent for a moment by now.
        _until("no silence is left", lambda: len(watch.told(machine)) % 2 == 0)
        os.killpg(agent.pid, signal.SIGSTOP)
        try:
            push(0, 40)
            assert watch.host(sender.host)["status"] == "normal"
            both = {host: len(watch.told(host)) for host in (sender.host, machine)}
            restarted = _restart(service)
            _until("both are silent", lambda: watch.silent(*both))
            for host in map(watch.host, both):
                assert (host["status"], host["status_reason"]) == ("unknown", "silent")
            since = datetime.fromisoformat(watch.host(sender.host)["silent_since"])
            assert since > restarted, "no time without a server counts"
            _until("that is told", lambda: watch.told_since(both, ["silent"]))
        finally:
            os.killpg(agent.pid, signal.SIGCONT)
        push(40, 42)
        _until("both are back", lambda: watch.heard(*both))
        assert watch.host(sender.host)["status"] == "normal"
        _until("that is told", lambda: watch.told_since(both, ["silent", "heard"]))
        subjects = [str(mail["Subject"]) for mail in mailbox.messages]
    assert [subject for subject in subjects if "quiet-6a4a" in subject][-2:] == [
        "[Vedette] silent: quiet-6a4a sends no snapshots any more",
        "[Vedette] heard again: quiet-6a4a is heard again",
    ]
    assert sum("quiet-6a4a" in subject for subject in subjects) == both[sender.host] + 2


def _heard_machine(watch: _Watch) -> str:
    found = [one for one in watch.get("/v1/hosts")["items"] if one["hostname"] != "quiet-6a4a"]
    return str(found[0]["id"]) if found and found[0]["last_seen_at"] else ""


def _enrol_agent(token: str, state: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "vedette", "agent", "enroll", token, "--state-dir", str(state)],
        check=True,
        capture_output=True,
        timeout=60,
    )
