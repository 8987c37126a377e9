"""A made host, a scripted HTTPS server, and agents enrolled with it."""

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.box import Box
from tests.agent.enrolled import Agent
from tests.agent.processes_host import Host
from tests.agent.server import Reply, Server
from tests.agent.sick import sick, working
from tests.agent.tree import Tree

__all__ = [
    "agent",
    "box",
    "kill",
    "one_switch_at_a_time",
    "server",
    "sick",
    "suspend",
    "tree",
    "working",
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "authority", lambda _: Reply(202, {"accepted": True})) as running:
        yield running


@pytest.fixture
def box(server: Server) -> Box:
    server.script = Box()
    return server.script


@pytest.fixture
def agent(tmp_path: Path, server: Server) -> Iterator[Agent]:
    enrolled = Agent(tmp_path / "state", server)
    yield enrolled
    enrolled.close()


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


@pytest.fixture
def one_switch_at_a_time() -> Iterator[None]:
    """A switch is the machine's, whichever agent set it; so tests that set some wait for each other, in whatever process."""
    with (Path(tempfile.gettempdir()) / "vedette-switches.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture
def kill(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path, "kill_process")
    yield made
    made.close()


@pytest.fixture
def suspend(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path, "suspend_process")
    yield made
    made.kind.let_go(made.scene, made.ledger, "the test is over")
    made.close()
