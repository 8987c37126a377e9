"""Long polls and results."""

import base64
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from tests.ingest.world import START, World

from vedette.core import CommandId, HostId, ManualClock, TenantId
from vedette.ingest import IngestSettings
from vedette.ingest.memory import MemoryCommands

BLOB = b"\x94signed"
QUICK = IngestSettings(poll_seconds=0.001)


class Watched(MemoryCommands):
    """Tells when it is asked; `step` is how far each question moves the clock."""

    def __init__(self, step: float = 0.0) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.times = 0
        self.clock: ManualClock | None = None
        self.step = step

    def pending(
        self, tenant: TenantId, host: HostId, now: datetime, /
    ) -> Sequence[tuple[CommandId, bytes]]:
        self.times += 1
        if self.clock is not None:
            self.clock.advance(self.step)
        found = super().pending(tenant, host, now)
        self.asked.set()
        return found


def test_commands_that_wait_are_given_at_once_and_again_until_answered() -> None:
    world = World(settings=QUICK)
    world.commands.blobs[world.machine.host] = {CommandId("c-1"): BLOB}
    told = {"commands": [base64.b64encode(BLOB).decode()]}
    with world.client() as client:
        assert world.machine.poll(client, "60").json() == told
        assert world.machine.poll(client).json() == told
        answer = world.machine.tell(client, "c-1")
        assert (answer.status_code, answer.json()) == (200, {"recorded": True})
        assert world.machine.tell(client, "c-1").status_code == 200
        assert world.machine.poll(client).json() == {"commands": []}
    (result,) = world.commands.results
    assert result.state == "simulated"


@pytest.mark.parametrize("state", ["released", "cancelled"])
def test_a_host_may_tell_how_a_lease_or_a_grace_ended(state: str) -> None:
    world = World()
    world.commands.blobs[world.machine.host] = {CommandId("c-1"): BLOB}
    with world.client() as client:
        assert world.machine.tell(client, "c-1", state=state).status_code == 200
    assert [one.state for one in world.commands.results] == [state]


def test_a_poll_returns_as_soon_as_a_command_appears() -> None:
    # The clock stands still: only the command can end the poll.
    commands = Watched()
    world = World(settings=QUICK, commands=commands)
    with world.client() as client, ThreadPoolExecutor(1) as pool:
        polling = pool.submit(world.machine.poll, client, "60")
        assert commands.asked.wait(30)
        commands.blobs[world.machine.host] = {CommandId("c-1"): BLOB}
        answer = polling.result(30)
    assert len(answer.json()["commands"]) == 1


def test_a_poll_ends_empty_when_its_time_is_over() -> None:
    commands = Watched(step=1.0)
    world = World(settings=QUICK, commands=commands)
    commands.clock = world.manual
    with world.client() as client:
        answer = world.machine.poll(client, "5")
    assert (answer.status_code, answer.json()) == (200, {"commands": []})
    assert commands.times == 5


def test_a_newer_poll_of_the_same_host_ends_the_older_one() -> None:
    commands = Watched()
    world = World(settings=QUICK, commands=commands)
    with world.client() as client, ThreadPoolExecutor(1) as pool:
        older = pool.submit(world.machine.poll, client, "60")
        assert commands.asked.wait(30)
        assert world.machine.poll(client, "0").json() == {"commands": []}
        assert older.result(30).json() == {"commands": []}


def test_what_a_host_lets_be_done_is_kept_when_it_changes() -> None:
    world = World(settings=QUICK)
    with world.client() as client:
        for can in (None, "shutdown,quarantine", "quarantine,shutdown", None, "", "quarantine"):
            assert world.machine.poll(client, "0", can=can).status_code == 200
    assert [kinds for _, kinds in world.hosts.allowed] == [
        ("quarantine", "shutdown"),
        (),
        ("quarantine",),
    ]
    assert {host for host, _ in world.hosts.allowed} == {world.machine.host}


@pytest.mark.parametrize("can", [",", "a,,b", "Quarantine", "a" * 65, ",".join(["a" * 60] * 20)])
def test_a_list_that_is_none_is_refused_and_nothing_is_kept(can: str) -> None:
    world = World(settings=QUICK)
    with world.client() as client:
        assert world.machine.poll(client, "0", can=can).status_code == 400
    assert world.hosts.allowed == []


def test_a_stopping_server_ends_its_polls() -> None:
    commands = Watched()
    world = World(settings=QUICK, commands=commands)
    with world.client() as client, ThreadPoolExecutor(1) as pool:
        polling = pool.submit(world.machine.poll, client, "60")
        assert commands.asked.wait(30)
        world.door.draining = True
        assert polling.result(30).status_code == 200


def test_a_host_sees_no_other_hosts_commands() -> None:
    world = World()
    world.commands.blobs[HostId("h-2")] = {CommandId("c-1"): BLOB}
    with world.client() as client:
        assert world.machine.poll(client).json() == {"commands": []}
        answer = world.machine.tell(client, "c-1")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


@pytest.mark.parametrize("wait", ["-1", "61", "soon", "nan", "inf"])
def test_a_wait_that_can_not_be_is_refused(wait: str) -> None:
    world = World()
    with world.client() as client:
        answer = world.machine.poll(client, wait)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/invalid-input"


def test_too_many_polls_at_once_are_sent_away() -> None:
    world = World(settings=IngestSettings(max_polls=0))
    with world.client() as client:
        answer = world.machine.poll(client, "5")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")


def test_an_unsigned_or_revoked_poll_is_refused() -> None:
    world = World()
    with world.client() as client:
        assert client.get("/v1/commands").json()["type"] == "/problems/missing-signature"
        revoked = world.enrolled("h-2", revoked_at=START)
        assert revoked.poll(client).json()["type"] == "/problems/revoked-host"


def test_a_poll_of_a_host_that_is_revoked_meanwhile_ends_at_once_and_gives_nothing() -> None:
    # The clock stands still: only the revocation can end the poll.
    commands = Watched()
    world = World(settings=QUICK, commands=commands)
    with world.client() as client, ThreadPoolExecutor(1) as pool:
        polling = pool.submit(world.machine.poll, client, "60")
        assert commands.asked.wait(30)
        world.revoke(world.machine)
        answer = polling.result(30)
        commands.blobs[world.machine.host] = {CommandId("c-1"): BLOB}
        after = world.machine.poll(client, "60")
    for refused in (answer, after):
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/revoked-host")


@pytest.mark.parametrize(
    "changes",
    [
        {"command": "c-2"},
        {"state": "approved"},
        {"state": "no-state"},
        {"at": "2026-01-01T00:00:00"},
        {"at": None},
        {"data": []},
    ],
)
def test_a_result_that_can_not_be_is_refused(changes: dict[str, Any]) -> None:
    world = World()
    world.commands.blobs[world.machine.host] = {CommandId("c-1"): BLOB}
    with world.client() as client:
        path = "/v1/commands/c-1/result"
        answer = world.machine.tell(client, "c-1", **changes)
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/invalid-result")
        junk = b"\xff" * 10
        headers = world.machine.sign("POST", path, body=junk)
        answer = client.post(path, content=junk, headers=headers)
    assert answer.json()["type"] == "/problems/invalid-result"
    assert world.commands.results == []
