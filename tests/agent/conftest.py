"""A scripted HTTPS server, and an agent enrolled with it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.enrolled import Agent
from tests.agent.server import Reply, Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path / "authority", lambda _: Reply(202, {"accepted": True})) as running:
        yield running


@pytest.fixture
def agent(tmp_path: Path, server: Server) -> Iterator[Agent]:
    enrolled = Agent(tmp_path / "state", server)
    yield enrolled
    enrolled.close()
