"""The agent's page names every table and every setting."""

from pathlib import Path

from vedette.agent import AgentSettings, Collector, Source
from vedette.core import SystemClock

PAGE = (Path(__file__).parents[2] / "docs" / "agent.md").read_text()


def test_every_setting_is_on_the_page() -> None:
    for name in AgentSettings.__struct_fields__:
        assert f"| `{name}` | `VEDETTE_AGENT_{name.upper()}` |" in PAGE


def test_every_table_is_on_the_page() -> None:
    names = {"processes", "listening_ports", "process_open_sockets"}
    for name in names | set(Collector(Source(), SystemClock())._tables):
        assert f"\n| `{name}` |" in PAGE
