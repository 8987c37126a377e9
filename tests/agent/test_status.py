"""What `status` says of a folder, which it must leave as it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.agent.enrolled import Agent
from tests.agent.server import Server

from vedette.agent import AgentSettings, status


@pytest.fixture
def agent(tmp_path: Path, server: Server) -> Iterator[Agent]:
    made = Agent(tmp_path / "state", server)
    made.fill(2)
    yield made
    made.close()


def _content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_damaged_journal_is_told_and_left_as_it_is(agent: Agent) -> None:
    agent.journal.close()
    journal = agent.state / "journal.sqlite"
    journal.write_bytes(journal.read_bytes()[:5000])
    before = _content(agent.state)
    stands = status(AgentSettings(state_dir=str(agent.state)))
    assert stands.journal.startswith("damaged (")
    assert (stands.epoch, stands.next_seq, stands.spool_depth) == ("", None, 2)
    assert _content(agent.state) == before


def test_a_journal_in_use_is_read_and_a_missing_one_is_told(agent: Agent) -> None:
    settings = AgentSettings(state_dir=str(agent.state))
    stands = status(settings)
    assert (stands.journal, stands.epoch, stands.next_seq) == ("", agent.journal.epoch, 3)
    agent.journal.close()
    (agent.state / "journal.sqlite").unlink()
    assert status(settings).journal.startswith("missing")
    assert not (agent.state / "journal.sqlite").exists()
